"""Reading Xkit's webhooks, which anybody could have sent."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from xkit_auth import ConfigurationError, WebhookEvent
from xkit_auth._account.webhook import read_webhook


def message(**changes: Any) -> dict[str, Any]:
    payload = {"connector": {"slug": "slack"}, "context": {"external_id": "u"}, "connection": {"external_id": "c-1"}}
    return {"event_type": "connection.enabled", "payload": {**payload, **changes}}


@pytest.mark.parametrize("encoded", [lambda text: text, str.encode, lambda text: text.encode("utf-16")])
def test_an_event_is_read_from_bytes_or_text(encoded):
    event = read_webhook(encoded(json.dumps(message())))

    assert event == WebhookEvent(event_type="connection.enabled", connector="slack", context="u", connection_id="c-1")


@pytest.mark.parametrize("connection", [None, {}, "c-1", {"external_id": 7}, {"external_id": None}, []])
def test_the_connections_id_may_be_missing(connection):
    assert read_webhook(json.dumps(message(connection=connection))).connection_id is None


def test_an_unknown_event_and_unknown_fields_pass_through():
    body = {**message(more=1), "event_type": "connection.renamed", "more": 2}

    assert read_webhook(json.dumps(body)).event_type == "connection.renamed"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"{}",
        b"{",
        b"\xff",
        b'{"event_type": "a"}',
        b'{"event_type": "a", "payload": null}',
        b'{"event_type": "a", "payload": []}',
        b'{"event_type": "a", "payload": "payload"}',
        json.dumps(message(connector=None)),
        json.dumps(message(connector={})),
        json.dumps(message(connector={"slug": None})),
        json.dumps(message(connector={"slug": ""})),
        json.dumps(message(connector={"slug": 7})),
        json.dumps(message(context={"external_id": ["u"]})),
        json.dumps({**message(), "event_type": 7}),
        json.dumps({**message(), "event_type": ""}),
        b"[" * 60_000,
        b"9" * 10_000,
    ],
)
def test_a_malformed_webhook_is_a_value_error_that_quotes_nothing(body):
    with pytest.raises(ValueError, match="not a webhook of Xkit's") as caught:
        read_webhook(body)

    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b" ", "the body is empty"),
        (b"payload=7", "the body is no JSON object"),
        (b"[]", "the body is no JSON object"),
        (json.dumps(message()["payload"]), "payload is missing"),
        (json.dumps({"event_type": "a", "payload": []}), "payload is no JSON object"),
        (json.dumps(message(connector="slack")), "payload.connector is no JSON object"),
        (json.dumps(message(connector={})), "payload.connector.slug is missing"),
        (json.dumps(message(connector={"slug": 7})), "payload.connector.slug is not a text but int"),
        (json.dumps(message(context={})), "payload.context.external_id is missing"),
        (json.dumps(message(context={"external_id": ""})), "payload.context.external_id is empty"),
        (json.dumps({"payload": message()["payload"]}), "event_type is missing"),
        (json.dumps({**message(), "event_type": None}), "event_type is None"),
        (
            json.dumps({"event_type": "a", "connector": {"slug": "slack"}, "context": {"external_id": "u"}}),
            "payload is missing",
        ),
    ],
)
def test_a_malformed_webhook_names_what_is_wrong_by_its_whole_path(body, said):
    with pytest.raises(ValueError, match=f"^not a webhook of Xkit's: {re.escape(said)}$"):
        read_webhook(body)


@pytest.mark.parametrize("given", [message(), None, 7, [b"{}"], object()])
def test_what_is_no_body_is_a_mistake_of_the_application_and_no_400(given):
    with pytest.raises(ConfigurationError, match=r"as bytes or text.*request\.get_data\(\)") as caught:
        read_webhook(given)

    assert not isinstance(caught.value, ValueError)
    assert f"given {type(given).__name__.replace('NoneType', 'None')}," in str(caught.value)


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_other_kinds_of_bytes_are_a_body_too(kind):
    assert read_webhook(kind(json.dumps(message()).encode())).context == "u"


@pytest.mark.parametrize("encode", [str.encode, str])
def test_a_webhook_may_be_64_kib_long_and_no_longer(encode):
    text = json.dumps(message())

    assert read_webhook(encode(text + " " * (64 * 1024 - len(text))))
    with pytest.raises(ValueError, match="64 KiB"):
        read_webhook(encode(text + " " * (64 * 1024 - len(text) + 1)))


def test_the_length_of_a_text_is_counted_in_bytes():
    text = json.dumps(message(more="é" * 40_000), ensure_ascii=False)

    with pytest.raises(ValueError, match="64 KiB"):
        read_webhook(text)
    with pytest.raises(ValueError, match="64 KiB"):
        read_webhook(text.encode())
