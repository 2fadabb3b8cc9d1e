"""Xkit's bodies, statuses, errors and ``Retry-After``."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from typing import Any

import pytest

from helpers.sources_platform import TOKEN, WALL, read, usable  # noqa: F401
from xkit_auth import (
    NotConnected,
    PlatformAuthenticationError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
)
from xkit_auth._sources.account import Account
from xkit_auth._sources.platform import (
    LARGEST_ANSWER,
    Answer,
    NoAnswer,
    gathered,
    read_connection,
    retry_after,
)

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
