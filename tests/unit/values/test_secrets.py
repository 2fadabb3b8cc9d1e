"""Nothing that we show, raise, log, copy or pickle gives a credential or a key away."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import traceback
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

import xkit_auth
from xkit_auth import (
    ConfigurationError,
    Connection,
    Connector,
    Credential,
    PlatformUnavailable,
    Xkit,
    XkitAuthError,
    hookimpl,
)
from xkit_auth._clients.flow import Fetch, Send, Tell
from xkit_auth._connectors.policy import Sending
from xkit_auth._credentials.cache import Held, Serve
from xkit_auth._sources.account import Account
from xkit_auth._sources.platform import Answer, NoAnswer, credential_of, read_connection
from xkit_auth._values.model import Headers, Judgement, Secret, Verdict

TOKEN = "xoxb-Wq8rT5yPz2LmKd7Gh4"
KEY = "sk_live_Bn6vCx3zLk9jHg"
BASIC = b64encode(f"pk_live_1:{KEY}".encode()).decode()
SECRETS = (TOKEN, KEY, BASIC)
OURS = str(Path(xkit_auth.__file__).parent)


def given_away(text: str | bytes) -> list[str]:
    """Every part of a secret, six characters long, that a text shows."""
    shown = text.decode("latin-1") if isinstance(text, bytes) else text
    parts = {secret[start : start + 6] for secret in SECRETS for start in range(len(secret) - 5)}
    return sorted(part for part in parts if part in shown and part not in ("sk_liv", "k_live", "_live_"))


def whole_chain(error: BaseException | None) -> str:
    """What a crash reporter would show: texts, causes, and the local variables of our own frames."""
    shown = []
    while error is not None:
        shown += [str(error), repr(error), repr(vars(error))]
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        ours = [frame for frame in told.stack if frame.filename.startswith(OURS)]
        shown += [f"{frame.name}: {frame.locals}" for frame in ours]
        error = error.__cause__ or error.__context__
    return "\n".join(shown)


def account() -> Account:
    return Account("pk_live_1", KEY, "https://xkit.example")


CREDENTIAL = Credential(TOKEN, fingerprint_key=Secret(KEY))
SENDING = Sending(CREDENTIAL, [("Authorization", f"Bearer {TOKEN}")])
HOLDERS: list[Any] = [
    Secret(TOKEN),
    CREDENTIAL,
    Credential({"user": TOKEN, "key": KEY}),
    Connection(context="u", connector="slack", enabled=True, status="active", credential=CREDENTIAL),
    SENDING,
    account(),
    account().headers(),
    Headers({"Authorization": TOKEN}),
    Answer(200, {"X-Token": TOKEN}, TOKEN.encode()),
    Fetch(CREDENTIAL, Verdict.REFETCH),
    Send(SENDING),
    Tell(CREDENTIAL, Judgement(Verdict.DENIED), final=False),
    Serve(CREDENTIAL),
    Held(CREDENTIAL, 0.0, 0.0, 1.0),
]


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
def test_g1_nothing_that_holds_a_secret_shows_it(holder):
    for shown in (repr(holder), str(holder), f"{holder}", f"{[holder]!r}", "{} {!r}".format(holder, {"a": holder})):
        assert given_away(shown) == []
    assert given_away(repr(getattr(holder, "__dict__", {}))) == []


@pytest.mark.parametrize(
    "holder",
    [each for each in HOLDERS if not isinstance(each, (Headers, Sending, Send))],
    ids=lambda holder: type(holder).__name__,
)
def test_nothing_that_holds_a_secret_pickles(holder):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(holder, protocol)


@pytest.mark.parametrize(
    "holder", [each for each in HOLDERS if isinstance(each, (Sending, Send))], ids=lambda holder: type(holder).__name__
)
def test_what_was_put_on_a_request_leaves_nothing_in_the_pickle_of_the_request(holder):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(holder, protocol)

        assert given_away(data.decode("latin-1")) == []
        assert not isinstance(pickle.loads(data), Sending)


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_shows_no_more_than_the_original(holder, copied):
    try:
        shown = repr(copied(holder))
    except TypeError as refused:
        shown = str(refused)

    assert given_away(shown) == []


# The keys


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret_key": KEY + "\n"},
        {"secret_key": f" {KEY}"},
        {"secret_key": KEY + "é"},
        {"secret_key": KEY.encode()},
        {"secret_key": [KEY]},
        {"publishable_key": ""},
        {"publishable_key": f"pk:{KEY}"},
        {"publishable_key": KEY + "\n"},
        {"base_url": "http://xkit.example"},
        {"base_url": f"https://pk:{KEY}@xkit.example"},
        {"base_url": f"https://xkit.example/?key={KEY}"},
        {"base_url": 7},
        {"timeout": 0},
        {"max_age": -1},
        {"reconnect_url": "{user}"},
        {"plugins": [type("Bad", (), {"xkit_auth_evnt": hookimpl(lambda self: None)})()]},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_an_xkit_that_cannot_be_made_shows_no_key(wrong):
    with pytest.raises(ConfigurationError) as caught:
        Xkit(**{"publishable_key": "pk_live_1", "secret_key": KEY, **wrong})

    shown = whole_chain(caught.value)
    if isinstance(wrong.get("base_url"), str) or KEY in str(wrong.get("publishable_key")):
        shown = str(caught.value) + repr(caught.value)  # who puts the key where it does not belong has shown it
    assert given_away(shown) == []


def test_a_key_from_the_environment_is_not_shown_either(monkeypatch):
    monkeypatch.setenv("XKIT_PUBLISHABLE_KEY", "pk_live_1")
    monkeypatch.setenv("XKIT_SECRET_KEY", KEY + "\n")

    with pytest.raises(ConfigurationError) as caught:
        Xkit()

    assert given_away(whole_chain(caught.value)) == []


def test_an_account_that_cannot_be_made_shows_no_key():
    for arguments in ((None, KEY, "https://x.example"), ("pk", KEY, "http://x.example"), ("pk", KEY + "\n", "x")):
        with pytest.raises(ConfigurationError) as caught:
            Account(*arguments)
        assert given_away(whole_chain(caught.value)) == []


# Xkit's answers


def body_with(authorization: str) -> bytes:
    return b'{"connection": {"enabled": true, "authorization": %s}}' % authorization.encode()


ANSWERS = [
    (200, body_with(f'{{"status": "active", "credential": "{TOKEN}\\n"}}')),
    (200, body_with(f'{{"status": "active", "credential": ["{TOKEN}"]}}')),
    (200, body_with(f'{{"status": "active", "credential": {{"key": "{TOKEN}€"}}}}')),
    (200, body_with(f'{{"status": "{TOKEN}", "credential": "{TOKEN}"}}')),
    (200, body_with(f'{{"status": "error", "error_message": "{TOKEN}", "error_code": "{TOKEN}"}}')),
    (200, body_with(f'{{"status": "error", "error_message": "{KEY}", "display_label": "{KEY}"}}')),
    (200, f'{{"connection": "{TOKEN}"}}'.encode()),
    (200, f'["{TOKEN}"]'.encode()),
    (200, f'{{"connection": {{"credential": "{TOKEN}'.encode()),
    (200, TOKEN.encode()),
    (401, f'{{"error": "bad key {KEY}"}}'.encode()),
    (401, f'{{"error": "bad header Basic {BASIC}"}}'.encode()),
    (403, f'{{"error": "{TOKEN}", "credential": "{TOKEN}"}}'.encode()),
    (404, f'{{"error": {{"message": "{TOKEN}"}}, "connection": {{"access_token": "{TOKEN}"}}}}'.encode()),
    (429, f'{{"errors": ["{KEY}"]}}'.encode()),
    (500, f"<html>{TOKEN} {KEY}</html>".encode()),
    (302, f'{{"error": "{KEY[4:14]}"}}'.encode()),
]


@pytest.mark.parametrize(("status", "body"), ANSWERS)
def test_g2_no_answer_of_xkits_makes_an_error_that_shows_what_was_in_it(status, body):
    def use() -> None:
        connection = read_connection(Answer(status, {"Retry-After": TOKEN}, body), account(), "slack", "u", wall=0.0)
        assert given_away(repr(connection)) == []
        credential_of(connection)

    with pytest.raises(XkitAuthError) as caught:
        use()
    assert given_away(whole_chain(caught.value)) == []
    assert given_away(pickle.dumps(caught.value)) == []


@pytest.mark.parametrize(("status", "body"), ANSWERS)
def test_nor_does_it_reach_the_caller_of_an_xkit(adapter, transport, caplog, status, body):
    caplog.set_level(logging.DEBUG)
    transport.reply = lambda _call: Answer(status, {}, body)
    with Xkit(publishable_key="pk_live_1", secret_key=KEY) as xkit:
        xkit.broker.prefer(adapter)

        async def ask() -> None:
            await xkit.aget_credential("slack", context="v")

        for asking in (lambda: xkit.get_credential("slack", context="u"), lambda: asyncio.run(ask())):
            with pytest.raises(XkitAuthError) as caught:
                asking()
            assert given_away(whole_chain(caught.value)) == []
    assert given_away(caplog.text) == []


def test_a_transport_that_quotes_everything_gives_nothing_away(adapter, transport):
    transport.reply = lambda call: RuntimeError(f"cannot send {dict(call.headers)}")
    with Xkit(publishable_key="pk_live_1", secret_key=KEY) as xkit:
        xkit.broker.prefer(adapter)
        with pytest.raises(PlatformUnavailable, match="RuntimeError") as caught:
            xkit.get_credential("slack", context="u")

    assert given_away(whole_chain(caught.value)) == []


def test_nor_does_one_whose_text_is_meant_to_be_shown(adapter, transport):
    transport.reply = lambda call: NoAnswer(f"no route for {call.headers['Authorization']}")
    with Xkit(publishable_key="pk_live_1", secret_key=KEY) as xkit:
        xkit.broker.prefer(adapter)
        with pytest.raises(PlatformUnavailable, match=r"\[redacted\]") as caught:
            xkit.get_credential("slack", context="u")

    assert given_away(whole_chain(caught.value)) == []


def test_what_a_good_answer_brings_is_shown_nowhere(adapter, transport, caplog):
    caplog.set_level(logging.DEBUG)
    events: list[Any] = []

    class Listens:
        @hookimpl
        def xkit_auth_event(self, event: Any) -> None:
            events.append(event)

    good = body_with(f'{{"status": "active", "credential": "{TOKEN}", "note": "{TOKEN}", "display_label": "{TOKEN}"}}')
    transport.reply = lambda _call: Answer(200, {}, good)
    with Xkit(publishable_key="pk_live_1", secret_key=KEY, plugins=[Listens()]) as xkit:
        xkit.broker.prefer(adapter)
        credential = xkit.get_credential("slack", context="u")
        connection = xkit.get_connection("slack", context="u")
        for shown in (credential, connection, connection.raw, connection.display_label, events, xkit, vars(xkit)):
            assert given_away(repr(shown)) == []
        assert given_away(repr([vars(each) for each in (xkit.broker, xkit.broker.cache)])) == []
        assert given_away(repr(events)) == []
        transport.reply = lambda _call: NoAnswer("down")
        with pytest.raises(PlatformUnavailable) as caught:
            xkit.get_credential("slack", context="u", rejected=credential)
        assert given_away(whole_chain(caught.value)) == []

    assert credential.reveal() == TOKEN
    assert given_away(caplog.text) == []


# Plugins and placements


@pytest.mark.parametrize(
    "made",
    [
        {"X": TOKEN + "\n"},
        {"X": TOKEN + "€"},
        {"X": TOKEN.encode()},
        {f"{TOKEN} ": "x"},
        [TOKEN],
        TOKEN,
    ],
    ids=lambda made: type(made).__name__,
)
def test_g2_a_plugin_that_makes_what_cannot_be_sent_gives_nothing_away(policy_of, request_of, made):
    policy = policy_of(format_hook=lambda **_names: made)

    with pytest.raises(ConfigurationError) as caught:
        policy.write(CREDENTIAL, request_of)

    assert given_away(whole_chain(caught.value)) == []


@pytest.mark.parametrize("kind", [ValueError, KeyError, RuntimeError, UnicodeError])
def test_g2_a_plugin_that_raises_with_the_credential_gives_nothing_away(policy_of, request_of, answer_of, kind):
    def raises(credential: Any, **_names: Any) -> Any:
        raise kind(credential.reveal())

    policy = policy_of(format_hook=raises, classify_hook=raises)
    for asking in (lambda: policy.write(CREDENTIAL, request_of), lambda: policy.judge(CREDENTIAL, answer_of(401))):
        with pytest.raises(ConfigurationError) as caught:
            asking()
        assert given_away(whole_chain(caught.value)) == []


@pytest.mark.parametrize(
    ("settings", "credential"),
    [
        ({"basic": ("{token}", "")}, Credential(f"{TOKEN}:{KEY}")),
        ({"basic": ("{token}", "")}, Credential(f"{TOKEN}€")),
        ({"basic": ("{field.other}", "")}, Credential({"key": TOKEN, "user": KEY})),
        ({"header": {"X": "{token}"}}, Credential({"key": TOKEN, "user": KEY})),
        ({"header": {"X": "{field.key}"}}, Credential(TOKEN)),
        ({"header": {"X": "{token}"}}, Credential(f"{TOKEN}\n")),
        ({"header": {"X": "{token}"}}, Credential(f"{TOKEN}€")),
    ],
)
def test_a_credential_that_cannot_be_written_is_not_shown(policy_of, settings, credential):
    policy = policy_of(Connector("acme", hosts=["api.acme.example"], **settings))

    with pytest.raises(XkitAuthError) as caught:
        policy.write(credential, None)

    assert given_away(whole_chain(caught.value)) == []


@pytest.mark.parametrize(
    "mistake",
    [
        {"base_url": f"https://pk_live_1:{KEY}@xkit.example/api/platform"},
        {"base_url": f"https://xkit.example/api/platform?key={KEY}"},
        {"publishable_key": f"pk_live_1:{KEY}"},
    ],
)
@pytest.mark.parametrize("make", [Xkit, Account])
def test_a_secret_key_in_another_argument_is_not_shown(make, mistake):
    right = {"publishable_key": "pk_live_1", "secret_key": KEY, "base_url": "https://xkit.example"}

    with pytest.raises(ConfigurationError) as caught:
        make(**{**right, **mistake})

    assert given_away(whole_chain(caught.value)) == []
