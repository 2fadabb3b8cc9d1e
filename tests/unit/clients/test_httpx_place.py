"""What is known of an origin on httpx and httpx2, where the libraries keep their headers as they do and otherwise."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from xkit_auth import Credential
from xkit_auth._clients.httpx.place import Place, knows_headers


class Policy:
    """As much of a policy as is asked."""

    hides_plain = False
    judges_redirects = False

    def __init__(self, name: str | None = "Authorization") -> None:
        self.plain_name = name
        self.judges_redirects = False
        self.usual: list[Credential] = []

    def put_plain(self, credential: Credential, _headers: Any) -> bool:
        self.usual.append(credential)
        return True

    def plain_text(self, credential: Credential) -> str:
        return f"Bearer {credential.reveal()}"


def place(policy: Any, *, known: bool = True, scheme: str = "https", port: int | None = None) -> Place:
    return Place(
        SimpleNamespace(scheme=scheme, port=port, netloc=b"api.acme.example"), policy, 300, knows_headers=known
    )


def headers(*rows: tuple[bytes, bytes, bytes]) -> Any:
    return SimpleNamespace(_list=list(rows))


HOST = (b"Host", b"host", b"api.acme.example")
TOKEN = Credential("t0ken-text")


def test_a_header_that_is_not_there_yet_is_added():
    there, policy = headers(HOST), Policy()
    assert place(policy).put_plain(TOKEN, there)
    assert there._list == [HOST, (b"Authorization", b"authorization", b"Bearer t0ken-text")]
    assert policy.usual == []


@pytest.mark.parametrize(
    ("known", "name", "row"),
    [
        (True, "Authorization", (b"AUTHORIZATION", b"authorization", b"mine")),
        (False, "Authorization", HOST),
        (True, None, HOST),
    ],
)
def test_otherwise_it_is_set_as_the_library_does(known, name, row):
    there, policy = headers(row), Policy(name)
    assert place(policy, known=known).put_plain(TOKEN, there)
    assert there._list == [row]
    assert policy.usual == [TOKEN]


def test_a_credential_that_is_not_plain_is_not_put_on():
    there = headers(HOST)
    assert not place(Policy()).put_plain(Credential({"user": "a", "password": "b"}), there)
    assert there._list == [HOST]


def test_the_host_is_certain_at_a_glance_if_it_comes_first_and_headers_are_kept_as_known():
    there = place(Policy())
    assert there.host_is_first_in(headers(HOST))
    assert not there.host_is_first_in(headers((b"Host", b"host", b"evil.example")))
    assert not there.host_is_first_in(headers())
    assert not place(Policy(), known=False).host_is_first_in(headers(HOST))


@pytest.mark.parametrize(
    ("scheme", "port", "wired"), [("http", None, True), ("http", 8080, False), ("https", None, False)]
)
def test_where_the_client_takes_a_redirect_to_https_for_an_upgrade_the_header_is_watched(scheme, port, wired):
    assert place(Policy(), scheme=scheme, port=port).is_wired is wired


def test_a_library_that_keeps_its_headers_otherwise_is_found_out():
    class Other(dict):
        pass

    class Wrong(dict):
        _list = ()

    assert not knows_headers(Other)
    assert not knows_headers(Wrong)


def test_where_a_redirect_may_be_a_refusal_the_header_is_watched():
    policy = Policy()
    policy.judges_redirects = True
    url = SimpleNamespace(scheme="https", port=None, netloc=b"api.acme.example")
    assert Place(url, policy, 300, knows_headers=True).is_wired
