"""A secret that a text says in other words is found."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import quopri
import re
import zlib
from base64 import b32encode, b64encode, urlsafe_b64encode
from html import escape
from urllib.parse import quote, quote_plus

import pytest

from xkit_auth._values.disguise import is_partly_said_in, is_said_in

SECRET = "123:ABC+def/GHI&jkl=~mn"


def lower_hex(text):
    return "".join(f"%{byte:02x}" for byte in text.encode())


def url_with(secret):
    return f"https://a.example/x?key={quote(secret, safe='')}&z=1"


def quoted_printable(text):
    return quopri.encodestring(text.encode(), quotetabs=True).decode()


def in_base58(text):
    number, letters = int.from_bytes(text.encode(), "big"), ""
    while number:
        number, rest = divmod(number, 58)
        letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[rest] + letters
    return letters


def each(form):
    return "".join(form.format(ord(letter)) for letter in SECRET)


def twice(text):
    return quote(quote(text, safe=""), safe="")


DISGUISES = {
    "as it is": SECRET,
    "percent-encoded": quote(SECRET, safe=""),
    "percent-encoded where it need not be": "".join(f"%{byte:02X}" for byte in SECRET.encode()),
    "percent-encoded in lower case": lower_hex(SECRET),
    "as in a form": quote_plus(SECRET),
    "percent-encoded twice": twice(SECRET),
    "percent-encoded five times": twice(twice(quote(SECRET, safe=""))),
    "escaped for HTML": escape(SECRET),
    "escaped for HTML and then percent-encoded": quote(escape(SECRET), safe=""),
    "escaped for JSON": json.dumps(SECRET).replace("A", "\\u0041").replace("&", "\\u0026"),
    "hexadecimal": SECRET.encode().hex(),
    "hexadecimal in upper case": SECRET.encode().hex().upper(),
    "base64": b64encode(SECRET.encode()).decode(),
    "base64 behind one byte": b64encode(b"u" + SECRET.encode()).decode(),
    "base64 behind two bytes": b64encode(b"u:" + SECRET.encode()).decode(),
    "base64 of HTTP Basic": b64encode(b"user:" + SECRET.encode() + b":x").decode(),
    "base64 for URLs": urlsafe_b64encode(b"\xff\xfe>" + SECRET.encode()).decode().rstrip("="),
    "base64, percent-encoded": quote(b64encode(SECRET.encode()).decode(), safe=""),
    "base64 of a URL with it": b64encode(f"https://a.example/x?key={quote(SECRET, safe='')}&z=1".encode()).decode(),
    "base64 of a URL, behind a word": "state-" + urlsafe_b64encode(quote("/x?key=" + SECRET).encode()).decode(),
    "base64 twice": b64encode(b64encode(SECRET.encode())).decode(),
    "base64, percent-encoded, base64": b64encode(quote(b64encode(SECRET.encode()), safe="").encode()).decode(),
    "hexadecimal of a URL with it": f"/x?key={quote(SECRET, safe='')}".encode().hex(),
    "hexadecimal of base64": b64encode(SECRET.encode()).hex(),
    "percent-encoded twelve times": twice(twice(twice(twice(twice(twice(SECRET)))))),
    "base64 in lines, percent-encoded": quote(
        "\n".join(re.findall(".{1,20}", b64encode(url_with(SECRET).encode()).decode()))
    ),
    "base64 of UTF-16": b64encode(SECRET.encode("utf-16-le")).decode(),
    "base64 of a URL in UTF-16": b64encode(url_with(SECRET).encode("utf-16")).decode(),
    "hexadecimal of UTF-16": SECRET.encode("utf-16-be").hex(),
    "base32": b32encode(SECRET.encode()).decode(),
    "base32 of a URL with it": b32encode(url_with(SECRET).encode()).decode().rstrip("=").lower(),
    "escaped with %u": each("%u{:04x}"),
    "escaped with braces": each("\\u{{{:x}}}"),
    "escaped with eight digits": each("\\U{:08X}"),
    "escaped in octal": each("\\{:03o}"),
    "a list of hexadecimal numbers": each("0x{:02x},"),
    "in upper case": SECRET.upper(),
    "in lower case, percent-encoded": quote(SECRET.lower(), safe=""),
    "in wide letters": "".join(chr(ord(letter) + 0xFEE0) for letter in SECRET),
    "in wide letters, percent-encoded": quote("".join(chr(ord(letter) + 0xFEE0) for letter in SECRET)),
    "with invisible letters in a URL": quote("\u200b".join(url_with(SECRET))),
    "escaped as in names of XML": each("_x{:04X}_"),
    "in soft lines of quoted-printable": SECRET[:9] + "=\r\n" + quoted_printable(SECRET[9:]),
    "quoted-printable": quoted_printable(SECRET),
    "with another mark for the percent sign": "".join(f"~{byte:02x}" for byte in url_with(SECRET).encode()),
    "base64 turned round": b64encode(url_with(SECRET).encode()).decode().rstrip("=")[::-1],
    "hexadecimal turned round": url_with(SECRET).encode().hex()[::-1],
    "hexadecimal of a URL with dashes": url_with(SECRET).encode().hex("-"),
    "bytes as JSON has them": json.dumps(list(url_with(SECRET).encode())),
    "bytes as JSON has them, in a form": quote_plus(json.dumps(list(url_with(SECRET).encode()))),
    "turned round": SECRET[::-1],
    "spaced out": " ".join(SECRET),
    "broken over lines": SECRET[:9] + "\n" + SECRET[9:],
}


COMPRESSED = {
    "as SAML has it": b64encode(zlib.compress(url_with(SECRET).encode(), wbits=-15)).decode(),
    "as SAML has it, percent-encoded": quote(b64encode(zlib.compress(SECRET.encode(), wbits=-15)), safe=""),
    "as signed states have it": "."
    + urlsafe_b64encode(zlib.compress(json.dumps(url_with(SECRET)).encode())).decode()
    + ".s",
    "behind a word": f"state-{urlsafe_b64encode(zlib.compress(url_with(SECRET).encode())).decode().rstrip('=')}",
    "by gzip": b64encode(gzip.compress(url_with(SECRET).encode(), mtime=0)).decode(),
    "by bzip2": urlsafe_b64encode(bz2.compress(url_with(SECRET).encode())).decode(),
    "by xz": urlsafe_b64encode(lzma.compress(url_with(SECRET).encode())).decode(),
    "by zlib with a small window": b64encode(
        (small := zlib.compressobj(9, zlib.DEFLATED, 9)).compress(url_with(SECRET).encode()) + small.flush()
    ).decode(),
    "behind a version of two bytes": b64encode(b"v1" + zlib.compress(url_with(SECRET).encode(), wbits=-15)).decode(),
    "and in base58": in_base58(url_with(SECRET)),
    "in hexadecimal": zlib.compress(url_with(SECRET).encode()).hex(),
}


@pytest.mark.parametrize("how", COMPRESSED)
@pytest.mark.parametrize("around", ["/login?SAMLRequest={}&RelayState=x", "/a/{}.html", "the state {} is bad"])
def test_a_secret_is_found_in_what_was_compressed(how, around):
    text = around.format(COMPRESSED[how])

    assert is_said_in(text, SECRET)
    assert is_partly_said_in(text, ["something else", SECRET])


def test_what_begins_like_something_compressed_and_is_not_is_left_alone():
    for begins in (b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x1f\x8b\x08", b"\x78\x9c"):
        text = b64encode(begins + bytes(range(100))).decode()
        assert not is_said_in(text, SECRET)


def test_what_is_compressed_and_never_ends_comes_to_an_end():
    bomb = b64encode(zlib.compress(b"x" * 50_000_000)).decode()

    assert is_said_in(f"/x?state={bomb}", SECRET)


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("around", ["{}", "/login?next={}#x", "/a/{}.html", "?q={};r=1", "the token {} is bad"])
def test_a_secret_is_found_in_every_disguise_and_place(disguise, around):
    text = around.format(DISGUISES[disguise])

    assert is_said_in(text, SECRET)
    assert is_partly_said_in(text, ["something else", SECRET])


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_part_of_a_secret_is_found_in_every_disguise(disguise):
    text = DISGUISES[disguise]
    third = len(text) // 3

    assert is_partly_said_in(f"… {text[third : 2 * third + 6]} …", [SECRET])


@pytest.mark.parametrize(
    "text",
    ["", "/login?next=/home", "https://api.telegram.example/bot/getMe", "invalid_token", "123", "ABC xyz GHI"],
)
def test_a_text_without_the_secret_is_left_alone(text):
    assert not is_said_in(text, SECRET)
    assert not is_partly_said_in(text, [SECRET, "other-secret"])


@pytest.mark.parametrize("secret", ["k", "ab", "x+1"])
def test_a_very_short_secret_is_found_as_it_is_and_percent_encoded(secret):
    assert is_said_in(f"?key={quote(secret, safe='')}", secret)
    assert is_partly_said_in(f"?key={secret}", [secret])


def test_nothing_is_said_by_an_empty_secret():
    assert not is_partly_said_in("some text", [""])


def test_many_long_secrets_and_odd_texts_come_to_an_end():
    """In time proportional to both: the product of the two would be felt here."""
    text = "%25" * 20_000 + "&amp;" * 5_000
    secrets = [f"part-{number}-{'x' * 20}" for number in range(2_000)]

    assert not is_partly_said_in(text, secrets)
    assert not is_said_in(text, "q" * 60_000)


def test_a_text_that_can_be_read_on_and_on_is_taken_to_say_it():
    text = "/x?next=" + "%25" * 2
    for _ in range(40):
        text = text.replace("%", "%25")

    assert is_said_in(text, SECRET)
    assert is_partly_said_in(text, [SECRET])


@pytest.mark.parametrize(
    "target",
    [
        "https://accounts.example/o/oauth2/v2/auth?client_id=1234567890-abcdefghijklmnopqrstuvwxyz012345.apps.example"
        "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fnext%3D%252Fhome&scope=openid%20email&state="
        + urlsafe_b64encode(b'{"next": "/home?x=%2Fy", "nonce": "5f1d7a0c9be24c7e"}').decode(),
        "https://bucket.s3.amazonaws.com/key/file.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE"
        "%2F20261127%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261127T000000Z&X-Amz-Expires=900&X-Amz-Signature="
        + "0123456789abcdef"
        * 4,
        "https://sso.example/saml?SAMLRequest="
        + quote(b64encode(b"<samlp:AuthnRequest ID='_1'>" + b"urn:oasis:names:tc:SAML:2.0 &amp; &lt;x&gt; " * 40)),
        "https://files.example/dl/"
        + urlsafe_b64encode(bytes(range(256)) * 8).decode()
        + "?jwt="
        + b".".join(
            urlsafe_b64encode(part).rstrip(b"=") for part in (b'{"alg": "RS256"}', b'{"sub": "1"}' * 20, bytes(256))
        ).decode(),
    ],
)
def test_usual_targets_of_redirects_are_read_to_the_end(target):
    secret = "9w:Kq7+tRz/xVb&p0=~mHd"  # which has no six letters of the alphabet in a row

    assert not is_said_in(target, secret)
    assert not is_partly_said_in(target, [secret])


@pytest.mark.parametrize(
    "said",
    [
        "schlüssel-zur-tür".encode().decode("latin-1"),
        quote("schlüssel-zur-tür"),
        quote("schlüssel-zur-tür", encoding="latin-1"),
        quote(quote("schlüssel-zur-tür", encoding="latin-1")),
    ],
)
def test_letters_outside_ascii_are_found_in_whatever_bytes(said):
    assert is_said_in(f"/x?next={said}", "schlüssel-zur-tür")
    assert not is_said_in(f"/x?next={said}", "schlüssel-zum-tor")
