"""The far side of every client, without a socket: it answers as a chain of redirects says, and notes what arrived."""

from __future__ import annotations

import importlib
import io
import re
import ssl
from collections import OrderedDict

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
                return answer(200, b'{"ok": false, "error": "expired"}', "Content-Type: application/json")
            return answer(401, hop.refusal)
        if number + 1 == len(chain.hops):
            return answer(200, b'{"ok": true}', "Content-Type: application/json")
        said = self.arrivals[0] if chain.hops[number + 1].echo == "first target" else arrival
        return answer(hop.status, b"", f"Location: {chain.location(number + 1, said.target)}")

    def _lets_pass(self, hop, arrival):
        if hop.gate == "second":
            return sum(each.hop == arrival.hop for each in self.arrivals) > 1
        wanted = {"open": None, "old": {"old", "new"}, "new": {"new"}, "never": set()}[hop.gate]
        return wanted is None or bool(arrival.carried & wanted)


def answer(status, body, *headers):
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
        if is_headed and (body := body_in(head, rest)) is not None:
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


def body_in(head, rest):
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
