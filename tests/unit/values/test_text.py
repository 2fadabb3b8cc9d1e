"""What may be sent in a header, what may be shown, and what must be masked."""

from __future__ import annotations

import pytest

from xkit_auth._values.text import is_header_name, looks_secret, shown, told, why_not_a_credential, why_not_sendable


@pytest.mark.parametrize("text", ["a", "Bearer abc", "clé", "a\xa0b", "~!@#$%^&*()", "ÿ"])
def test_printable_latin_1_can_be_sent(text):
    assert why_not_sendable(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        *((f"a{chr(code)}b", "control") for code in (0, 9, 10, 13, 27, 0x7F, 0x80, 0x9F)),
        ("a\n", "control"),
        (" a", "space"),
        ("a ", "space"),
        ("\xa0a", "space"),
        ("a\u0100", "latin-1"),
        ("\u20ac", "latin-1"),
        ("\ud800", "latin-1"),
        ("😀", "latin-1"),
    ],
)
def test_what_cannot_be_sent_has_a_reason_that_does_not_quote_it(text, reason):
    assert reason in why_not_sendable(text)
    assert reason in (why_not_a_credential(text) or "")
    assert not text.strip(" ") or len(text) < 3 or text not in why_not_sendable(text)


@pytest.mark.parametrize(
    "text",
    [
        "REDACTED",
        "redacted",
        "[Redacted]",
        "xoxb-REDACTED",
        "null",
        "NULL",
        "None",
        "undefined",
        "NaN",
        "changeme",
        "***",
        "********",
        "xxx",
        "XXXX",
        "...",
        "•",
        "•••",
        "n/a",
        "masked",
        "nil",
    ],
)
def test_a_placeholder_is_no_credential(text):
    assert "placeholder" in why_not_a_credential(text)


@pytest.mark.parametrize("text", ["nullify", "xx", "**", "a***", "none-1", "x.x", "maskedtoken"])
def test_what_only_resembles_a_placeholder_is_a_credential(text):
    assert why_not_a_credential(text) is None


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "X_1", "!#$%&'*+-.^_`|~", "PRIVATE-TOKEN"])
def test_a_header_name_is_a_token(name):
    assert is_header_name(name)


@pytest.mark.parametrize("name", ["", " ", "a b", "a:", "a\n", "a\r\nb", "é", "a(b)", "a/b", "\u212a", "a\x00"])
def test_anything_else_is_no_header_name(name):
    assert not is_header_name(name)


def test_what_is_shown_is_one_printable_line():
    assert shown("  a\r\nb\x1b[31m\x00c\u2028d\u202ee\u200bf\ufeff\ud800  ") == "a b [31m c d e f"
    assert shown(7) == "7"
    assert shown("") == ""


def test_what_is_shown_is_short():
    assert shown("x" * 200) == "x" * 200
    assert shown("x" * 201) == "x" * 199 + "…"
    assert len(shown("x" * 1_000_000)) == 200


@pytest.mark.parametrize("text", ["is abcdefghij", "abcdef", "x efghij x", "a\nbcdefg"])
def test_a_text_with_part_of_a_secret_is_dropped_whole(text):
    assert shown(text, ["zzzzzzz", "abcdefghij"]) == "[redacted]"


@pytest.mark.parametrize("text", ["abcde", "abcde or fghij", "fghij abcde"])
def test_fewer_than_six_characters_in_a_row_are_no_part(text):
    assert shown(text, ["abcdefghij"]) == text


def test_a_secret_shorter_than_six_characters_is_looked_for_whole():
    assert shown("my pin is 1234", ["1234"]) == "[redacted]"
    assert shown("my pin is 123", ["1234", ""]) == "my pin is 123"


@pytest.mark.parametrize(
    "text",
    [
        "xoxb-883917-Gd8wPq2Vn",
        "bad token ghp_16C7e42F292c",
        "glpat-abcdef",
        "sk_live_4eC39H",
        "eyJhbGciOiJIUzI1NiJ9",
        "SG.abcdef",
        "d41d8cd98f00b204e980 is the key",
        "x" * 5000,
    ],
)
def test_known_prefixes_and_long_mixed_words_look_like_secrets(text):
    assert looks_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Acme Inc.",
        "access_denied",
        "The user said no",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "2027-01-15",
        "v1.2.3",
        "internationalisation-of-everything",
        "12345678901234567890123",
    ],
)
def test_ordinary_texts_do_not(text):
    assert not looks_secret(text)


class Speechless(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no luck"), "ValueError: no luck"),
        (ValueError(), "ValueError"),
        (ValueError("with a s3cret-text"), "ValueError: [redacted]"),
        (Speechless(), "Speechless"),
    ],
)
def test_an_exception_is_told_with_its_class_and_with_its_text_if_that_may_be_shown(error, text):
    assert told(error, ["s3cret-text"]) == text
