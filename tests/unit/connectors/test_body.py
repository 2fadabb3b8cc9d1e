"""The body of an answer: which are looked at, and what they are then."""

from __future__ import annotations

import json

import pytest

from xkit_auth._connectors.body import is_wanted, json_and_text, media_type


@pytest.mark.parametrize(
    ("content_type", "found"),
    [
        ("application/json", "application/json"),
        ("application/JSON; charset=utf-8", "application/json"),
        (" text/html ;charset=utf-8; x=y", "text/html"),
        ("text/html;", "text/html"),
        (";charset=utf-8", ""),
        ("", ""),
    ],
)
def test_the_media_type_is_the_content_type_without_parameters(content_type, found):
    assert media_type(content_type) == found


@pytest.mark.parametrize(
    ("content_type", "wanted", "is_it"),
    [
        ("application/json", ["application/json"], True),
        ("Application/JSON; charset=utf-8", ["application/json"], True),
        ("application/problem+json", ["application/json"], True),
        ("application/vnd.acme.v2+JSON;q=1", ["application/json"], True),
        ("application/problem+json", ["application/problem+json"], True),
        ("application/json", ["application/problem+json"], False),
        ("application/problem+json", ["application/scim+json"], False),
        ("application/problem+json", ["text/json"], False),
        ("application/jsonp", ["application/json"], False),
        ("text/html", ["application/json"], False),
        ("text/html", ["application/json", "text/html"], True),
        ("text/html-x", ["text/html"], False),
        ("application/json", [], False),
        ("", ["application/json"], False),
    ],
)
def test_a_body_is_wanted_if_its_type_is_named_and_json_stands_for_its_relatives(content_type, wanted, is_it):
    assert is_wanted(content_type, wanted) is is_it


@pytest.mark.parametrize("content_type", ["application/json", "application/problem+JSON; charset=utf-8", "text/json"])
@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, True, "é"]}, [], {}, "text", 0, False])
def test_json_is_read_by_its_type(content_type, value):
    found, text = json_and_text(json.dumps(value).encode(), content_type)

    assert found == value
    assert type(found) is type(value)
    assert text is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_json_may_be_in_any_encoding_of_unicode(encoding):
    assert json_and_text('{"a": "é"}'.encode(encoding), "application/json") == ({"a": "é"}, None)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="no JSON"),
        pytest.param(b'{"a": ', id="half of it"),
        pytest.param(b"\xff\xfe\xfd", id="no text"),
        pytest.param(b'{"a": "\xe9"}', id="latin-1"),
        pytest.param(b"9" * 5000, id="a number that is too long"),
        pytest.param(b"[" * 60_000, id="too deep"),
        pytest.param(b'{"a":' * 12_000, id="too deep in another way"),
    ],
)
def test_what_is_called_json_and_is_none_is_nothing(body):
    assert json_and_text(body, "application/json") == (None, None)


@pytest.mark.parametrize("content_type", ["text/plain", "text/html; charset=utf-8", "application/xml", ""])
@pytest.mark.parametrize(
    ("body", "text"),
    [(b"", ""), (b"expired", "expired"), ("é".encode(), "é"), (b"\xe9!", "\ufffd!"), (b'{"a": 1}', '{"a": 1}')],
)
def test_a_body_of_any_other_type_is_a_text_whatever_its_bytes(content_type, body, text):
    assert json_and_text(body, content_type) == (None, text)
