"""Random chains of redirects, over real clients whose sockets alone are replaced: a credential stays at home.

Each chain is made from one number. Where each hop leads, what the provider says there, and what is looked at
afterwards: all of it is worked out here, from the bytes that arrived, without any help of the library's.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import random
import re
import ssl
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from contextlib import contextmanager
from urllib.parse import quote, unquote

import pytest

from xkit_auth import (
    Connector,
    Credential,
    Failure,
    NotConnected,
    Placement,
    Verdict,
    Xkit,
    XkitAuthError,
    hookimpl,
)

BLOCK = 100
"""Chains that share one client."""

TARGETS = ("https://one.example:443", "https://two.example:443", "https://one.example:8443")
"""The connector's hosts: one of them is a chain's home."""
STRANGERS = (
    "https://evil.example:443",
    "https://one.example.evil.example:443",
    "https://xone.example:443",
    "https://one.example.:443",
    "http://evil.example:80",
)
PLAIN_HTTP = ("http://one.example:80", "http://two.example:80", "http://one.example:443", "http://one.example:8443")
OTHER_PORTS = ("https://one.example:444", "https://two.example:8443", "https://one.example:80")

PLACEMENTS = {
    "authorization": Placement(),
    "header": Placement(header={"X-Api-Key": "{token}"}),
    "basic": Placement(basic=("user", "{token}")),
    "query": Placement(query={"key": "{token}"}),
    "path": Placement(path="/bot{token}"),
    "signed": Placement(header={"X-Token": "{token}"}),
    "both": Placement(header={"X-Api-Key": "{token}"}, query={"key": "{token}"}),
}
IN_URL = ("query", "path", "both")


def pytest_generate_tests(metafunc):
    if "seeds" in metafunc.fixturenames:
        starts = range(0, metafunc.config.getoption("chains"), BLOCK)
        metafunc.parametrize("seeds", [range(start, start + BLOCK) for start in starts], ids=[f"{at}" for at in starts])


def test_no_credential_leaves_its_origin_or_comes_back_to_it(driver, seeds, request):
    broken = []
    with world(driver) as run:
        for seed in seeds:
            chain = Chain(seed, driver)
            broken += [told for told in [run(chain)] if told]
    if broken:
        replay = f"--chains {seeds.stop} '{request.node.nodeid}'"
        pytest.fail("\n\n".join([f"{len(broken)} of {len(seeds)} chains. Again: {replay}", *broken[:3]]), pytrace=False)


# A chain


class Hop:
    """One place of a chain, and what it says to whoever comes."""

    def __init__(self, choose, chain, number):
        self.origin = chain.home if number == 0 else _some_origin(choose, chain.home, chain.hops[-1].origin)
        self.status = choose.choice([301, 302, 303, 307, 307, 308])
        # Whom it lets pass: everyone; whoever brings a credential, the new one, or nothing at all; the second visitor.
        self.gate = choose.choice(["open", "open", "open", "old", "new", "never", "second"])
        self.spelling = choose.choice(["plain"] * 5 + ["upper", "port", "user", "slashes", "path", "relative"])
        self.echo = choose.choice(
            [None] * 20 + ["parameter", "twice", "path", "lower", "other name", "base64", "first target"]
        )
        self.refusal = choose.choice([b"", b"no", b"n" * 5_000])

    def __repr__(self):
        said = f"{self.gate} {self.origin}"
        return f"{said} ({self.spelling}{f', echo: {self.echo}' if self.echo else ''}) {self.status}"


def _some_origin(choose, home, before):
    kinds = [(home,), (before,), TARGETS, STRANGERS, PLAIN_HTTP, OTHER_PORTS]
    (among,) = choose.choices(kinds, [25, 35, 15, 10, 8, 7])
    return choose.choice(among)


class Chain:
    """A request, the hops that it is led along, and the two credentials of its user."""

    def __init__(self, seed, driver):
        choose = random.Random(seed)
        self.seed = seed
        self.home = choose.choice([TARGETS[0], *TARGETS])
        self.placement = choose.choice(list(PLACEMENTS))
        self.is_slack_like = choose.random() < 0.2
        self.old, self.new = (f"{name}:{choose.getrandbits(64):016x}/e" for name in ("old", "new"))
        self.refetch = choose.choice(["new", "new", "new", "new", "same", "gone"])
        self.method = choose.choice(["GET", "POST", "POST", "PUT", "DELETE"])
        self.body = choose.choice(["none", "bytes", "bytes", "file", "form", "generator"])
        if self.method in ("GET", "DELETE"):
            self.body = "none"
        self.hops = []
        for number in range(choose.randint(1, 7)):
            self.hops.append(Hop(choose, self, number))
        self.content = f"the body of {seed}".encode()
        self.is_sync = driver.loop is None
        self.library = driver.library

    def arguments(self):
        """What the client is given for a body."""
        if self.body == "bytes":
            return {"content": self.content}
        if self.body == "file" and self.is_sync:
            return {"content": io.BytesIO(self.content)}
        if self.body in ("form", "file"):  # async clients take files in forms alone
            return {"files": {"name": ("name", io.BytesIO(self.content))}}
        if self.body == "generator":
            return {"content": self._pieces() if self.is_sync else self._apieces()}
        return {}

    def _pieces(self):
        yield self.content[:5]
        yield self.content[5:]

    async def _apieces(self):
        for piece in self._pieces():
            yield piece

    def marks(self, token):
        """What gives a credential away: its middle, which no encoding changes, and what is computed from it."""
        return token[4:-2], b64encode(f"user:{token}".encode()).decode(), signature(token)

    def credentials_in(self, text):
        """Which of the two credentials are said in what arrived, percent-encoded however often or in base64."""
        readings = [text]
        while (decoded := unquote(readings[-1])) != readings[-1]:
            readings.append(decoded)
        words = [word + "=" * (-len(word) % 4) for word in re.findall(r"[\w-]{24,}", text)]
        readings += [unquote(urlsafe_b64decode(word).decode("latin-1")) for word in words]
        said = "\n".join(readings)
        return {name for name in ("old", "new") if any(mark in said for mark in self.marks(getattr(self, name)))}

    def location(self, number, arrived):
        """Where hop ``number`` is, as the one before it says; ``arrived`` is the target that it was asked for."""
        hop, before = self.hops[number], self.hops[number - 1]
        scheme, host, port = re.fullmatch(r"(https?)://(.*):(\d+)", hop.origin).groups()
        where = f"/hop-{number}{_echoed(hop.echo, arrived)}"
        usual = (scheme, port) in (("https", "443"), ("http", "80"))
        netloc = host if usual else f"{host}:{port}"
        if hop.spelling == "upper":
            return f"{scheme.upper()}://{netloc.upper()}{where}"
        if hop.spelling == "port":
            return f"{scheme}://{host}:{port}{where}"
        if hop.spelling == "user":
            return f"{scheme}://user:password@{netloc}{where}"
        if hop.spelling == "slashes" and scheme == before.origin.partition(":")[0]:
            return f"//{netloc}{where}"
        if hop.spelling == "path" and hop.origin == before.origin:
            return where
        if hop.spelling == "relative" and hop.origin == before.origin and before.echo != "path":
            return where[1:]
        return f"{scheme}://{netloc}{where}"

    def __repr__(self):
        hops = "".join(f"\n    {number} {hop!r}" for number, hop in enumerate(self.hops))
        like = ", refused as Slack does" if self.is_slack_like else ""
        return (
            f"chain {self.seed}: {self.method} with {self.body} as body from {self.home}, credential in"
            f" {self.placement}, then {self.refetch}{like}{hops}"
        )


def _echoed(how, arrived):
    """A provider that says the target back in its redirect."""
    url = f"https://one.example{arrived}"
    return {
        None: "",
        "parameter": f"?next={quote(url, safe='')}",
        "twice": f"?a=1&next={quote(quote(url, safe=''), safe='')}",
        "path": f"/{quote(arrived, safe='')}.html",
        "lower": f"?next={re.sub('%..', lambda code: code[0].lower(), quote(arrived, safe=''))}",
        "base64": f"?state={urlsafe_b64encode(url.encode()).decode()}",
        "first target": f"?next={quote(url, safe='')}",
        "other name": f"?{arrived.rpartition('?')[2].replace('key=', ';yek=')}",
    }[how]


def signature(token):
    return hashlib.sha256(token.encode()).hexdigest()


# The far side


class Arrival:
    """One request as it came over a socket."""

    def __init__(self, chain, origin, head, body):
        line, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = line.split(" ", 2)
        self.headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
        self.origin = origin
        self.body = body
        self.hop = int(re.search(r"/hop-(\d+)", self.target.partition("?")[0])[1])
        self.carried = chain.credentials_in(f"{head.decode('latin-1')}\n{(body or b'').decode('latin-1')}")
        self.is_refused = False

    def __repr__(self):
        body = "half a body" if self.body is None else f"{len(self.body)} bytes"
        carried = " and ".join(sorted(self.carried)) or "no credential"
        return f"{self.hop} {self.method} {self.origin} {self.target[:120]} with {carried}, {body}"


class FarSide:
    """Everything that the clients can reach. It answers what the chain at hand says."""

    def begin(self, chain):
        self.chain = chain
        self.arrivals = []

    def note(self, origin, head, body):
        arrival = Arrival(self.chain, origin, head, body)
        self.arrivals.append(arrival)
        return arrival

    def answer(self, arrival):
        chain, number = self.chain, arrival.hop
        hop = chain.hops[number]
        arrival.is_refused = not self._lets_pass(hop, arrival)
        if arrival.is_refused:
            if chain.is_slack_like:
                return _answer(200, b'{"ok": false, "error": "expired"}', "Content-Type: application/json")
            return _answer(401, hop.refusal)
        if number + 1 == len(chain.hops):
            return _answer(200, b'{"ok": true}', "Content-Type: application/json")
        said = self.arrivals[0] if chain.hops[number + 1].echo == "first target" else arrival
        return _answer(hop.status, b"", f"Location: {chain.location(number + 1, said.target)}")

    def _lets_pass(self, hop, arrival):
        if hop.gate == "second":
            return sum(each.hop == arrival.hop for each in self.arrivals) > 1
        wanted = {"open": None, "old": {"old", "new"}, "new": {"new"}, "never": set()}[hop.gate]
        return wanted is None or bool(arrival.carried & wanted)


def _answer(status, body, *headers):
    return "\r\n".join([f"HTTP/1.1 {status} So", *headers, f"Content-Length: {len(body)}", "", ""]).encode() + body


class Wire:
    """One connection to one origin: what is written to it is read as HTTP/1.1, and the answer is there at once."""

    def __init__(self, far_side, origin):
        self._far_side = far_side
        self._origin = origin
        self._received = bytearray()
        self._answer = b""

    def received(self, data):
        self._received += data
        head, is_headed, rest = bytes(self._received).partition(b"\r\n\r\n")
        if is_headed and (body := _body_in(head, rest)) is not None:
            self._received.clear()
            self._answer += self._far_side.answer(self._far_side.note(self._origin, head, body))

    def to_send(self, most):
        data, self._answer = self._answer[:most], self._answer[most:]
        return data

    def gone(self):
        """The client hangs up; what it has sent by then has arrived, whole or not."""
        head, is_headed, _ = bytes(self._received).partition(b"\r\n\r\n")
        self._received.clear()
        if is_headed:
            self._far_side.note(self._origin, head, None)


def _body_in(head, rest):
    """The body, once it is whole."""
    if re.search(rb"(?mi)^transfer-encoding: chunked\r?$", head):
        body = bytearray()
        while (size := re.match(rb"([0-9a-fA-F]+)\r\n", rest)) is not None:
            length, start = int(size[1], 16), size.end()
            body += rest[start : start + length]
            rest = rest[start + length + 2 :]
            if length == 0:
                return bytes(body)
        return None
    announced = re.search(rb"(?mi)^content-length: (\d+)\r?$", head)
    length = int(announced[1]) if announced else 0
    return rest[:length] if len(rest) >= length else None


# The sockets, as each library has them


class Socket:
    """For urllib3 and http.client."""

    def __init__(self, wire):
        self._wire = wire

    def sendall(self, data):
        self._wire.received(bytes(data))

    def makefile(self, *_args, **_kwargs):
        return io.BytesIO(self._wire.to_send(1_000_000))

    def settimeout(self, _seconds):
        pass

    def shutdown(self, _how):
        pass

    def close(self):
        self._wire.gone()


class Stream:
    """For httpcore and httpcore2, sync."""

    def __init__(self, far_side, host, port):
        self._far_side = far_side
        self._host, self._port = host, port
        self._wire = Wire(far_side, f"http://{host}:{port}")

    def start_tls(self, *_args, **_kwargs):
        self._wire = Wire(self._far_side, f"https://{self._host}:{self._port}")
        return self

    def read(self, max_bytes, timeout=None):
        return self._wire.to_send(max_bytes)

    def write(self, data, timeout=None):
        self._wire.received(data)

    def close(self):
        self._wire.gone()

    def get_extra_info(self, _name):
        return None


class AsyncStream(Stream):
    """The same for tasks."""

    async def start_tls(self, *args, **kwargs):
        return super().start_tls(*args, **kwargs)

    async def read(self, max_bytes, timeout=None):
        return super().read(max_bytes)

    async def write(self, data, timeout=None):
        super().write(data)

    async def aclose(self):
        super().close()


class Network:
    """A network backend of httpcore's."""

    def __init__(self, far_side):
        self._far_side = far_side

    def connect_tcp(self, host, port, **_options):
        return Stream(self._far_side, host, port)


class AsyncNetwork(Network):
    """The same for tasks."""

    async def connect_tcp(self, host, port, **_options):
        return AsyncStream(self._far_side, host, port)


def options_for(driver, far_side):
    """What makes a client of the driver talk to the far side."""
    return {"adapters": _adapters(far_side)} if driver.library == "requests" else _transport(driver, far_side)


def _adapters(far_side):
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    class Plain(HTTPConnection):
        scheme = "http"
        is_connected = property(lambda self: self.sock is not None)

        def connect(self):
            self.sock = Socket(Wire(far_side, f"{self.scheme}://{self._dns_host}:{self.port}"))

    class Secure(Plain, HTTPSConnection):
        scheme = "https"

        def connect(self):
            super().connect()
            self.is_verified = True

    adapter = HTTPAdapter()
    adapter.poolmanager.pool_classes_by_scheme = {
        "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": Plain}),
        "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": Secure}),
    }
    return OrderedDict({"https://": adapter, "http://": adapter})


def _transport(driver, far_side):
    core = importlib.import_module(driver.library.replace("httpx", "httpcore"))
    kind = "" if driver.loop is None else "Async"
    network = AsyncNetwork if driver.loop else Network
    transport = getattr(driver.lib, f"{kind}HTTPTransport")(verify=False)
    nobody_reads = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # made here, it is made once
    pool = getattr(core, f"{kind}ConnectionPool")
    transport._pool = pool(ssl_context=nobody_reads, network_backend=network(far_side))
    return {"transport": transport}


# The application's side


class Keeper(Xkit):
    """An ``Xkit`` that has the credentials of the chain at hand, and calls nobody."""

    def begin(self, chain):
        self._chain = chain
        self._now = chain.old

    def get_credential(self, connector, *, context, rejected=None):
        assert context == f"user-{self._chain.seed}"
        if rejected is not None and self._chain.refetch == "gone":
            raise NotConnected("The user has disconnected", connector=connector, context=context)
        if rejected is not None and self._chain.refetch == "new":
            self._now = self._chain.new
        return Credential(self._now)

    async def aget_credential(self, connector, *, context, rejected=None):
        return self.get_credential(connector, context=context, rejected=rejected)


class Connectors:
    """One connector for each placement, plain and like Slack."""

    names = tuple(name for name in PLACEMENTS if name != "signed")

    @hookimpl
    def xkit_auth_connectors(self):
        hosts = [target.removeprefix("https://") for target in TARGETS]
        like_slack = {
            "inspect": {200: "application/json"},
            "failures": [Failure(Verdict.REFETCH, status=200, json={"ok": False, "error": ("expired",)})],
        }
        for name in self.names:
            for more, options in (("", {}), ("-slack", like_slack)):
                yield Connector(f"{name}{more}", hosts=hosts, kinds={"it": PLACEMENTS[name]}, **options)


class SigningConnectors(Connectors):
    """A connector whose plugin writes two headers."""

    names = ("signed",)

    @hookimpl
    def xkit_auth_format_headers(self, credential):
        return {"X-Token": credential.reveal(), "X-Signature": signature(credential.reveal())}


@contextmanager
def world(driver):
    """Yields ``run(chain)``, which gives what went wrong, or nothing."""
    far_side = FarSide()
    keys = {"publishable_key": "pk_test_chains", "secret_key": "sk_test_chains"}
    with (
        Keeper(**keys, plugins=[Connectors()]) as plain,
        Keeper(**keys, plugins=[SigningConnectors()]) as signing,
        driver.session(**options_for(driver, far_side), follow_redirects=True) as send,
    ):

        def run(chain):
            far_side.begin(chain)
            xkit = signing if chain.placement == "signed" else plain
            xkit.begin(chain)
            raised = None
            try:
                _send(driver, send, xkit, chain)
            except Exception as error:  # whether it may be raised is one of the things to judge
                raised = error
            mistakes = list(mistakes_in(chain, far_side.arrivals, raised))
            if not mistakes:
                return ""
            arrived = "".join(f"\n    {arrival!r}" for arrival in far_side.arrivals)
            return f"{'; '.join(mistakes)}\n{chain!r}\n  arrived:{arrived}\n  raised: {raised!r}"

        yield run


def _send(driver, send, xkit, chain):
    slug = f"{chain.placement}-slack" if chain.is_slack_like else chain.placement
    auth = driver.auth(slug, context=f"user-{chain.seed}", xkit=xkit, kind="it")
    url = f"{chain.home.removesuffix(':443')}/hop-0"
    send(chain.method, url, auth=auth, **chain.arguments())


# What must not be, and what must


def mistakes_in(chain, arrivals, raised):
    """In words, each rule that this chain has broken."""
    before = None
    has_left = is_renewed = False
    resends = 0
    for arrival in arrivals:
        is_at_home = arrival.origin == chain.home
        is_again = before is not None and arrival.hop == before.hop
        has_left = has_left or not is_at_home
        if arrival.carried and not is_at_home:
            yield "a credential at another origin"
        elif arrival.carried and has_left:
            yield "a credential comes back home after the chain has left"
        if not arrival.carried and not has_left and not _may_be_bare(chain, arrival, is_again=is_again):
            yield "no credential at home"
        if is_renewed and "old" in arrival.carried:
            yield "the refused credential once more"
        is_renewed = is_renewed or "new" in arrival.carried
        if before is not None and arrival.hop < before.hop:
            yield "an earlier hop once more"
        if is_again:
            resends += 1
            yield from _mistakes_in_resend(before, arrival, has_left=has_left)
        before = arrival
    if resends > 1:
        yield "more than one resend"
    if (
        arrivals[0].hop != 0
        or arrivals[0].body is None
        or (chain.body != "none") != (chain.content in arrivals[0].body)
    ):
        yield "not what was to be sent"
    if _must_be_sent_again(chain, before, has_left=has_left, resends=resends):
        yield "no resend"
    if raised is None and not _may_end(chain, before):
        yield "a redirect was not followed"
    if raised is not None and not _may_raise(chain, before, raised, has_left=has_left):
        yield f"raised {type(raised).__name__}"


def _may_be_bare(chain, arrival, *, is_again):
    """Whether a hop at home may lack the credential.

    requests makes the URL of a hop from what the provider said, so a credential in the URL is missing until the resend.
    A URL with a user in it is one that may not carry a credential.
    """
    if any(hop.spelling == "user" for hop in chain.hops[1 : arrival.hop + 1]):
        return True
    return chain.library == "requests" and chain.placement in IN_URL and arrival.hop > 0 and not is_again


def _mistakes_in_resend(before, arrival, *, has_left):
    if has_left:
        yield "a resend after the chain has left"
    if not before.is_refused:
        yield "a resend of what was not refused"
    if (before.method, before.body) != (arrival.method, arrival.body):
        yield "a resend of something else"


def _must_be_sent_again(chain, last, *, has_left, resends):
    is_judged = (
        last.is_refused and last.carried == {"old"} and not has_left and not _may_be_bare(chain, last, is_again=False)
    )
    return is_judged and resends == 0 and chain.refetch == "new" and chain.body != "generator"


def _may_end(chain, last):
    """Whether the client may stop there: a redirect that says the credential back is not followed with it."""
    if last.is_refused or last.hop + 1 == len(chain.hops):
        return True
    echo = chain.hops[last.hop + 1].echo
    is_said_back = echo == "first target" or (echo is not None and bool(last.carried))
    return is_said_back and chain.placement in IN_URL


def _may_raise(chain, last, raised, *, has_left):
    if isinstance(raised, XkitAuthError):
        return isinstance(raised, NotConnected) and chain.refetch == "gone" and last.is_refused and not has_left
    # Clients say so themselves when a redirect wants a body again that can be read but once, httpx in h11's words.
    is_theirs = type(raised).__module__.partition(".")[0] in (chain.library, "h11")
    return is_theirs and chain.body in ("file", "form", "generator")
