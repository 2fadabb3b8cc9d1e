"""What Xkit's response about a connection means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.sources_platform import TOKEN, WALL, read, usable  # noqa: F401
from xkit_auth import (
    AuthorizationPending,
    NotConnected,
    PlatformError,
    PlatformProtocolError,
    PlatformUnavailable,
    ReauthorizationRequired,
)
from xkit_auth._sources.platform import (
    Answer,
    credential_of,
    read_connection,
)

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
