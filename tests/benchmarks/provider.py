"""A provider and an Xkit that cost as little as possible, in a process of their own, on a loopback port.

Run as a script it is that process; ``running()`` starts it and ends it. It knows just enough HTTP for GET requests.

    GET /xkit/contexts/USER/connections/SLUG    what Xkit would say, after a delay
    GET /things                                 200 if the token is the user's current one or ``constant``, else 401
    GET /control/expire                         everybody's token is refused from now on
    GET /control/luck/N                         one request in N finds that its user's token has just expired
    GET /control/hold/N                         the next N requests are answered when all of them are there
    GET /control/count                          how many calls, requests and refusals there were since the last time
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

DELAY = 0.05
"""Seconds until Xkit answers."""

MERCY = 5.0
"""Seconds for which a user's new token does not expire: two refusals in a row would be the caller's to deal with."""

CONSTANT = "constant"
PADDING = "pdFZKVeTuE8sk7oOcHrzqqgy"

_BEARER = b"\nauthorization: bearer "


def token_of(user: str, generation: int = 0) -> str:
    """The token of a user; each refusal that is meant begins a new generation."""
    return f"{user}.{generation}.{PADDING}"


# In the process that measures


class Provider:
    """Where the other process listens, and how to tell it what to do."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}/things"
        self.xkit_url = f"http://{self.host}/xkit"

    def control(self, what: str) -> Any:
        """Say something to it, and get its answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", f"/control/{what}")
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer


@contextmanager
def running() -> Iterator[Provider]:
    """A provider of one's own."""
    with subprocess.Popen([sys.executable, Path(__file__)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield Provider(int(process.stdout.readline()))
        finally:
            process.kill()


# In the other process


class State:
    """Which tokens are good, and what has been counted."""

    def __init__(self) -> None:
        self.epoch = 0
        self.generations: dict[str, int] = {}
        self.luck = 0.0
        self.random = random.Random(0)
        self.spared: dict[str, float] = {}
        self.wanted = 0
        self.held: list[Callable[[], None]] = []
        self.counts = dict.fromkeys(("calls", "requests", "refusals"), 0)

    def is_good(self, token: str) -> bool:
        """Whether a request with this token may pass."""
        if token == CONSTANT:
            return True
        user = token.partition(".")[0]
        if token != self.token(user):
            return False
        if self.luck and self.random.random() < self.luck and time.monotonic() > self.spared.get(user, 0.0):
            self.generations[user] = self.generations.get(user, 0) + 1
            self.spared[user] = time.monotonic() + MERCY
            return False
        return True

    def token(self, user: str) -> str:
        """The user's current token."""
        return token_of(user, self.epoch + self.generations.get(user, 0))

    def control(self, what: list[str]) -> dict[str, int]:
        """Do what the process that measures wants."""
        match what:
            case ["expire"]:
                self.epoch += 1
            case ["luck", often]:
                self.luck = 1 / int(often) if int(often) else 0.0
            case ["hold", number]:
                self.wanted = int(number)
            case ["count"]:
                counts, self.counts = self.counts, dict.fromkeys(self.counts, 0)
                return counts
        return {}


class Exchange(asyncio.Protocol):
    """One connection."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._waiting = b""
        self._write: Callable[[bytes], None] = lambda _: None

    def connection_made(self, transport: Any) -> None:
        self._write = transport.write

    def data_received(self, data: bytes) -> None:
        *heads, self._waiting = (self._waiting + data).split(b"\r\n\r\n")
        for head in heads:
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        state = self._state
        path = head.split(b" ", 2)[1]
        if path == b"/things":
            state.counts["requests"] += 1
            if not state.wanted:
                self._judge(head)
                return
            state.held.append(lambda: self._judge(head))
            if len(state.held) == state.wanted:
                held, state.held, state.wanted = state.held, [], 0
                for answer in held:
                    answer()
            return
        match path.decode().split("/")[1:]:
            case ["xkit", "contexts", user, "connections", _]:
                state.counts["calls"] += 1
                asyncio.get_running_loop().call_later(DELAY, self._say_token, user)
            case ["control", *what]:
                self._write(_response(200, state.control(what)))

    def _judge(self, head: bytes) -> None:
        at = head.lower().find(_BEARER) + len(_BEARER)
        if self._state.is_good(head[at:].partition(b"\r\n")[0].decode()):
            self._write(_GOOD)
        else:
            self._state.counts["refusals"] += 1
            self._write(_REFUSED)

    def _say_token(self, user: str) -> None:
        authorization = {"status": "active", "access_token": self._state.token(user)}
        self._write(_response(200, {"connection": {"enabled": True, "authorization": authorization}}))


def _response(status: int, body: dict[str, Any]) -> bytes:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} .\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
    return head.encode() + text


_GOOD = _response(200, {})
_REFUSED = _response(401, {})


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    state = State()
    # Named as TCP, because asyncio switches Nagle's delay off for such sockets only.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = await loop.create_server(lambda: Exchange(state), sock=listener, backlog=4096)
    print(listener.getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # until whoever started this process is gone
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
