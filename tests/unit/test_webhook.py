"""Reading Xkit's webhooks, which anybody could have sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from xkit_auth import WebhookEvent
from xkit_auth._webhook import read_webhook


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
        None,
        7,
        {"event_type": "a"},
    ],
)
def test_a_malformed_webhook_is_a_value_error_that_quotes_nothing(body):
    with pytest.raises(ValueError, match="not a webhook of Xkit's") as caught:
        read_webhook(body)

    assert caught.value.__context__ is None


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
