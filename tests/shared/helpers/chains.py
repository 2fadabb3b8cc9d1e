"""Random chains of redirects, and what is wrong about what arrived of one."""

from __future__ import annotations

import hashlib
import io
import random
import re
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote, unquote

from xkit_auth import (
    NotConnected,
    Placement,
    XkitAuthError,
)

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


# A chain


class Hop:
    """One place of a chain, and what it says to whoever comes."""

    def __init__(self, choose, chain, number):
        self.origin = chain.home if number == 0 else some_origin(choose, chain.home, chain.hops[-1].origin)
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


def some_origin(choose, home, before):
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
        where = f"/hop-{number}{echoed(hop.echo, arrived)}"
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


def echoed(how, arrived):
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
