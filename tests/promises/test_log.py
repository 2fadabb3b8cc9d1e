"""What is logged: at INFO what changes, at DEBUG each call to Xkit with its duration; never a secret."""

from __future__ import annotations

import logging

import pytest

from xkit_auth import NotConnected, PlatformRateLimited, PlatformUnavailable, hookimpl
from xkit_auth.sdk import with_credential


class Recorder:
    """A plugin that notes every event."""

    def __init__(self):
        self.events = []

    @hookimpl
    def xkit_auth_event(self, event):
        self.events.append(event)

    def of(self, kind):
        return [event for event in self.events if event.kind == kind]


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def xkit(sandbox, recorder):
    return sandbox.xkit(timeout=30, plugins=[recorder])


@pytest.fixture
def lines(caplog, xkit):
    """What was logged at a level, when all that was asked is over."""
    caplog.set_level(logging.DEBUG, "xkit_auth")

    def look(level):
        calls = xkit.broker._here().calls
        while calls._idle < len(calls._threads):
            pass
        ours = [each for each in caplog.records if each.name.startswith("xkit_auth.")]
        return [each.getMessage() for each in ours if each.levelname == level]

    return look


@pytest.fixture
def acme(sandbox, driver, xkit):
    """A client of a provider."""
    url = sandbox.provider_url("acme")
    with driver.session(auth=driver.auth("acme", context="user-1", xkit=xkit)) as send:
        yield lambda path="", method="GET", **more: send(method, url + path, **more).status_code


NAMED = "connector 'acme', context 'user-1'"


def test_each_call_is_logged_at_debug_with_its_duration(sandbox, acme, lines, recorder):
    sandbox.connect("acme", "user-1")
    assert [acme() for _ in range(3)] == [200] * 3
    (said,) = lines("DEBUG")
    (fetched,) = recorder.of("fetched")
    assert said == f"Xkit gave the credential {fetched.fingerprint} of {NAMED} in {fetched.seconds:.3f} s"
    assert fetched.seconds > 0
    assert lines("INFO") == []


def test_a_refusal_that_is_sent_again_is_logged_at_info(sandbox, acme, lines, recorder):
    sandbox.connect("acme", "user-1")
    acme()
    sandbox.expire("acme", "user-1")
    assert acme() == 200
    old, new = [each.fingerprint for each in recorder.of("fetched")]
    assert lines("INFO") == [
        f"A provider turned down the credential {old} of {NAMED}: refetch",
        f"A refused request was sent again with the credential {new} of {NAMED}",
    ]


def test_a_refusal_that_is_not_sent_again_is_an_event_and_logged_with_the_reason(sandbox, acme, lines, recorder):
    sandbox.connect("acme", "user-1")
    assert acme("/status/401") == 401
    assert [(each.detail, each.fingerprint) for each in recorder.of("not_resent")] == [
        ("same_credential", recorder.of("fetched")[0].fingerprint)
    ]
    assert lines("INFO")[-1].endswith(f"of {NAMED}: Xkit has no other one")


@pytest.mark.drivers(sync=True)
def test_a_body_that_cannot_be_sent_twice_is_a_reason_not_to(sandbox, acme, lines, recorder):
    sandbox.connect("acme", "user-1")
    acme()
    sandbox.expire("acme", "user-1")
    assert acme(method="POST", content=iter([b"once"])) == 401
    assert [each.detail for each in recorder.of("not_resent")] == ["body"]
    assert lines("INFO")[-1].endswith(f"of {NAMED}: the body of the request cannot be sent twice")
    assert recorder.of("resent") == []


def test_a_function_that_is_not_called_again_is_an_event_too(sandbox, xkit, recorder):
    sandbox.connect("acme", "user-1")

    @with_credential("acme", context="user-1", xkit=xkit, rejected=LookupError)
    def call(*, token):
        raise LookupError

    with pytest.raises(LookupError):
        call()
    assert [each.detail for each in recorder.of("not_resent")] == ["same_credential"]


def test_another_account_is_logged_and_is_no_resend_that_was_not_possible(sandbox, acme, lines, recorder):
    sandbox.connect("acme", "user-1", display_label="here")
    acme()
    sandbox.revoke("acme", "user-1")
    sandbox.connect("acme", "user-1", display_label="there")
    assert acme() == 401
    assert recorder.of("not_resent") == []
    assert lines("INFO")[-1].endswith(f"of {NAMED} is of another account now")


def test_a_user_who_cannot_be_authorized_and_comes_back_is_logged_at_info(sandbox, acme, xkit, lines):
    for _ in range(2):
        with pytest.raises(NotConnected):
            acme()
        xkit.forget()
    sandbox.connect("acme", "user-1")
    assert acme() == 200
    first, second = lines("INFO")
    assert first.startswith(f"Xkit has no usable credential of {NAMED} (")
    assert first.endswith(" s): NotConnected")
    assert second == f"The user has connected again: {NAMED}"
    assert len(lines("DEBUG")) == 2


def test_a_credential_that_is_served_stale_is_logged_once_in_an_outage(sandbox, driver, recorder, caplog):
    caplog.set_level(logging.INFO, "xkit_auth")
    sandbox.connect("acme", "user-1")
    with sandbox.xkit(timeout=30, max_age=0, plugins=[recorder]) as xkit:
        auth = driver.auth("acme", context="user-1", xkit=xkit)
        with driver.session(auth=auth) as send:
            for outage in (False, True, True, False, True):
                sandbox.down("503") if outage else sandbox.up()
                xkit.broker._here().calls.pauses.of_key.clear()
                assert send("GET", sandbox.provider_url("acme")).status_code == 200
    assert len([each for each in recorder.of("cache_hit") if each.detail == "stale"]) == 3
    stale = f"Xkit cannot be asked: the credential {recorder.of('fetched')[0].fingerprint} of {NAMED} is served on"
    assert [each.getMessage() for each in caplog.records] == [stale, stale]


def test_an_outage_is_logged_when_it_begins_and_when_it_ends(sandbox, xkit, lines, recorder):
    sandbox.down("503")
    for number in range(4):
        with pytest.raises(PlatformUnavailable):
            xkit.get_connection("acme", context=f"user-{number}")
    assert lines("INFO") == ["Xkit does not answer: until it does, it is asked seldom"]
    sandbox.up()
    sandbox.connect("acme", "user-1")
    pauses = xkit.broker._here().calls.pauses
    pauses._of_account = pauses._of_account._replace(until=0.0)
    pauses.of_key.clear()
    assert xkit.get_connection("acme", context="user-1").enabled
    assert lines("INFO")[1:] == ["Xkit answers again"]
    assert len(lines("DEBUG")) == 5


def test_a_limit_of_xkits_is_logged_at_info(sandbox, xkit, lines, recorder):
    sandbox.down("429", retry_after=30)
    with pytest.raises(PlatformRateLimited):
        xkit.get_credential("acme", context="user-1")
    (said,) = lines("INFO")
    assert said.startswith(f"A call to Xkit for {NAMED} failed after ")
    assert said.endswith(" s: PlatformRateLimited")
    assert recorder.of("fetch_failed")[0].seconds > 0


def test_no_line_has_a_secret_in_it(sandbox, acme, caplog, lines):
    sandbox.connect("acme", "user-1", credential="the-secret-token")
    acme()
    sandbox.revoke("acme", "user-1")
    sandbox.connect("acme", "user-1", credential="the-other-secret-token")
    acme()
    acme("/status/401")
    assert len(lines("INFO")) == 4
    assert "secret" not in caplog.text
    assert sandbox.secret_key not in caplog.text


class Asking(logging.Handler):
    """A handler that asks for a credential itself, as one does that sends lines to a service."""

    def __init__(self, ask):
        super().__init__()
        self.ask = ask
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())
        self.ask()


def test_a_handler_that_asks_for_a_credential_is_answered_and_logs_nothing_of_it(sandbox, xkit, lines):
    sandbox.connect("acme", "user-1")
    sandbox.connect("acme", "the-handler")
    held = xkit.get_credential("acme", context="the-handler")
    handler = Asking(lambda: xkit.get_credential("acme", context="the-handler", rejected=held))
    logger = logging.getLogger("xkit_auth")
    logger.addHandler(handler)
    try:
        assert xkit.get_credential("acme", context="user-1").reveal()
        lines("DEBUG")
    finally:
        logger.removeHandler(handler)
    assert any("user-1" in line for line in handler.lines)


def test_the_warm_path_logs_nothing_and_does_not_ask_whether_it_should(sandbox, driver, monkeypatch):
    sandbox.connect("acme", "user-1")
    xkit = sandbox.xkit(timeout=30)
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    with driver.session(auth=auth) as send:
        send("GET", sandbox.provider_url("acme"))
        monkeypatch.setattr(type(xkit.directory.log), "_is_enabled", None)
        monkeypatch.setattr(type(xkit.directory.log), "event", None)
        assert send("GET", sandbox.provider_url("acme")).status_code == 200


@pytest.mark.parametrize("silenced", ["disabled", "level", "everything", "nothing"])
def test_a_logger_is_asked_as_logging_would(sandbox, xkit, caplog, monkeypatch, silenced):
    logger = logging.getLogger("xkit_auth.credentials")
    caplog.set_level(logging.DEBUG)
    if silenced == "disabled":
        monkeypatch.setattr(logger, "disabled", True)
    elif silenced == "level":
        caplog.set_level(logging.INFO, "xkit_auth")
    elif silenced == "everything":
        monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    assert xkit.directory.log._is_enabled("credentials", logging.DEBUG) is (silenced == "nothing")
