"""A daemon thread whose event loop serves any number of ASGI apps, each on a loopback port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

T = TypeVar("T")

PATIENCE = 30.0
"""How many seconds to wait for the thread before giving it up, also on a machine that has much else to do; it is a
daemon, so it never keeps a process alive."""

NO_ANSWER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
"""The SO_LINGER value with which closing a socket sends RST."""


class Server(uvicorn.Server):
    """uvicorn that can tell when it is ready, lets an app cut the connection, and stops without ticking or waiting."""

    def __init__(self, app: ASGIApp) -> None:
        async def with_cut(scope: Scope, receive: Receive, send: Send) -> None:
            scope["xkit_auth.cut"] = lambda: self._cut(scope["client"])
            await app(scope, receive, send)

        super().__init__(
            uvicorn.Config(
                with_cut,
                http="h11",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                proxy_headers=False,
                timeout_keep_alive=60,
            )
        )
        self.ready = asyncio.Event()
        self.closing = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self.closing.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # First nothing new is accepted, and what has been accepted is let in: asyncio loses sight of a connection that
        # would join a server which has closed meanwhile, and its client would wait for ever.
        for server in self.servers:
            for listener in server.sockets:
                asyncio.get_running_loop().remove_reader(listener.fileno())
        for _ in range(10):
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        # A connection that has just been accepted shows up only some turns of the loop later.
        turns_without = 0
        async with asyncio.timeout(PATIENCE / 2):
            while turns_without < 10:
                for connection in self.server_state.connections:
                    connection.transport.abort()
                busy = self.server_state.connections or self.server_state.tasks
                turns_without = 0 if busy else turns_without + 1
                await asyncio.sleep(0)

    def _cut(self, client: tuple[str, int]) -> None:
        for connection in self.server_state.connections:
            transport = connection.transport
            if transport.get_extra_info("peername") == client:
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_ANSWER)
                transport.abort()


class Origins:
    """Opens origins one at a time and closes them all at once."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="xkit-auth-sandbox", daemon=True)
        self._servers: list[tuple[Server, asyncio.Task[None]]] = []
        self._thread.start()

    def open(self, app: ASGIApp) -> int:
        """Serve ``app`` on a free port of 127.0.0.1, and return the port once connections are accepted there."""
        # Named as TCP, because asyncio switches Nagle's delay off for such sockets only.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        self._do(self._serve(app, listener))
        return port

    def close(self) -> None:
        if self._thread.is_alive():  # it is not in the child of a fork
            try:
                self._do(self._close())
            finally:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join(PATIENCE)

    def _run(self) -> None:
        quiet = OnlyErrorsFromThisThread()
        loggers = [logging.getLogger(name) for name in ("uvicorn.error", "uvicorn.access")]
        for logger in loggers:
            logger.addFilter(quiet)
        with contextlib.closing(self._loop):
            self._loop.run_forever()
        for logger in loggers:
            logger.removeFilter(quiet)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _serve(self, app: ASGIApp, listener: socket.socket) -> None:
        server = Server(app)
        self._servers.append((server, asyncio.create_task(server.serve([listener]))))
        await server.ready.wait()

    async def _close(self) -> None:
        for server, _ in self._servers:
            server.closing.set()
        await asyncio.gather(*(task for _, task in self._servers))
        await self._loop.shutdown_asyncgens()


async def cut(scope: Scope, receive: Receive) -> None:
    """Reset the connection, and wait until it is gone: an app that returns before is answered for with a 500."""
    scope["xkit_auth.cut"]()
    while (await receive())["type"] != "http.disconnect":
        pass


class OnlyErrorsFromThisThread(logging.Filter):
    """Silences the sandbox's uvicorn below ERROR, and nobody else's."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread != self._thread or record.levelno >= logging.ERROR
