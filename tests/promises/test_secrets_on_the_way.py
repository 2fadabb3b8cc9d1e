"""Hard cases G and F9: on a request's whole way nothing that we show, raise or log holds a credential or a key."""

from __future__ import annotations

import json
import logging
import pprint
import socket
import threading
import traceback
from base64 import b64encode
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import xkit_auth
from xkit_auth import (
    ConfigurationError,
    Connector,
    NotConnected,
    PlatformAuthenticationError,
    PlatformProtocolError,
    PlatformUnavailable,
    ReauthorizationRequired,
    XkitAuthError,
    hookimpl,
)

OURS = str(Path(xkit_auth.__file__).parent)
SECRET = "Wq8rT5yPz2LmKd7Gh4"
LENGTH = 12
"""Characters in a row that give a secret away. Fewer may stand in the address of an object by accident."""

PLACEMENTS = {
    "bearer": {"header": None},  # which clients know to be secret
    "keyed": {"header": {"X-Api-Key": "{token}"}},  # which they do not
    "basic": {"basic": ("ann", "{token}")},
}


class Secrets:
    """What nobody may see in a test: the account's key in both its forms, and every credential."""

    def __init__(self, sandbox):
        self._sandbox = sandbox
        pair = f"{sandbox.publishable_key}:{sandbox.secret_key}"
        self._texts = {sandbox.secret_key.removeprefix("sk_sandbox_"), b64encode(pair.encode()).decode(), SECRET}

    def now(self, slug, user="user-1"):
        """Count what Xkit holds at the moment among them."""
        token = self._sandbox.credential(slug, user)
        self._texts |= {token.removeprefix("sandbox-"), b64encode(f"ann:{token}".encode()).decode()[8:]}

    def given_away(self, *shown):
        """Every part of a secret that these texts show."""
        text = "\n".join(shown)
        starts = [(secret, start) for secret in self._texts for start in range(len(secret) - LENGTH + 1)]
        return [secret[start : start + LENGTH] for secret, start in starts if secret[start : start + LENGTH] in text]


@pytest.fixture
def secrets(sandbox):
    for slug, placement in PLACEMENTS.items():
        sandbox.add_connector(Connector(slug, hosts=["x.example"], **placement))
    return Secrets(sandbox)


def told_of(error):
    """What a crash reporter tells of an error: texts, causes, and the local variables in our own code."""
    told = []
    while error is not None:
        told += [str(error), repr(error), repr(vars(error)), *traceback.format_exception_only(error)]
        told += locals_of_ours(error)
        answer = error.response if isinstance(error, XkitAuthError) else None
        if answer is not None:
            told += [str(dict(each.request.headers)) for each in (answer, *answer.history)]
        error = error.__cause__ or error.__context__
    return "\n".join(told)


def locals_of_ours(error):
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if is_ours(frame)]
    return [f"{frame.f_code.co_name}: {name} = {value!r}" for frame in frames for name, value in frame.f_locals.items()]


def is_ours(frame):
    return frame.f_code.co_filename.startswith(OURS)


# What an application holds


class Notes:
    """A plugin that keeps everything that it is given."""

    def __init__(self):
        self.kept = []

    @hookimpl
    def xkit_auth_format_headers(self, connector, credential, request):
        self.kept += [connector, credential, request]

    @hookimpl
    def xkit_auth_classify_response(self, connector, credential, response):
        self.kept += [response, response.request]

    @hookimpl
    def xkit_auth_event(self, event):
        self.kept.append(event)


@pytest.mark.parametrize("slug", ["bearer", "keyed"])
def test_g1_what_an_application_holds_on_to_shows_nothing(driver, sandbox, secrets, slug):
    notes = Notes()
    xkit = sandbox.xkit(plugins=[notes])
    sandbox.connect(slug, "user-1")
    secrets.now(slug)
    auth = driver.auth(slug, context="user-1", xkit=xkit)
    with driver.session(auth=auth) as send:
        assert send("GET", sandbox.provider_url(slug)).status_code == 200
        sandbox.expire(slug, "user-1")
        response = send("POST", sandbox.provider_url(slug), content=b"body")
    assert response.status_code == 200
    secrets.now(slug)
    held = [
        *notes.kept,
        auth,
        *auth._by_origin.values(),
        *(settled.policy for settled in auth._by_origin.values()),
        xkit,
        xkit.broker,
        xkit.broker.cache,
        xkit.directory,
    ]
    held += [xkit.get_credential(slug, context="user-1"), xkit.get_connection(slug, context="user-1")]
    held += [held[-1].raw, response, response.request.hooks if driver.library == "requests" else response.request]
    for each in held:
        shown = [repr(each), str(each), f"{each}", pprint.pformat([each]), repr({"it": each})]
        if type(each).__module__.startswith("xkit_auth"):  # a client's own request has what it sends
            shown += [repr(getattr(each, "__dict__", {})), repr(dict(getattr(each, "headers", {})))]
        assert secrets.given_away(*shown) == []


# What is raised


class Signer:
    """A plugin whose mistakes show with the request or with the answer."""

    def __init__(self):
        self.works()

    def works(self, *, headers=lambda _token: None, verdict=lambda _token: None):
        self._headers, self._verdict = headers, verdict

    @hookimpl
    def xkit_auth_format_headers(self, credential):
        return self._headers(credential.reveal())

    @hookimpl
    def xkit_auth_classify_response(self, credential):
        return self._verdict(credential.reveal())


def raises(token):
    signed = f"signed {token}"
    raise ValueError(f"cannot send {signed}")


MISTAKES = [
    {"headers": raises},
    {"headers": lambda token: {"X-Key": f"{token}\n"}},
    {"headers": lambda token: {f"X {token}": "key"}},
    {"headers": lambda token: [token]},
    {"verdict": raises},
]


@pytest.mark.parametrize("slug", ["bearer", "keyed"])
def test_g2_a_mistake_of_a_plugin_shows_nothing_in_a_traceback_with_local_variables(driver, sandbox, secrets, slug):
    signer = Signer()
    auth = driver.auth(slug, context="user-1", xkit=sandbox.xkit(plugins=[signer]))
    sandbox.connect(slug, "user-1")
    secrets.now(slug)
    with driver.session(auth=auth) as send:
        for mistake in MISTAKES:
            signer.works(**mistake)
            with pytest.raises(ConfigurationError, match="The plugin's") as caught:
                send("POST", sandbox.provider_url(slug), content=b"body")
            assert locals_of_ours(caught.value) != []
            assert secrets.given_away(told_of(caught.value)) == []
        signer.works()
        assert send("POST", sandbox.provider_url(slug), content=b"body").status_code == 200


def test_g2_a_plugin_that_returns_the_credential_as_a_verdict_shows_nothing(driver, sandbox, secrets):
    signer = Signer()
    auth = driver.auth("bearer", context="user-1", xkit=sandbox.xkit(plugins=[signer]))
    sandbox.connect("bearer", "user-1")
    secrets.now("bearer")
    signer.works(verdict=lambda token: token)
    with pytest.raises(ConfigurationError) as caught:
        driver.send("GET", sandbox.provider_url("bearer"), auth=auth)
    assert secrets.given_away(told_of(caught.value)) == []


def xkit_is_down(sandbox, slug, user):
    sandbox.answer_with("<html>", status=502, context=user)


def xkit_quotes_everything(sandbox, slug, user):
    quoted = f"{sandbox.credential(slug, user)} {sandbox.secret_key}"
    sandbox.answer_with(json.dumps({"error": quoted, "credential": sandbox.credential(slug, user)}), status=401)


def xkit_gives_what_cannot_be_sent(sandbox, slug, user):
    sandbox.connect(slug, user, credential=f"{SECRET}\n{SECRET}")


def the_user_has_revoked_it(sandbox, slug, user):
    sandbox.answer_with(json.dumps(connection(status="error", error_message=SECRET, credential=SECRET)), context=user)


def the_user_is_unknown(sandbox, slug, user):
    sandbox.forget_connection(slug, user)


def connection(**authorization):
    return {"connection": {"enabled": True, "authorization": authorization}}


AFTER_A_REFUSAL = [
    (xkit_is_down, PlatformUnavailable),
    (xkit_gives_what_cannot_be_sent, PlatformProtocolError),
    (the_user_has_revoked_it, ReauthorizationRequired),
    (the_user_is_unknown, NotConnected),
    (xkit_quotes_everything, PlatformAuthenticationError),
]


@pytest.mark.parametrize("slug", ["bearer", "keyed"])
def test_g2_a_failure_after_a_refusal_shows_nothing_in_a_traceback_with_local_variables(
    driver, sandbox, secrets, xkit, slug
):
    with driver.session() as send:
        for number, (happens, error) in enumerate(AFTER_A_REFUSAL):
            user = f"user-{number}"
            sandbox.connect(slug, user)
            secrets.now(slug, user)
            xkit.get_credential(slug, context=user)
            sandbox.expire(slug, user)
            happens(sandbox, slug, user)
            with pytest.raises(error) as caught:
                send(
                    "POST", sandbox.provider_url(slug), content=b"body", auth=driver.auth(slug, context=user, xkit=xkit)
                )
            assert caught.value.response.status_code == 401
            assert locals_of_ours(caught.value) != []
            assert secrets.given_away(told_of(caught.value)) == []


def test_g2_an_xkit_that_cannot_be_reached_shows_no_key_in_anybodys_frames(driver, sandbox, secrets, xkit):
    sandbox.down("reset")
    with pytest.raises(PlatformUnavailable) as caught:
        driver.send("GET", sandbox.provider_url("bearer"), auth=driver.auth("bearer", context="user-1", xkit=xkit))
    error = caught.value
    while error is not None:
        # An exception of the library that called Xkit would lead to the request, which has the key.
        assert type(error).__module__.startswith("xkit_auth")
        frames = [frame.f_locals for frame, _ in traceback.walk_tb(error.__traceback__)]
        assert secrets.given_away(told_of(error), *map(repr, frames)) == []
        error = error.__cause__ or error.__context__


UNUSABLE = [
    (f"{SECRET}\n", "a line break"),
    (f"{SECRET}\r\nX-Evil: {SECRET}", "a line break"),
    (f"{SECRET}\x00", "a control character"),
    (f"{SECRET}\t", "a control character"),
    (f" {SECRET}", "a space"),
    (f"{SECRET} ", "a space"),
    (" ", "a space"),
    (f"{SECRET}\u20ac", "latin-1"),
    (f"\ud800{SECRET}", "latin-1"),
    ("REDACTED", "a placeholder"),
    ("[redacted]", "a placeholder"),
    (f"REDACTED-{SECRET}", "a placeholder"),
    ("None", "a placeholder"),
    ("********", "a placeholder"),
    (True, "neither a text nor a number"),
    ([SECRET], "neither a text nor a number"),
    ({"user": "ann", "key": f"{SECRET}\n"}, "the part 'key'"),
    ({"user": "ann", "key": [SECRET]}, "the part 'key'"),
]
EMPTY = [None, "", {}, [], 0, False, {"user": None, "key": ""}]


def test_f9_what_cannot_be_sent_is_refused_before_anything_is_and_shown_nowhere(driver, sandbox, secrets, xkit, caplog):
    caplog.set_level(0)
    cases = [(unusable, PlatformProtocolError, said) for unusable, said in UNUSABLE]
    cases += [(empty, ReauthorizationRequired, "must connect again") for empty in EMPTY]
    told = []
    with driver.session() as send:
        for number, (given, error, said) in enumerate(cases):
            user = f"user-{number}"
            sandbox.answer_with(json.dumps(connection(status="active", credential=given)), context=user)
            for _ in range(2):
                with pytest.raises(error, match=said) as caught:
                    send("GET", sandbox.provider_url("bearer"), auth=driver.auth("bearer", context=user, xkit=xkit))
                told.append(told_of(caught.value))
    assert sandbox.call_count() == len(cases)
    assert sandbox.arrivals("bearer") == []
    assert secrets.given_away(caplog.text, *told) == []


# What is the client's own


@contextmanager
def provider(*answers):
    """A provider that gives each connection one of these answers, and then cuts it."""
    left = list(answers)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.recv(65536)
                connection.sendall(left.pop(0) if left else b"")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


REFUSED = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NO_HTTP = b"SSH-2.0-OpenSSH_9.2\r\n"


TROUBLES = {
    "cut": ([], 1),
    "no http": ([NO_HTTP], 1),
    "cut when sent again": ([REFUSED], 2),
    "nobody there": (None, 1),
}


def test_g4_trouble_with_the_provider_is_the_clients_own_and_its_text_holds_no_credential(
    driver, sandbox, secrets, xkit, caplog
):
    caplog.set_level(0)
    shown = []
    for user, (answers, calls) in TROUBLES.items():
        sandbox.connect("keyed", user)
        secrets.now("keyed", user)
        xkit.get_credential("keyed", context=user)
        sandbox.expire("keyed", user)
        with provider(*answers or []) as url:
            if answers is not None:
                error = trouble(driver, xkit, user, url)
        if answers is None:
            error = trouble(driver, xkit, user, url)
        assert sandbox.call_count("keyed", user) == calls
        secrets.now("keyed", user)
        while error is not None:
            assert not isinstance(error, XkitAuthError)
            shown += [str(error), repr(error), *traceback.format_exception_only(error), *locals_of_ours(error)]
            error = error.__cause__ or error.__context__
    assert secrets.given_away(caplog.text, *shown) == []


def trouble(driver, xkit, user, url):
    auth = driver.auth("keyed", context=user, xkit=xkit, hosts=[url.removeprefix("http://")])
    with pytest.raises(getattr(driver.lib, "TransportError", None) or driver.lib.RequestException) as caught:
        driver.send("GET", f"{url}/things?a=1", auth=auth)
    return caught.value


def test_g4_what_arrives_in_a_url_is_what_the_caller_put_there(driver, sandbox, secrets, xkit):
    for slug in PLACEMENTS:
        sandbox.connect(slug, "user-1")
        xkit.get_credential(slug, context="user-1")
        sandbox.expire(slug, "user-1")
        url = f"{sandbox.provider_url(slug)}/redirect?to=/things%3Fb=2&a=1"
        auth = driver.auth(slug, context="user-1", xkit=xkit)
        assert driver.send("GET", url, auth=auth, follow_redirects=True).status == 200
        arrived = [(each.path, each.query) for each in sandbox.arrivals(slug)]
        assert arrived == [("/redirect", "to=/things%3Fb=2&a=1")] * 2 + [("/things", "b=2")]


# What is logged


class Silly:
    """A listener that has an accident with each event."""

    @hookimpl
    def xkit_auth_event(self, event):
        raise ValueError(f"{SECRET} {event!r}")


def test_g5_at_every_level_of_every_logger_there_is_neither_a_credential_nor_a_key(driver, sandbox, secrets, caplog):
    caplog.set_level(0)
    xkit = sandbox.xkit(plugins=[Silly()])
    with driver.session(follow_redirects=True) as send:
        for slug in PLACEMENTS:
            url = sandbox.provider_url(slug)
            auth = driver.auth(slug, context="user-1", xkit=xkit)
            sandbox.connect(slug, "user-1")
            secrets.now(slug)
            assert send("GET", f"{url}/redirect?to={sandbox.elsewhere_url}", auth=auth).status_code == 200
            sandbox.expire(slug, "user-1")
            assert send("POST", url, content=b"body", auth=auth).status_code == 200
            secrets.now(slug)
            sandbox.expire(slug, "user-1")
            sandbox.down("reset")
            with pytest.raises(PlatformUnavailable):
                send("GET", url, auth=auth)
            sandbox.up()
            assert [each.status for each in sandbox.arrivals(slug)] == [302, 401, 200, 401]
    loud = {record.name.partition(".")[0] for record in caplog.records if record.levelno == logging.DEBUG}
    assert loud & ({"urllib3"} if driver.library == "requests" else {"httpcore", "httpcore2"})
    assert "xkit_auth" in {record.name for record in caplog.records}
    assert secrets.given_away(caplog.text, *[repr(vars(record)) for record in caplog.records]) == []


def test_a_credential_in_the_place_of_a_kind_is_not_shown(driver, sandbox, xkit):
    token = sandbox.connect("acme", "user-1", credential="Wq8rT5yPz2LmKd7Gh4Bn6vCx3z")
    auth = driver.auth("acme", context="user-1", xkit=xkit, kind=token)

    with pytest.raises(ConfigurationError, match="no credential of kind") as caught:
        driver.send("GET", sandbox.provider_url("acme"), auth=auth)

    assert token not in str(caught.value)


def test_an_auth_object_that_could_not_be_made_has_a_repr_for_crash_reporters(driver, xkit):
    kind = type(driver.auth("acme", context="user-1", xkit=xkit))

    assert repr(kind.__new__(kind)).endswith(".XkitAuth()")
