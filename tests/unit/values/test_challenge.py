"""``WWW-Authenticate`` as providers write it: by the book, carelessly, and not at all."""

from __future__ import annotations

import pytest

from xkit_auth import RequestView, ResponseView
from xkit_auth._values.challenge import Challenge, challenges_in

MICROSOFT = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
    'client_id="00000003-0000-0000-c000-000000000000", error="insufficient_claims", '
    'claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTcwMjY4MjE4MSJ9fX0="'
)


def read(header: str) -> list[tuple[str, dict[str, str]]]:
    return [(challenge.scheme, dict(challenge.params)) for challenge in challenges_in(header)]


# As it should be


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        pytest.param(
            'Bearer realm="https://accounts.google.com/", error="invalid_token"',
            [("bearer", {"realm": "https://accounts.google.com/", "error": "invalid_token"})],
            id="google",
        ),
        pytest.param(
            'Bearer realm="Service", error="invalid_token", '
            'error_description="The access token provided is invalid."',
            [
                (
                    "bearer",
                    {
                        "realm": "Service",
                        "error": "invalid_token",
                        "error_description": "The access token provided is invalid.",
                    },
                )
            ],
            id="box",
        ),
        pytest.param(
            MICROSOFT,
            [
                (
                    "bearer",
                    {
                        "realm": "",
                        "authorization_uri": "https://login.microsoftonline.com/common/oauth2/authorize",
                        "client_id": "00000003-0000-0000-c000-000000000000",
                        "error": "insufficient_claims",
                        "claims": "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTcwMjY4MjE4M"
                        "SJ9fX0=",
                    },
                )
            ],
            id="microsoft",
        ),
        pytest.param(
            'Digest realm="a@b", qop="auth,auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4Gi"',
            [
                (
                    "digest",
                    {
                        "realm": "a@b",
                        "qop": "auth,auth-int",
                        "algorithm": "MD5",
                        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4Gi",
                    },
                )
            ],
            id="digest",
        ),
        ('Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"', [
            ("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}),
            ("basic", {"realm": "simple"}),
        ]),
    ],
)  # fmt: skip
def test_what_providers_send_is_read(header, challenges):
    assert read(header) == challenges


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ("", []),
        ("Bearer", [("bearer", {})]),
        ("BEARER Realm=A", [("bearer", {"realm": "A"})]),
        ("Basic", [("basic", {})]),
        ("Basic, Bearer", [("basic", {}), ("bearer", {})]),
        ('Basic, Bearer realm="a", DPoP algs="ES256 PS256"', [
            ("basic", {}), ("bearer", {"realm": "a"}), ("dpop", {"algs": "ES256 PS256"}),
        ]),
        ('Bearer realm="a", Bearer realm="b"', [("bearer", {"realm": "a"}), ("bearer", {"realm": "b"})]),
        ('Bearer\trealm = "a"\t,\terror\t=\tb', [("bearer", {"realm": "a", "error": "b"})]),
        ('Bearer realm=""', [("bearer", {"realm": ""})]),
        ('Bearer realm="a, Basic realm=b"', [("bearer", {"realm": "a, Basic realm=b"})]),
    ],
)  # fmt: skip
def test_there_are_as_many_challenges_as_schemes_each_with_its_own_parameters(header, challenges):
    assert read(header) == challenges


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ("Negotiate", [("negotiate", {})]),
        ("Negotiate TlRMTVNTUAACAAAADgAOADgAAAA=", [("negotiate", {})]),
        ("Negotiate abc==", [("negotiate", {})]),
        ("NTLM a-b._~+/c", [("ntlm", {})]),
        ('Negotiate oRQwEqADCgEA= , Bearer error="b"', [("negotiate", {}), ("bearer", {"error": "b"})]),
        ('Bearer error="b", Negotiate YII=', [("bearer", {"error": "b"}), ("negotiate", {})]),
        ("Negotiate  abc, NTLM", [("negotiate", {}), ("ntlm", {})]),
    ],
)
def test_a_token_after_a_scheme_is_neither_a_scheme_nor_a_parameter(header, challenges):
    assert read(header) == challenges


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r'"a\"b"', 'a"b'),
        (r'"a\\"', "a\\"),
        (r'"\\\""', '\\"'),
        (r'"\a\b"', "ab"),
        ('"a\\\nb"', "a\nb"),
        ('"a=b, c"', "a=b, c"),
        ('"é"', "é"),
    ],
)
def test_a_quoted_value_is_what_was_meant_by_it(written, value):
    assert read(f"Bearer x={written}, y=z") == [("bearer", {"x": value, "y": "z"})]


# Not as it should be


@pytest.mark.parametrize(
    ("header", "params"),
    [
        pytest.param('realm="a" error="b"', {"realm": "a", "error": "b"}, id="no comma"),
        pytest.param('realm="a"error="b"', {"realm": "a", "error": "b"}, id="nothing between"),
        pytest.param("realm=a error=b", {"realm": "a", "error": "b"}, id="no comma and no quotes"),
        pytest.param('realm="a";error="b"', {"realm": "a", "error": "b"}, id="semicolon"),
        pytest.param('realm="a",,, ,error="b",', {"realm": "a", "error": "b"}, id="too many commas"),
        pytest.param('realm=, error="b"', {"error": "b"}, id="no first value"),
        pytest.param('error="b", realm=', {"error": "b", "realm": ""}, id="no last value"),
        pytest.param('error="b", realm=, x=y', {"error": "b", "realm": "", "x": "y"}, id="no value"),
        pytest.param(
            "resource_metadata=https://a.example/.well-known/x?y=1&z=2#f, error=b",
            {"resource_metadata": "https://a.example/.well-known/x?y=1&z=2#f", "error": "b"},
            id="URL without quotes",
        ),
        pytest.param(
            "claims=eyJhIjoxfQ==, error=insufficient_claims",
            {"claims": "eyJhIjoxfQ==", "error": "insufficient_claims"},
            id="base64 without quotes",
        ),
        pytest.param('error="b", realm="a, x=y', {"error": "b", "realm": "a, x=y"}, id="quote that never ends"),
        pytest.param('error="b", realm="', {"error": "b", "realm": ""}, id="quote at the end"),
        pytest.param('error="b", realm="a\\', {"error": "b", "realm": "a"}, id="escape at the end"),
        pytest.param('error="b", realm="a\\"', {"error": "b", "realm": 'a"'}, id="escaped quote at the end"),
        pytest.param('error="b", error="c", ERROR=d', {"error": "b"}, id="twice"),
        pytest.param('"" error="b"', {"error": "b"}, id="a value without a name"),
        pytest.param('\x00é<>error="b"', {"error": "b"}, id="garbage"),
        pytest.param('\r\n realm="a",\r\n error="b"', {"realm": "a", "error": "b"}, id="lines"),
    ],
)
def test_a_careless_provider_is_understood(header, params):
    assert read(f"Bearer {header}") == [("bearer", params)]


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ('error="invalid_token"', [("", {"error": "invalid_token"})]),
        ('realm=a, error=b, Basic realm="c"', [("", {"realm": "a", "error": "b"}), ("basic", {"realm": "c"})]),
        ('Bearer: error="b"', [("bearer", {"error": "b"})]),
        (', ,Bearer error="b"', [("bearer", {"error": "b"})]),
    ],
)
def test_a_scheme_may_be_missing(header, challenges):
    assert read(header) == challenges


@pytest.mark.parametrize("header", [" ", ",", " , ,", "=", '"', '""', "\\", "\x00", "é", "(){}[]", "<>;:@/?", "\r\n\t"])
def test_of_what_makes_no_sense_nothing_is_read(header):
    assert read(header) == []


# Size


def test_what_comes_after_16_kib_is_not_read():
    fits = f'Bearer pad="{"x" * (16 * 1024 - 30)}", error=b'
    assert len(fits) < 16 * 1024

    assert read(fits)[0][1]["error"] == "b"
    assert "error" not in read(fits.replace("xxxx", "xxxx" * 2))[0][1]


N = 16 * 1024


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        pytest.param("a " * (N // 2), [("a", {})], id="a scheme, and words that mean nothing"),
        pytest.param("a," * (N // 2), [("a", {})] * (N // 2), id="schemes with commas"),
        pytest.param("a" * N, [("a" * N, {})], id="one scheme"),
        pytest.param("a=b " * (N // 4), [("", {"a": "b"})], id="one parameter again and again"),
        pytest.param('a="b"' * (N // 5), [("", {"a": "b"})], id="the same with quotes"),
        pytest.param("a=" * (N // 2), [("", {"a": "a=" * (N // 2 - 1)})], id="one bare value"),
        pytest.param('x="' + "a" * (N - 3), [("", {"x": "a" * (N - 3)})], id="a quote that never ends"),
        pytest.param('x="' + '\\"' * (N // 2 - 2), [("", {"x": '"' * (N // 2 - 2)})], id="escaped quotes"),
        pytest.param('x="' + "\\" * (N - 4), [("", {"x": "\\" * (N // 2 - 2)})], id="escaped escapes"),
        pytest.param('x="' + "\\" * (N - 3), [("", {"x": "\\" * (N // 2 - 2)})], id="escapes, and half of one"),
        pytest.param("=" * N, [], id="signs"),
        pytest.param('"' * N, [], id="quotes"),
        pytest.param("\\" * N, [], id="escapes outside of quotes"),
        pytest.param(" " * N, [], id="spaces"),
        pytest.param("\x00" * N, [], id="garbage"),
        pytest.param("a" + " " * (N - 3) + "=b", [("", {"a": "b"})], id="spaces before a sign"),
        pytest.param("a" + " " * (N - 2) + "\x00", [("a", {})], id="spaces and no sign"),
        pytest.param("a " + "b" * (N - 3) + "\x00", [("a", {})], id="nearly a token"),
        pytest.param("a b" + " " * (N - 4) + "\x00", [("a", {})], id="nearly a token, then spaces"),
        pytest.param("a /" + "=" * (N - 4) + "\x00", [("a", {})], id="nearly a token, then signs"),
        pytest.param("a /" + "=" * (N - 3), [("a", {})], id="a token with signs"),
        pytest.param("a /" * (N // 3), [("a", {})], id="a scheme with half a token, and words"),
    ],
)
def test_a_header_that_wants_to_take_long_is_read_to_its_end(header, challenges):
    assert len(header) <= N
    assert read(header) == challenges


# Where it is seen


def test_an_answer_has_its_challenges():
    request = RequestView(method="GET", url="https://api.acme.example/", headers={}, body=b"")

    def challenges(headers: dict[str, str]) -> object:
        return ResponseView(status=401, headers=headers, request=request).challenges

    assert challenges({"WWW-Authenticate": "Basic, Bearer error=b"}) == (
        Challenge("basic", {}),
        Challenge("bearer", {"error": "b"}),
    )
    assert challenges({}) == ()
