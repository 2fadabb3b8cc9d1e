"""What ``Connection.raw`` shows of Xkit's response."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.sources_platform import TOKEN, WALL, read, usable  # noqa: F401
from xkit_auth import (
    PlatformUnavailable,
)
from xkit_auth._sources.platform import (
    Answer,
    NoAnswer,
    unanswered,
)


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
