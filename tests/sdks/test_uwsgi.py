"""uWSGI loads the application in its master and forks in C, so that nobody tells Python: what it does by default."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

UWSGI = shutil.which("uwsgi", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))
WORKERS = 4
USERS = [f"user-{number}" for number in range(24)]
PATIENCE = 30.0

# The credential of a user, and the worker that asked for it. With max_age=0 each request asks Xkit.
APPLICATION = """
import os, threading
from xkit_auth import Xkit
from xkit_auth.{library} import XkitAuth

xkit = Xkit(max_age=0, timeout=10)
xkit.broker.prefer("xkit_auth.{library}")
xkit.get_credential("acme", context="user-0")
{before_the_fork}

def application(environ, start_response):
    credential = xkit.get_credential("acme", context=environ["PATH_INFO"].strip("/"))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{{os.getpid()}} {{credential.reveal()}}".encode()]
"""

# What a fork may come in between, without any thread that does something in Python at that moment: that would leave
# the interpreter itself locked, and no library could help it.
BEFORE_THE_FORK = {
    "used": "",
    "with a call under way": """
from xkit_auth._credentials.broker import _WishForCredential
here = xkit.broker._here()
here.flights["acme", "user-1"] = wish = _WishForCredential(("acme", "user-1"), xkit.broker, here)
here.calls._begin(wish, 10.0**9)
""",
    "with its locks held": """
locks = xkit.broker._here().lock, xkit.directory._lock(), Xkit._default_lock()
holder = threading.Thread(target=lambda: [lock.acquire() for lock in locks])
holder.start()
holder.join()
""",
}


@contextmanager
def uwsgi(application: str, folder: Path, sandbox: Any) -> Iterator[str]:
    """uWSGI with four workers, and its address."""
    assert UWSGI is not None
    (folder / "application.py").write_text(application)
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    command = [UWSGI, "--master", "--processes", str(WORKERS), "--enable-threads", "--need-app", "--die-on-term"]
    command += ["--http-socket", f"127.0.0.1:{port}", "--wsgi-file", str(folder / "application.py")]
    command += ["--virtualenv", sys.prefix, *(f"--pythonpath={path}" for path in reversed(sys.path) if path)]
    keys = {"XKIT_PUBLISHABLE_KEY": sandbox.publishable_key, "XKIT_SECRET_KEY": sandbox.secret_key}
    environment = {**os.environ, **keys, "XKIT_BASE_URL": sandbox.base_url}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(address, process)
        except OSError:
            raise AssertionError((folder / "log").read_text(errors="replace")) from None
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # the workers, too: one that hangs would outlive its master
        process.wait(PATIENCE)


def wait_for(address: str, process: Any) -> None:
    """Wait for the first answer: connections are accepted before the workers are there."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            urlopen(f"{address}/{USERS[0]}", timeout=PATIENCE).close()
        except OSError:
            if time.monotonic() > until or process.poll() is not None:
                raise
            time.sleep(0.05)
        else:
            return


@pytest.mark.skipif(UWSGI is None, reason="uWSGI is not installed")
@pytest.mark.parametrize("library", ["requests", "httpx"])
@pytest.mark.parametrize("before", BEFORE_THE_FORK)
def test_every_worker_gets_what_its_own_user_has(sandbox, tmp_path, before, library):
    tokens = {user: sandbox.connect("acme", user) for user in USERS}
    application = APPLICATION.format(library=library, before_the_fork=BEFORE_THE_FORK[before])

    def ask(user: str) -> tuple[str, str, str]:
        with urlopen(f"{address}/{user}", timeout=PATIENCE) as answer:
            worker, token = answer.read().decode().split()
        return worker, user, token

    with uwsgi(application, tmp_path, sandbox) as address, ThreadPoolExecutor(12) as pool:
        sandbox.clear()
        with sandbox.hold():
            asked = [pool.submit(ask, user) for user in USERS * 4]
            sandbox.wait_for_calls(WORKERS, PATIENCE)  # each worker makes one at a time, so all of them are at work
        answers = [each.result() for each in asked]
    assert [(user, token) for _, user, token in answers if token != tokens[user]] == []
    assert len({worker for worker, _, _ in answers}) == WORKERS
