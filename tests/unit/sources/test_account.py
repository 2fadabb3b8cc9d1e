"""The keys, the address, and the request for a connection that is made of them."""

from __future__ import annotations

from base64 import b64decode

import pytest

from xkit_auth import ConfigurationError
from xkit_auth._sources.account import Account, checked_name


def test_the_address_of_a_connection_names_the_context_and_the_connector(account):
    assert account.connection_url("slack", "user-42") == (
        "https://xkit.example/api/platform/contexts/user-42/connections/slack"
    )


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("a/b", "a%2Fb"),
        ("../admin", "..%2Fadmin"),
        ("auth0|42", "auth0%7C42"),
        ("me@acme.example", "me%40acme.example"),
        ("a b?c#d%", "a%20b%3Fc%23d%25"),
        ("Zoë", "Zo%C3%AB"),
        ("a\r\nX: y", "a%0D%0AX%3A%20y"),
    ],
)
def test_no_name_can_leave_its_segment_of_the_path(account, name, encoded):
    url = account.connection_url(name, name)

    assert url == f"https://xkit.example/api/platform/contexts/{encoded}/connections/{encoded}"


def test_a_call_carries_both_keys_as_basic_and_wants_plain_json(account):
    headers = account.headers()

    scheme, encoded = headers["authorization"].split()
    assert scheme == "Basic"
    assert b64decode(encoded) == b"pk_test_Qm7:sk_test_Zw4hJ9vRkU2"
    assert headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"] == "xkit-auth"


def test_a_slash_at_the_end_of_the_base_url_does_no_harm():
    assert Account("pk", "sk", "https://x.example/api/").connection_url("c", "u") == (
        "https://x.example/api/contexts/u/connections/c"
    )


@pytest.mark.parametrize(
    ("base_url", "is_loopback"),
    [
        ("https://app.xkit.co/api/platform", False),
        ("https://xkit.example:8443", False),
        ("https://localhost", True),
        ("http://localhost:8000/api", True),
        ("http://127.0.0.1:1234", True),
        ("http://127.9.8.7", True),
        ("http://[::1]:80", True),
    ],
)
def test_the_base_url_is_https_or_on_this_machine(base_url, is_loopback):
    assert Account("pk", "sk", base_url).is_loopback is is_loopback


@pytest.mark.parametrize(
    "base_url",
    [
        "http://app.xkit.co/api/platform",
        "http://localhost.example",
        "http://128.0.0.1",
        "https://user:password@xkit.example",
        "https://xkit.example/?a=b",
        "https://xkit.example/#top",
        "https://xkit.example/a b",
        "https://xkit.example/a\n",
        "https://xkit.example/café",
        "https://xkit.example.",
        "https://bücher.example",
        "ftp://xkit.example",
        "wss://xkit.example",
        "WS://127.0.0.1:8000",
        "xkit.example",
        "",
        None,
        7,
    ],
)
def test_any_other_base_url_is_refused(base_url):
    with pytest.raises(ConfigurationError, match="base URL"):
        Account("pk", "sk", base_url)


@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        "sk_with a space",
        "sk_with_a_line_break\n",
        "sk_\x00",
        "sk_é",
        "sk_€",
        b"sk_bytes",
        42,
        " sk",
        "sk\x7f",
    ],
)
def test_a_key_that_cannot_be_one_is_refused_without_quoting_it(key):
    with pytest.raises(ConfigurationError, match="secret_key") as caught:
        Account("pk", key, "https://xkit.example")

    assert "XKIT_SECRET_KEY" in str(caught.value)
    assert not key or str(key) not in str(caught.value)
    with pytest.raises(ConfigurationError, match="publishable_key"):
        Account(key, "sk", "https://xkit.example")


def test_a_colon_would_end_the_publishable_key_in_basic_so_it_is_refused():
    with pytest.raises(ConfigurationError, match="colon"):
        Account("pk:1", "sk", "https://xkit.example")
    assert Account("pk", "sk:1", "https://xkit.example")


def test_an_account_shows_where_it_is_and_no_key(account):
    assert repr(account) == "Account(https://xkit.example/api/platform)"


@pytest.mark.parametrize("name", [None, 7, b"slack", "", "  ", "\t", ".", "..", "a\ud800"])
def test_a_name_that_no_path_can_carry_is_refused(name):
    with pytest.raises(ConfigurationError, match="The context"):
        checked_name("context", name)


@pytest.mark.parametrize("name", ["...", "a", "user 1", "a/b", "Zoë", "-"])
def test_every_other_name_is_taken_as_it_is(name):
    assert checked_name("context", name) == name
