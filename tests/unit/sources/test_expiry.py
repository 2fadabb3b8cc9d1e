"""When a credential expires, as far as anybody says so."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest

from xkit_auth._sources.expiry import expires_at

WALL = 1_700_000_000.0


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        ({}, None),
        ({"expires_at": 1_800_000_000}, 1_800_000_000),
        ({"expires_at": 1_800_000_000.5}, 1_800_000_000.5),
        ({"expires_at": "1800000000"}, 1_800_000_000),
        ({"expires_at": "2027-01-15T08:00:00Z"}, 1_800_000_000),
        ({"expires_at": "2027-01-15T09:00:00.000+01:00"}, 1_800_000_000),
        ({"expires_in": 60}, WALL + 60),
        ({"expires_in": "60"}, WALL + 60),
        ({"expires_in": -5}, WALL - 5),
        ({"expires_at": 1_800_000_000, "expires_in": 60}, 1_800_000_000),
        ({"expires_at": None, "expires_in": 60}, WALL + 60),
        ({"expires_at": "tomorrow"}, None),
        ({"expires_at": "2027-01-15T08:00:00"}, None),
        ({"expires_at": "2027-99-15T08:00:00Z"}, None),
        ({"expires_at": True}, None),
        ({"expires_at": [1_800_000_000]}, None),
        ({"expires_at": 10**400}, None),
        ({"expires_at": 1e15}, None),
        ({"expires_in": "1h"}, None),
        ({"expires_in": False}, None),
        ({"expires_in": 10**4000}, None),
    ],
)
def test_an_expiry_is_taken_from_beside_the_credential(hints, expected):
    assert expires_at(hints, "token-1", WALL) == expected


def jwt(payload: bytes) -> str:
    return f"{urlsafe_b64encode(b'{}').decode()}.{urlsafe_b64encode(payload).decode().rstrip('=')}.c2ln"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (jwt(b'{"exp": 1800000000}'), 1_800_000_000),
        (jwt(b'{"exp": 1800000000.5, "a": 1}'), 1_800_000_000.5),
        (jwt(b'{"exp": "1800000000"}'), None),
        (jwt(b'{"exp": true}'), None),
        (jwt(b'{"exp": NaN}'), None),
        (jwt(b'{"exp": Infinity}'), None),
        (jwt(b"{}"), None),
        (jwt(b"[1800000000]"), None),
        (jwt(b"not json"), None),
        (jwt(b"\xff\xff"), None),
        (jwt(b"[" * 10_000), None),
        (jwt(b'{"exp": 1800000000}') + ".more", None),
        ("two.parts", None),
        ("a.é.c", None),
        ("a.!.c", None),
        (jwt(b'{"exp": 1800000000, "x": "%s"}' % (b"x" * 16_384)), None),
    ],
)
def test_a_token_that_is_a_jwt_says_itself_when_it_expires(token, expected):
    assert expires_at({}, token, WALL) == expected


def test_what_xkit_says_of_the_expiry_comes_before_what_the_token_says():
    assert expires_at({"expires_in": 60}, jwt(b'{"exp": 1800000000}'), WALL) == WALL + 60


def test_a_credential_of_several_parts_is_no_jwt():
    assert expires_at({}, None, WALL) is None
    assert expires_at({"expires_in": 60}, None, WALL) == WALL + 60
