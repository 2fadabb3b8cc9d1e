"""Xkit's wire format: every answer that it may give, and what is made of it."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from typing import Any

import pytest

from xkit_auth import (
    AuthorizationPending,
    NotConnected,
    PlatformAuthenticationError,
    PlatformError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
    ReauthorizationRequired,
)
from xkit_auth._sources.account import Account
from xkit_auth._sources.platform import (
    LARGEST_ANSWER,
    Answer,
    NoAnswer,
    credential_of,
    gathered,
    read_connection,
    retry_after,
    unanswered,
)

WALL = 1_700_000_000.0
TOKEN = "xoxb-Wq8rT5yPz2LmKd7"


@pytest.fixture
def read(account: Account) -> Any:
    """Read an answer: ``read(body, status=…, headers=…)``, where the body is bytes or something for JSON."""

    def reading(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return read_connection(Answer(status, headers or {}, content), account, "slack", "user-42", wall=WALL)

    return reading


@pytest.fixture
def usable(read: Any) -> Any:
    """The connection that Xkit gives with this credential, and what else stands in its authorization."""

    def reading(credential: Any = TOKEN, **authorization: Any) -> Any:
        inside = {"status": "active", "credential": credential, **authorization}
        return read({"connection": {"enabled": True, "authorization": inside}})

    return reading


# Answers with a connection


@pytest.mark.parametrize("field", ["credential", "access_token", "access_credential"])
def test_the_credential_is_found_under_each_name_that_it_has_had(read, field):
    connection = read({"connection": {"enabled": True, "authorization": {"status": "active", field: TOKEN}}})

    assert connection.credential.reveal() == TOKEN
    assert (connection.context, connection.connector) == ("user-42", "slack")
    assert (connection.enabled, connection.status) == (True, "active")


def test_the_newest_name_of_the_credential_wins_unless_it_is_empty(read):
    def token(**names: Any) -> str:
        body = {"connection": {"enabled": True, "authorization": {"status": "active", **names}}}
        return read(body).credential.reveal()

    assert token(access_token="older-1", credential="newer-1") == "newer-1"
    assert token(access_token="older-1", credential="") == "older-1"
    assert token(access_token="older-1", credential=None) == "older-1"
    assert token(access_credential="slip-1", access_token="older-1") == "older-1"


def test_the_authorization_may_stand_beside_the_connection(read):
    connection = read({"connection": {"enabled": True}, "authorization": {"status": "active", "credential": TOKEN}})

    assert connection.credential.reveal() == TOKEN


def test_the_authorization_inside_the_connection_wins(read):
    connection = read(
        {
            "connection": {"enabled": True, "authorization": {"status": "active", "credential": "inside-1"}},
            "authorization": {"status": "error", "credential": "beside-1"},
        }
    )

    assert connection.credential.reveal() == "inside-1"


def test_what_the_authorization_says_is_on_the_connection(usable):
    connection = usable(
        "", status="error", error_code="access_denied", error_message="The user said no", display_label="Acme Inc."
    )

    assert connection.status == "error"
    assert connection.error_code == "access_denied"
    assert connection.error_message == "The user said no"
    assert connection.display_label == "Acme Inc."
    assert connection.credential is None


def test_text_fields_of_another_type_do_no_harm(usable):
    connection = usable("", status=7, error_code=True, error_message=["a"], display_label={"a": 1})

    assert connection.status == "7"
    assert connection.error_code is connection.error_message is connection.display_label is None


@pytest.mark.parametrize("enabled", [False, None, "true", 1, "absent"])
def test_a_connection_that_is_not_certainly_enabled_has_no_credential(read, enabled):
    inside: dict[str, Any] = {"enabled": enabled, "authorization": {"status": "active", "credential": TOKEN}}
    if enabled == "absent":
        del inside["enabled"]

    connection = read({"connection": inside})

    assert connection.enabled is False
    assert connection.credential is None
    with pytest.raises(NotConnected):
        credential_of(connection)


@pytest.mark.parametrize("status", ["awaiting_callback", "retrieving_tokens"])
def test_a_user_who_is_still_connecting_is_worth_asking_for_again(usable, status):
    with pytest.raises(AuthorizationPending) as caught:
        credential_of(usable("", status=status))

    assert caught.value.retryable
    assert status in str(caught.value)
    assert (caught.value.connector, caught.value.context) == ("slack", "user-42")


@pytest.mark.parametrize("status", ["error", "paused_by_a_future_xkit", "ACTIVE", "", None])
def test_every_other_status_means_connecting_again_and_survives(usable, status):
    connection = usable(TOKEN, status=status)

    assert connection.status == status
    with pytest.raises(ReauthorizationRequired) as caught:
        credential_of(connection)
    assert caught.value.status == status


def test_why_the_user_must_connect_again_is_on_the_error_and_in_its_text(usable):
    with pytest.raises(ReauthorizationRequired) as caught:
        credential_of(usable("", status="error", error_code="access_denied", error_message="The user said no"))

    error = caught.value
    assert (error.status, error.error_code, error.error_message) == ("error", "access_denied", "The user said no")
    assert "status error, access_denied, The user said no" in str(error)


@pytest.mark.parametrize("credential", [None, "", False, 0, {}, [], {"user": None}, {"user": ""}])
def test_an_active_authorization_without_a_credential_means_connecting_again(usable, credential):
    connection = usable(credential)

    assert connection.status == "active"
    assert connection.credential is None
    with pytest.raises(ReauthorizationRequired):
        credential_of(connection)


@pytest.mark.parametrize("authorization", [None, "x", [], {}, 7])
def test_an_enabled_connection_without_an_authorization_needs_repair(read, authorization):
    connection = read({"connection": {"enabled": True, "authorization": authorization}})

    assert connection.status is None
    with pytest.raises(ReauthorizationRequired, match="no authorization"):
        credential_of(connection)


def test_a_usable_connection_gives_its_credential(usable):
    assert credential_of(usable()).reveal() == TOKEN


def test_a_credential_may_be_a_number(usable):
    assert usable(1234567890).credential.reveal() == "1234567890"


@pytest.mark.parametrize(
    "name",
    ["line\nbreak", "n" * 65, "ghp_abcdefghijkl", "Wq8rT5yPz2LmKd7", "two words", "\u202e", "9lives", "\x00", ""],
)
def test_a_part_of_a_credential_with_no_name_to_speak_of_is_refused_and_not_shown(usable, name):
    with pytest.raises(PlatformProtocolError, match="no short identifier") as caught:
        usable({"user": "ann", name: "Wq8rT5yPz2LmKd7"})

    assert name == "" or name not in str(caught.value)


@pytest.mark.parametrize("name", ["api_key", "accessKeyId", "sha256", "x-api-key", "a.b", "_", "k" * 64])
def test_ordinary_names_of_parts_are_taken(usable, name):
    assert usable({name: "Kd83jQ"}).credential.fields == (name,)


@pytest.mark.parametrize(
    "credential",
    [
        {f"k{chr(97 + number // 26 % 26)}{chr(97 + number % 26)}": "x" for number in range(201)},
        ["x"] * 201,
        {"a": {"b": ["x"] * 201}},
        "x" * (32 * 1024 + 1),
        {"a": "x" * 20_000, "b": "x" * 20_000},
    ],
)
def test_a_credential_beyond_all_measure_is_refused(usable, read, credential):
    with pytest.raises(PlatformProtocolError, match="more than 200 parts or 32768 characters"):
        usable(credential)
    with pytest.raises(PlatformUnavailable) as caught:
        read({"error": "Some words", "credential": credential}, status=500)
    assert "Some words" not in str(caught.value)


def test_a_credential_may_have_two_hundred_parts(usable):
    parts = {f"k{chr(97 + number // 26)}{chr(97 + number % 26)}": f"value-{number}" for number in range(200)}

    assert len(usable(parts).credential.fields) == 200


def test_a_credential_may_have_several_parts_and_empty_ones_are_left_out(usable):
    credential = usable(
        {"email": "me@acme.example", "api_key": "Kd83jQ", "account": 77, "none": None, "empty": ""}
    ).credential

    assert credential.fields == ("email", "api_key", "account")
    assert credential.reveal("account") == "77"
    assert credential.reveal("api_key") == "Kd83jQ"


@pytest.mark.parametrize(
    "credential",
    [
        "reactive-token-1",
        {"email": "proactive@acme.example", "api_key": "Kd83jQ"},
        {"user": "a", "api_key": "Kd83jQ"},
        {"region": "active", "api_key": "Kd83jQ"},
    ],
)
def test_a_credential_that_shares_letters_with_its_status_is_as_good_as_any(usable, credential):
    connection = usable(credential)

    assert connection.status == "active"
    assert connection.credential is not None


def test_unknown_fields_survive_in_raw_by_their_names_alone(read):
    body = {
        "connection": {"enabled": True, "id": 7, "new": {"deep": [1, 2.5, "x", None, True]}, "authorization": {}},
        "more": "of it",
        "since": "2026-11-27T10:00:00Z",
    }

    hidden = "[redacted]"
    assert read(body).raw == {
        "connection": {
            "enabled": True,
            "id": 7,
            "new": {"deep": [hidden, hidden, hidden, None, True]},
            "authorization": {},
        },
        "more": hidden,
        "since": "2026-11-27T10:00:00Z",
    }


def test_the_documented_fields_are_readable_in_raw(read):
    connector = {
        "name": "Slack",
        "slug": "slack",
        "short_description": "Chat for teams",
        "mark_url": "https://xkit.example/slack.svg",
        "supports_multiple_connections": False,
        "about": "About it",
        "description": "What it does",
        "crm": False,
    }
    prototype = {
        "name": "Slack",
        "slug": "slack-oauth",
        "collect_fields": [{"name": "subdomain", "label": "Subdomain", "suffix": ".acme.example"}],
    }
    authorization = {
        "id": "17",
        "status": "error",
        "error_code": "access_denied",
        "error_message": "The user said no",
        "display_label": "Acme Inc.",
        "expires_in": 3600,
        "authorizer": {"client_id": "4711.0815", "prototype": prototype},
        "connector": connector,
    }
    context = {"external_id": "user-42", "external_name": "Ann at Acme"}
    body = {
        "connection": {
            "id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "enabled": True,
            "connector": connector,
            "authorization": authorization,
            "context": context,
        }
    }

    assert read(body).raw == body
    flat = {**body["connection"], "connection": {"enabled": True}}
    assert read(flat).raw["authorization"] == authorization
    assert read(flat).raw["connector"] == connector


# Somebody else's answer


@pytest.mark.parametrize("where", ["beside", "inside"])
@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("connector", {"connector": {"slug": "github"}}),
        ("connector", {"connector": {"slug": 7}}),
        ("context", {"context": {"external_id": "user-43"}}),
        ("context", {"context": {"external_id": "USER-42"}}),
        ("context", {"context": {"external_id": 42}}),
        (
            "context",
            {"authorization": {"status": "active", "credential": TOKEN, "context": {"external_id": "user-43"}}},
        ),
    ],
)
def test_an_answer_about_another_connector_or_context_is_refused_and_not_quoted(read, what, named, where):
    authorization = {"status": "active", "credential": TOKEN}
    connection = {"enabled": True, "authorization": authorization}
    body = {"connection": {**connection, **named}} if where == "inside" else {"connection": {"enabled": True}, **named}

    with pytest.raises(PlatformProtocolError, match=f"another {what} than was asked for") as caught:
        read(body)
    for other in ("github", "user-43", "USER-42", TOKEN):
        assert other not in str(caught.value)
    assert (caught.value.connector, caught.value.context) == ("slack", "user-42")


@pytest.mark.parametrize(
    "named",
    [
        {"connector": {"slug": "slack"}, "context": {"external_id": "user-42"}},
        {"connector": None, "context": None},
        {"connector": {"name": "GitHub"}, "context": {"external_name": "user-43"}},
        {"connector": "github", "context": "user-43", "external_id": "of the connection"},
        {"user": {"external_id": "one-of-the-group"}},
    ],
)
def test_an_answer_that_does_not_certainly_name_another_is_taken(read, named):
    inside = {"status": "active", "credential": TOKEN, "connector": {"slug": "slack-for-another-product"}}
    body = {"connection": {"enabled": True, "authorization": inside, **named}}

    assert read(body).credential.reveal() == TOKEN
    assert read({"connection": {"enabled": True}, "authorization": inside, **named}).credential.reveal() == TOKEN


def test_a_context_that_is_a_number_for_xkit_is_the_same(account):
    body = {"connection": {"enabled": True, "context": {"external_id": 42}}}

    answer = Answer(200, {}, json.dumps(body).encode())
    assert read_connection(answer, account, "slack", "42", wall=WALL).context == "42"


# Answers that cannot be used


@pytest.mark.parametrize(
    ("credential", "reason"),
    [
        ("Wq8rT5\nyPz2Lm", "line break"),
        ("Wq8rT5\ryPz2Lm", "line break"),
        ("Wq8rT5\x00yPz2Lm", "control"),
        ("Wq8rT5\x7fyPz2Lm", "control"),
        ("Wq8rT5\x85yPz2Lm", "control"),
        (" Wq8rT5yPz2Lm", "space"),
        ("Wq8rT5yPz2Lm ", "space"),
        ("Wq8rT5€yPz2Lm", "latin-1"),
        ("Wq8rT5\ud800yPz2Lm", "latin-1"),
        ("REDACTED", "placeholder"),
        ("[redacted]", "placeholder"),
        ("xoxb-REDACTED-1", "placeholder"),
        ("null", "placeholder"),
        ("None", "placeholder"),
        ("********", "placeholder"),
        ("XXXXXXXX", "placeholder"),
        ("••••", "placeholder"),
        (True, "neither a text nor a number"),
        (1.5, "neither a text nor a number"),
        (["Wq8rT5yPz2Lm"], "neither a text nor a number"),
        ({"key": ["Wq8rT5yPz2Lm"]}, "'key'"),
        ({"key": "Wq8rT5\nyPz2Lm"}, "'key'"),
    ],
)
def test_a_credential_that_cannot_be_sent_is_an_error_that_says_why_and_never_what(usable, credential, reason):
    with pytest.raises(PlatformProtocolError, match=reason) as caught:
        usable(credential)

    assert "Wq8rT5" not in str(caught.value) + repr(caught.value)
    assert "yPz2Lm" not in str(caught.value) + repr(caught.value)
    assert (caught.value.connector, caught.value.context) == ("slack", "user-42")
    assert not caught.value.retryable


def test_a_latin_1_credential_can_be_sent(usable):
    assert usable("clé-Wq8rT5").credential.reveal() == "clé-Wq8rT5"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"<html>Wq8rT5yPz2Lm</html>", "not JSON"),
        (b'{"connection": {"authorization": {"credential": "Wq8rT5yPz2Lm', "cut off"),
        (b'{"connection": Wq8rT5yPz2Lm}', "not JSON"),
        (b"\xff\xfe\x00Wq8rT5yPz2Lm", "not JSON"),
        (b'["Wq8rT5yPz2Lm"]', "not a JSON object"),
        (b'"Wq8rT5yPz2Lm"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"NaN", "not a JSON object"),
        (b"{}", "no connection"),
        (b'{"connection": "Wq8rT5yPz2Lm"}', "no connection"),
        (b'{"connection": null}', "no connection"),
        (b'{"connection": ' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error_that_quotes_nothing(read, body, reason):
    with pytest.raises(PlatformProtocolError, match=reason) as caught:
        read(body)

    error: BaseException | None = caught.value
    while error is not None:
        assert "Wq8rT5yPz2Lm" not in str(error) + repr(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("depth", [100, 600, 900, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_nested_deeply_is_read_or_refused(read, depth, opening, closing, status):
    nested = opening * depth + b"1" + closing * depth

    for body in (
        b'{"connection": {"enabled": true, "x": ' + nested + b"}}",
        b'{"connection": {"enabled": true, "authorization": {"credential": ' + nested + b"}}}",
    ):
        try:
            outcome: Any = read(body, status=status)
        except PlatformError as error:
            outcome = error
        said = str(outcome)
        assert "nested too deeply" in said or (status == 500 and "HTTP 500" in said) or outcome.enabled


def test_numbers_that_json_does_not_have_are_no_expiry(read):
    body = b'{"connection": {"enabled": true, "authorization": {"status": "active", "credential": "%s", %s}}}'

    for hints in (b'"expires_at": NaN', b'"expires_at": Infinity', b'"expires_in": -Infinity', b'"expires_in": 1e999'):
        assert read(body % (TOKEN.encode(), hints)).credential.expires_at is None


# Compressed answers, which nobody asked for


@pytest.fixture
def plain() -> bytes:
    inside = {"status": "active", "credential": TOKEN}
    return json.dumps({"connection": {"enabled": True, "authorization": inside}}).encode()


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("GZip ", gzip.compress), ("deflate", zlib.compress)],
)
def test_a_compressed_answer_is_read_all_the_same(read, plain, encoding, compress):
    assert read(compress(plain), headers={"Content-Encoding": encoding}).credential.reveal() == TOKEN


def test_identity_is_no_compression(read, plain):
    assert read(plain, headers={"content-encoding": "identity"}).credential.reveal() == TOKEN


@pytest.mark.parametrize(
    ("encoding", "content", "reason"),
    [
        ("br", b"x", "not asked for"),
        ("gzip, gzip", b"x", "not asked for"),
        ("gzip", b"not gzip", "cannot be read"),
        ("gzip", gzip.compress(b'{"connection": {}}', mtime=0)[:-9], "too long or cut off"),
        ("gzip", gzip.compress(b" " * (LARGEST_ANSWER + 1), mtime=0), "too long or cut off"),
        ("deflate", zlib.compress(b"[" * (50 * LARGEST_ANSWER)), "too long or cut off"),
    ],
)
def test_compression_that_is_strange_or_grows_too_large_is_refused(read, encoding, content, reason):
    with pytest.raises(PlatformProtocolError, match=reason):
        read(content, headers={"content-encoding": encoding})


def test_a_body_is_gathered_up_to_its_limit():
    later = time.monotonic() + 60

    assert gathered([b"ab", b"", b"c"], later) == b"abc"
    assert len(gathered([b"x" * LARGEST_ANSWER], later)) == LARGEST_ANSWER


def test_a_body_beyond_the_limit_is_no_answer_and_the_rest_is_not_read():
    chunks = iter([b"x" * LARGEST_ANSWER, b"x", b"never read"])

    with pytest.raises(NoAnswer, match="longer than"):
        gathered(chunks, time.monotonic() + 60)
    assert next(chunks) == b"never read"


def test_a_body_that_trickles_past_the_deadline_is_no_answer():
    chunks = iter([b"x", b"never read"])

    with pytest.raises(NoAnswer, match="in time"):
        gathered(chunks, time.monotonic() - 1)
    assert next(chunks) == b"never read"


# Answers by status


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (401, PlatformAuthenticationError, False),
        (403, PlatformAuthenticationError, False),
        (429, PlatformRateLimited, True),
        (500, PlatformUnavailable, True),
        (502, PlatformUnavailable, True),
        (503, PlatformUnavailable, True),
        (504, PlatformUnavailable, True),
        (599, PlatformUnavailable, True),
        (408, PlatformUnavailable, True),
        (201, PlatformProtocolError, False),
        (204, PlatformProtocolError, False),
        (301, PlatformProtocolError, False),
        (302, PlatformProtocolError, False),
        (400, PlatformProtocolError, False),
        (410, PlatformProtocolError, False),
        (422, PlatformProtocolError, False),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"error": null}', b'{"connection": {"enabled": true}}'])
def test_each_status_has_its_error_whatever_the_body(read, status, kind, retryable, body):
    with pytest.raises(kind) as caught:
        read(body, status=status)

    error = caught.value
    assert type(error) is kind
    assert error.retryable is retryable
    assert (error.connector, error.context) == ("slack", "user-42")
    assert error.hint
    assert error.__cause__ is None


# Whose 404 it is

XKITS_OWN = [
    {"error": "not_found"},
    {"errors": {"detail": "Not Found"}},
    {"errors": [{"error": "not found", "path": "context"}]},
    {"error": None, "errors": ["not found"]},
]
OF_OTHERS = [
    {},
    {"message": "no Route matched with those values"},
    {"detail": "Not Found"},
    {"connection": {}},
    {"error": {"code": 404, "message": "Method not found.", "status": "NOT_FOUND"}},
    {"error": None},
    {"error": ""},
    {"error": True, "message": "Not Found"},
    {"error": 404},
    {"errors": []},
    {"errors": "Not Found"},
]
PAGES = [b"", b"<html>Not Found</html>", b"[]", b'"not_found"', b'{"error": "not', b"[" * 100_000]


@pytest.fixture
def read_at() -> Any:
    """Read a 404 that came from a base URL: ``read_at(base_url, body, is_known=…)``."""

    def reading(base_url: str, body: Any, **how: Any) -> Any:
        account = Account("pk_test_Qm7", "sk_test_Zw4hJ9vRkU2", base_url)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return read_connection(Answer(404, {}, content), account, "slack", "user-42", wall=WALL, **how)

    return reading


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("base_url", ["https://app.xkit.co/api/platform", "https://xkit.example/v2/api/platform/"])
@pytest.mark.parametrize("body", XKITS_OWN)
def test_a_404_with_an_error_in_xkits_form_at_the_documented_path_is_xkits_own(read_at, base_url, body, is_known):
    with pytest.raises(NotConnected, match="knows no such connection"):
        read_at(base_url, body, is_known=is_known)


@pytest.mark.parametrize("base_url", ["https://app.xkit.co", "https://app.xkit.co/api", "https://app.xkit.co/platform"])
@pytest.mark.parametrize("body", [*XKITS_OWN, *OF_OTHERS, *PAGES])
def test_a_404_at_a_base_url_that_was_cut_short_asks_no_user_to_connect(read_at, base_url, body):
    with pytest.raises(PlatformProtocolError, match="404") as caught:
        read_at(base_url, body)

    assert f"which is {base_url}," in caught.value.hint
    assert "XKIT_BASE_URL" in caught.value.hint
    assert "connect " not in caught.value.hint
    assert (caught.value.connector, caught.value.context) == ("slack", "user-42")


@pytest.mark.parametrize("body", OF_OTHERS)
def test_a_404_in_the_words_of_a_gateway_is_not_xkits_own_until_xkit_is_known_to_answer(read_at, body):
    with pytest.raises(PlatformProtocolError, match="404"):
        read_at("https://app.xkit.co/api/platform", body)
    with pytest.raises(NotConnected):
        read_at("https://app.xkit.co/api/platform", body, is_known=True)


@pytest.mark.parametrize("body", PAGES)
def test_a_404_that_is_no_json_object_is_never_xkits_own(read_at, body):
    with pytest.raises(PlatformProtocolError, match="404"):
        read_at("https://app.xkit.co/api/platform", body, is_known=True)


@pytest.mark.parametrize("body", [*XKITS_OWN, *OF_OTHERS])
def test_where_xkit_is_known_to_answer_any_base_url_will_do(read_at, body):
    with pytest.raises(NotConnected):
        read_at("https://gateway.example/xkit", body, is_known=True)


@pytest.mark.parametrize("body", [b"<html>", {"status": "ok"}])
def test_an_answer_that_is_none_of_xkits_names_the_base_url(read, body):
    with pytest.raises(PlatformProtocolError) as caught:
        read(body)

    assert "which is https://xkit.example/api/platform," in caught.value.hint


@pytest.mark.parametrize(
    "body",
    [
        {"error": "It is so"},
        {"error": {"message": "It is so"}},
        {"error": {"error": "It is so"}},
        {"errors": ["It is so", "and so"]},
        {"errors": [{"error": "It is so", "path": "x"}]},
        {"errors": "It is so"},
    ],
)
def test_what_xkit_says_about_an_error_is_in_its_text(read, body):
    with pytest.raises(PlatformUnavailable, match=r"HTTP 500 \(It is so\)"):
        read(body, status=500)


@pytest.mark.parametrize("body", [{"errors": []}, {"error": 7}, {"error": {"x": 1}}, {"errors": [7]}, {"error": True}])
def test_an_error_body_of_another_shape_adds_nothing(read, body):
    with pytest.raises(PlatformUnavailable) as caught:
        read(body, status=500)

    assert caught.value.args == ("Xkit failed with HTTP 500",)


def test_a_long_text_with_control_characters_is_tamed(read):
    with pytest.raises(PlatformUnavailable) as caught:
        read({"error": "first\nsecond\x1b[31m\u202e" + "long " * 100}, status=500)

    text = str(caught.value)
    assert "first second [31m long" in text
    assert "…" in text
    assert text.isprintable()
    assert len(text) < 400


@pytest.mark.parametrize(
    "said",
    [
        f"the token {TOKEN} is bad",
        f"the token {TOKEN[4:12]} is bad",
        "the key sk_test_Zw4hJ9vRkU2 is bad",
        "the key …9vRkU2 is bad",
    ],
)
@pytest.mark.parametrize("field", ["credential", "access_token", "access_credential"])
def test_an_error_text_that_holds_part_of_a_secret_is_withheld(read, said, field):
    with pytest.raises(PlatformAuthenticationError, match=r"\[redacted\]") as caught:
        read({"error": said, field: TOKEN}, status=401)

    assert "is bad" not in str(caught.value)


@pytest.mark.parametrize(
    ("unknown", "said"),
    [
        ({"pat": "sesame-1"}, "sesame-1 is bad"),
        ({"a_new_name": {"deep": ["sesame-1"]}}, "bad: sesame"),
        ({"pat": "sesame-1"}, "bad: 1-emases"),
        ({"pat": "sesame-1"}, "bad: c2VzYW1lLTE="),
        ({"pat": "sesame-1"}, "bad: sesa%6de-1"),
        ({"otp": 4711}, "4711 is bad"),
    ],
)
def test_an_error_text_that_quotes_a_field_which_nobody_knows_is_withheld(read, usable, unknown, said):
    for error in ({"error": said, **unknown}, {"error": {"message": said, **unknown}}):
        with pytest.raises(PlatformUnavailable, match=r"\[redacted\]") as caught:
            read(error, status=500)
        assert "bad" not in str(caught.value)
    connection = usable("", status="error", error_message=said, error_code=said, **unknown)
    assert (connection.error_message, connection.error_code) == ("[redacted]", "[redacted]")


def test_an_error_text_beside_more_than_can_be_looked_through_is_withheld(read):
    with pytest.raises(PlatformUnavailable, match=r"\[redacted\]"):
        read({"error": "Some words", "blob": "x" * 20_000}, status=500)


def test_an_error_text_that_echoes_our_own_authorization_is_withheld(read, account):
    with pytest.raises(PlatformAuthenticationError) as caught:
        read({"error": f"bad header {account.headers()['authorization']}"}, status=401)

    assert account.headers()["authorization"].split()[1][:20] not in str(caught.value)


def test_a_token_in_a_text_of_xkits_is_not_shown_wherever_it_comes_from(usable, read):
    older = "xoxp-883917-Gd8wPq2Vn"

    connection = usable(TOKEN, status="error", error_message=f"the token {older} was revoked")
    assert older not in (connection.error_message or "")
    with pytest.raises(PlatformUnavailable) as caught:
        read({"error": f"the token {older} was revoked"}, status=500)
    assert older not in str(caught.value)


# How long to wait


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("0", 0),
        ("59", 59),
        ("61", 60),
        ("999999999", 60),
        ("9999999999999", 5),
        ("-1", 5),
        ("soon", 5),
        ("", 5),
        (None, 5),
        ("1e3", 5),
        ("٣", 5),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30),
        ("Tue, 14 Nov 2023 23:13:50 +0100", 30),
        ("Tue, 14 Nov 2023 22:13:20 GMT", 0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Sun, 06 Nov 2994 08:49:37 GMT", 60),
        ("Sun, 06 Nov 99999 08:49:37 GMT", 5),
        ("Tue, 99 Nov 2023 22:13:50 GMT", 5),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_a_minute(value, seconds):
    assert retry_after(value, WALL, 5) == seconds


@pytest.mark.parametrize(("date", "seconds"), [("Tue, 14 Nov 2023 22:13:10 GMT", 40), ("yesterday", 30)])
def test_a_date_counts_from_that_of_the_answer_as_a_clock_may_be_wrong(account, date, seconds):
    headers = {"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT", "date": date}
    with pytest.raises(PlatformRateLimited) as caught:
        read_connection(Answer(429, headers, b""), account, "slack", "u", wall=WALL)

    assert caught.value.retry_after == seconds


def test_a_date_in_the_old_form_is_in_gmt_wherever_this_machine_is(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert retry_after("Tue Nov 14 22:13:50 2023", WALL, 5) == 30
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_rate_limit_says_how_long_it_lasts(read):
    with pytest.raises(PlatformRateLimited, match="next 7 seconds") as caught:
        read(b"", status=429, headers={"Retry-After": "7"})

    assert caught.value.retry_after == 7


def test_a_rate_limit_until_a_date_is_counted_from_the_clock_that_was_given(read):
    with pytest.raises(PlatformRateLimited) as caught:
        read(b"", status=429, headers={"Retry-After": "Tue, 14 Nov 2023 22:13:50 GMT"})

    assert caught.value.retry_after == 30


@pytest.mark.parametrize("status", [408, 500, 503])
@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("Tue, 14 Nov 2023 22:13:50 GMT", 30), ("86400", 60)])
def test_a_failure_says_how_long_xkit_wants_to_be_left_alone_a_minute_at_most(read, status, header, seconds):
    with pytest.raises(PlatformUnavailable, match=f"left alone for {seconds} seconds") as caught:
        read(b"", status=status, headers={"Retry-After": header})

    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}, {"Retry-After": "soon"}])
def test_a_failure_that_names_no_time_leaves_the_time_to_us(read, headers):
    with pytest.raises(PlatformUnavailable) as caught:
        read(b"", status=503, headers=headers)

    assert "left alone" not in caught.value.hint
    assert caught.value.retry_after == 0.5


def test_the_credential_knows_when_it_expires(usable):
    assert usable(TOKEN, expires_in=60).credential.expires_at == WALL + 60
    assert usable("e30.eyJleHAiOiAxODAwMDAwMDAwfQ.c2ln").credential.expires_at == 1_800_000_000
    assert usable({"key": "e30.eyJleHAiOiAxODAwMDAwMDAwfQ.c2ln"}).credential.expires_at is None


# What raw shows


@pytest.mark.parametrize(
    "name",
    [
        "api-key",
        "pwd",
        "bearer",
        "jwt",
        "key",
        "pat",
        "otp",
        "code",
        "refresh",
        "refreshToken",
        "client_secret",
        "password",
        "api_key",
        "authorize_url",
        "session_id",
        "set-cookie",
        "private_key",
        "signature",
        "state",
        "a_name_of_next_year",
        "tokens",
        "name_of_a_secret",
        "credential",
        "access_token",
    ],
)
@pytest.mark.parametrize(
    "value", ["plain words", "letters", "hunter2", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", 4711, 1.5]
)
def test_what_stands_under_a_name_that_is_not_documented_is_masked_in_raw(read, name, value):
    def raw(value: Any) -> Any:
        return read({"connection": {"enabled": True, "authorization": {"status": "error", name: value}}}).raw

    authorization = raw(value)["connection"]["authorization"]
    assert authorization[name] == "[redacted]"
    # Nor does a documented name help in a place where nobody knows it.
    within = raw({"a": [value, None, True], "name": value, "id": value})["connection"]["authorization"][name]
    assert within == {"a": ["[redacted]", None, True], "name": "[redacted]", "id": "[redacted]"}


@pytest.mark.parametrize("name", ["id", "name", "display_label", "slug", "message", "error"])
def test_a_documented_name_shows_a_text_and_nothing_else(read, name):
    body = {"connection": {"enabled": True, "authorization": {"status": "error", name: ["hunter2"]}}}
    assert "hunter2" not in json.dumps(read(body).raw)


@pytest.mark.parametrize(
    "name",
    [
        "line\nbreak",
        "n" * 5000,
        "ghp_abcdefghijkl",
        "Wq8rT5yPz2LmKd7",
        "",
        "two words",
        "\u202e",
        TOKEN,
        "x" + TOKEN[:8],
    ],
)
def test_what_is_no_name_is_not_shown_as_one_in_raw(usable, name):
    raw = usable(TOKEN, status="error", **{name: True, "kept": True}).raw["connection"]["authorization"]

    assert name not in raw
    assert (raw["[redacted]"], raw["kept"]) == (True, True)


@pytest.mark.parametrize(
    "value",
    [
        "xoxb-883917-Gd8wPq2Vn",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.sig",
        "ya29.a0AfH6SMBx",
        "AKIAIOSFODNN7EXAMPLE",
        "Bearer 4eC39HqLyjWDarjtT1zdp7dc",
        "9f86d081884c7d659a2feaa0c55ad015",
    ],
)
def test_an_unknown_field_that_looks_like_a_secret_is_masked_in_raw(usable, value):
    raw = usable("", status="error", note=value, notes=[{"x": value}]).raw

    assert raw["connection"]["authorization"]["note"] == "[redacted]"
    assert raw["connection"]["authorization"]["notes"] == [{"x": "[redacted]"}]


def test_raw_shows_no_more_texts_than_an_answer_of_xkits_can_have(usable):
    fields = [{"name": "subdomain"} for _ in range(20_000)]
    raw = usable("", status="error", authorizer={"prototype": {"collect_fields": fields}}).raw

    shown = [each["name"] for each in raw["connection"]["authorization"]["authorizer"]["prototype"]["collect_fields"]]
    assert shown[:400] == ["subdomain"] * 400
    assert set(shown[500:]) == {"[redacted]"}


def test_the_credential_is_masked_in_raw_wherever_it_stands(usable):
    raw = usable(TOKEN, note=f"it is {TOKEN}", copies=[TOKEN]).raw

    assert TOKEN not in json.dumps(raw)
    assert raw["connection"]["authorization"]["status"] == "active"


def test_every_part_of_a_credential_is_masked_in_raw(usable):
    raw = usable(
        {"email": "me@acme.example", "number": 778899, "deep": ["Kd83jQ"]}, status="error", label="77889900"
    ).raw

    shown = json.dumps(raw)
    assert "me@acme.example" not in shown
    assert "778899" not in shown
    assert "Kd83jQ" not in shown


def test_an_empty_part_of_a_credential_does_not_mask_everything_else(usable):
    raw = usable({"api_key": ""}, status="error", display_label="Acme").raw

    assert raw["connection"]["authorization"]["display_label"] == "Acme"
    assert raw["connection"]["authorization"]["status"] == "error"


# A call without an answer


def test_a_call_without_an_answer_is_an_outage_with_its_reason_as_the_cause():
    failure = NoAnswer("ConnectTimeout")

    error = unanswered(failure, "slack", "user-42")

    assert isinstance(error, PlatformUnavailable)
    assert error.__cause__ is failure
    assert "ConnectTimeout" in str(error)
    assert "the provider was not asked" in error.hint
    assert (error.connector, error.context) == ("slack", "user-42")


def test_an_answer_shows_its_status_and_not_its_body():
    assert repr(Answer(200, {"X-Token": "secret"}, b"secret")) == "Answer(200)"
