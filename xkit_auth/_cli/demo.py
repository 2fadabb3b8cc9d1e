"""The steps of the demo. Each is written once, for every client, and checks what it tells.

A step takes a ``Stage`` and a user of its own, and returns what the reader is told: facts that it has just checked.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from threading import Semaphore
from typing import NamedTuple

from .. import ReauthorizationRequired, XkitAuthError
from .._values import shown
from ..plugins import Plugins
from ..testing import Sandbox
from .drivers import CROWD, drivers_for
from .stage import NotAsPromised, Stage, expect

PLUGINS = {"slack": "xkit-auth-slack", "github": "xkit-auth-github"}

LONGEST = 90.0
"""Seconds after which the demo waits for nothing any more."""


class Told(NamedTuple):
    """What a step has to say: the facts, and a text that the reader should see as it is."""

    facts: str
    quote: str | None = None


class Outcome(NamedTuple):
    """How one step ended with one client. If ``kept`` is false, ``facts`` says what was not as promised."""

    client: str
    promise: str
    kept: bool
    ms: float
    facts: str
    quote: str | None = None


# The steps


def fetched_when_needed(stage: Stage) -> Told:
    """Nothing is asked before the first request; with it, Xkit is asked once."""
    stage.connect("slack", "ann")
    auth = stage.auth("slack", "ann")
    expect("calls to Xkit before the first request", len(stage.asked()), 0)
    reply = stage.send("GET", f"{stage.sandbox.slack_url}/api/auth.test", auth)
    expect("Xkit's answers", stage.asked(), [200])
    expect("Slack's answers", stage.answers("slack"), [200])
    expect("what the caller got", (reply.status, reply.json().get("user")), (200, "ann"))
    token = stage.tokens("slack")[0]
    expect("the token at Slack", token, stage.held_by_xkit("slack", "ann"))
    return Told(f"asked Xkit once; Slack: {reply.status} for {token}")


def kept_for_next_time(stage: Stage) -> Told:
    """Further requests do not ask Xkit."""
    stage.connect("slack", "ben")
    auth = stage.auth("slack", "ben")
    replies = [stage.send("GET", f"{stage.sandbox.slack_url}/api/auth.test", auth) for _ in range(10)]
    expect("calls to Xkit", len(stage.asked()), 1)
    expect("requests at Slack", len(stage.answers("slack")), len(replies))
    expect("the tokens at Slack", set(stage.tokens("slack")), {stage.held_by_xkit("slack", "ben")})
    expect("what the callers got", {reply.status for reply in replies}, {200})
    return Told(f"{len(replies)} requests, still {len(stage.asked())} call to Xkit")


def expired_then_healed(stage: Stage) -> Told:
    """A 401 means: ask Xkit again, and send the same request once more."""
    stage.connect("github", "cat")
    auth = stage.auth("github", "cat")
    stage.send("GET", f"{stage.sandbox.github_url}/user", auth)
    stage.sandbox.expire("github", "cat")
    issue = {"title": "The same words both times"}
    reply = stage.send("POST", f"{stage.sandbox.github_url}/repos/octo/hello/issues", auth, json=issue)
    expect("Xkit's answers", stage.asked(), [200, 200])
    expect("GitHub's answers", stage.answers("github"), [200, 401, 200])
    _, refused_body, second_body = stage.bodies("github")
    expect("the body that was refused", json.loads(refused_body), issue)
    expect("whether the same body was sent again", second_body == refused_body, True)
    old, refused, new = stage.tokens("github")
    expect("the token that was refused", refused, old)
    expect("the token after that", new, stage.held_by_xkit("github", "cat"))
    expect("whether it is another one", new != old, True)
    expect("what the caller got", (reply.status, [each.status for each in reply.history]), (200, [401]))
    return Told(f"GitHub: 401 for {old}; asked Xkit; the same body again: {reply.status} for {new}")


def slacks_own_no_healed(stage: Stage) -> Told:
    """Slack says 200 and means no: the plugin knows."""
    stage.connect("slack", "dan")
    auth = stage.auth("slack", "dan")
    url = f"{stage.sandbox.slack_url}/api/chat.postMessage"
    stage.send("POST", url, auth, json={"text": "before"})
    stage.sandbox.expire("slack", "dan")
    reply = stage.send("POST", url, auth, json={"text": "after"})
    expect("Xkit's answers", stage.asked(), [200, 200])
    expect("Slack's answers", stage.answers("slack"), [200, 200, 200])
    _, refused_body, second_body = stage.bodies("slack")
    expect("whether the same body was sent again", second_body == refused_body, True)
    old, refused, new = stage.tokens("slack")
    expect("the token that was refused", refused, old)
    expect("the token after that", new, stage.held_by_xkit("slack", "dan"))
    expect("whether it is another one", new != old, True)
    said = [each.json().get("error") for each in reply.history]
    expect("what Slack said first", said, ["token_expired"])
    expect("whether Slack was content then", reply.json()["ok"], True)
    return Told(f"Slack: 200, but {said[0]} for {old}; asked Xkit; sent again: ok for {new}")


def asked_for_by_fifty(stage: Stage) -> Told:
    """While one caller asks Xkit, all the others wait for that answer."""
    stage.connect("slack", "eve")
    begun = Semaphore(0)

    def context() -> str:
        begun.release()  # a request is about to take its credential
        return "eve"

    auth = stage.auth("slack", context)
    with stage.sandbox.hold():
        callers = [stage.begin("GET", f"{stage.sandbox.slack_url}/api/auth.test", auth) for _ in range(CROWD)]
        stage.sandbox.wait_for_calls(1, stage.patience())
        came = sum(begun.acquire(timeout=stage.patience()) for _ in callers)
        expect("callers while Xkit is thinking", came, CROWD)
        expect("requests at Slack while Xkit is thinking", len(stage.answers("slack")), 0)
    replies = [caller.result(stage.patience()) for caller in callers]
    expect("calls to Xkit", len(stage.asked()), 1)
    expect("requests at Slack", len(stage.answers("slack")), CROWD)
    expect("what the callers got", {reply.status for reply in replies}, {200})
    return Told(f"{len(replies)} callers, {len(stage.asked())} call to Xkit, 200 for all")


def given_to_nobody_else(stage: Stage) -> Told:
    """A redirect leads elsewhere, and the credential does not follow, whatever its header is called."""
    headers = [redirected(stage, "slack", "Authorization"), redirected(stage, "vault", "X-Api-Key")]
    return Told(f"a redirect got no {', no '.join(headers)}")


def redirected(stage: Stage, connector: str, header: str) -> str:
    """Follow a redirect from a connector's provider to another origin; the name of the header that stayed behind."""
    stage.connect(connector, "fay")
    url = f"{stage.sandbox.provider_url(connector)}/redirect?to={stage.sandbox.elsewhere_url}/landed"
    reply = stage.send("GET", url, stage.auth(connector, "fay"))
    expect(f"the tokens at {connector}", stage.tokens(connector, header), [stage.held_by_xkit(connector, "fay")])
    expect("answers elsewhere", stage.answers("elsewhere"), [200])
    expect("where the token was, elsewhere", stage.leaks("elsewhere", connector, "fay"), [])
    expect(f"what was in {header} there", stage.tokens("elsewhere", header), [None])
    expect("what the caller got", (reply.status, [each.status for each in reply.history]), (200, [302]))
    return header


def revoked_is_a_clear_error(stage: Stage) -> Told:
    """When only the user can help, the error says so and has the link to send them to."""
    stage.connect("github", "gus")
    auth = stage.auth("github", "gus")
    url = f"{stage.sandbox.github_url}/user"
    stage.send("GET", url, auth)
    stage.sandbox.revoke("github", "gus")
    try:
        stage.send("GET", url, auth)
    except ReauthorizationRequired as caught:
        error = caught
    else:
        raise NotAsPromised("no error; promised: ReauthorizationRequired")
    expect("Xkit's answers", stage.asked(), [200, 200])
    expect("GitHub's answers", stage.answers("github"), [200, 401])
    expect("the error's code", error.error_code, "access_denied")
    link = stage.reconnect_url("github", "gus")
    expect("the error's link", error.reconnect_url, link)
    expect("whether the link is in the error's text", link in str(error), True)
    expect("the answer on the error", error.response.status_code, 401)
    return Told(f"{type(error).__name__} and a reconnect link", quote=str(error))


def served_while_xkit_is_down(stage: Stage) -> Told:
    """A credential that nobody has refused goes on being used."""
    stage.connect("slack", "hal")
    with stage.new_xkit(max_age=0) as forgetful:  # asks Xkit for every request
        auth = stage.auth("slack", "hal", xkit=forgetful)
        url = f"{stage.sandbox.slack_url}/api/auth.test"
        stage.send("GET", url, auth)
        stage.sandbox.down("503")
        try:
            reply = stage.send("GET", url, auth)
        finally:
            stage.sandbox.up()
    expect("Xkit's answers", stage.asked(), [200, 503])
    expect("Slack's answers", stage.answers("slack"), [200, 200])
    before, during = stage.tokens("slack")
    expect("the token during the outage", during, before)
    expect("what the caller got", (reply.status, reply.json().get("user")), (200, "hal"))
    return Told(f"Xkit: {stage.asked()[-1]}; Slack: {reply.status} for {during}")


PROMISES: dict[str, Callable[[Stage], Told]] = {
    "fetched when needed": fetched_when_needed,
    "kept for next time": kept_for_next_time,
    "expired: healed": expired_then_healed,
    "Slack's own no: healed": slacks_own_no_healed,
    "asked for by fifty": asked_for_by_fifty,
    "given to nobody else": given_to_nobody_else,
    "revoked: a clear error": revoked_is_a_clear_error,
    "Xkit down: served on": served_while_xkit_is_down,
}


# Playing them


def outcomes(clients: Iterable[str]) -> Iterator[Outcome]:
    """Play every step with every way in which these clients can send, in front of one sandbox."""
    deadline = time.monotonic() + LONGEST
    with no_proxy_on_this_machine(), Sandbox() as sandbox:
        for client in clients:
            for opened in drivers_for(client):
                with opened as driver:
                    stage = Stage(sandbox, driver, deadline)
                    for promise, step in PROMISES.items():
                        yield played(stage, driver.name, promise, step)


def played(stage: Stage, client: str, promise: str, step: Callable[[Stage], Told]) -> Outcome:
    """Play one step; whatever goes wrong in it is its outcome."""
    began = time.perf_counter()
    try:
        told, kept = step(stage), True
    except Exception as error:
        told, kept = Told(reason(error)), False
    return Outcome(client, promise, kept, round((time.perf_counter() - began) * 1000, 1), *told)


def reason(error: Exception) -> str:
    """What went wrong, without a credential in it."""
    if isinstance(error, NotAsPromised):
        return str(error)
    if isinstance(error, XkitAuthError):
        return f"{type(error).__name__}: {error}"
    # Nobody knows what such a text holds; every secret of a sandbox has this word in it.
    text = shown(error, ["sandbox"])
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def plugins_to_install() -> list[str]:
    """The plugins that the demo needs and that are not installed.

    Raises:
        ConfigurationError: two plugins claim the same connector.
    """
    installed = Plugins()
    return [package for slug, package in PLUGINS.items() if installed.find(slug) is None]


@contextmanager
def no_proxy_on_this_machine() -> Generator[None]:
    """Calls to Xkit honour the environment's proxy, which cannot reach a sandbox on this machine."""
    before = {name: os.environ.get(name) for name in ("NO_PROXY", "no_proxy")}
    for name, value in before.items():
        os.environ[name] = f"{value},127.0.0.1" if value else "127.0.0.1"
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
