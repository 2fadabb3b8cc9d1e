"""The wire below httpx: what is put on which hop, without a socket."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from xkit_auth import Credential
from xkit_auth._httpx_wire import Wire
from xkit_auth._policy import Sending

KEY = (b"X-Key", b"t0ken-text")


def request() -> Any:
    url = SimpleNamespace(raw_scheme=b"https", raw_host=b"api.acme.example", port=None)
    return SimpleNamespace(url=url, headers={"X-Key": "t0ken-text"}, extensions={})


def hop(method: bytes = b"GET", host: bytes = b"api.acme.example", port: int | None = None) -> Any:
    url = SimpleNamespace(scheme=b"https", host=host, port=port)
    return SimpleNamespace(method=method, url=url, headers=[(b"host", host)])


@pytest.fixture
def wire() -> Wire:
    return Wire(request(), carrier("X-Key"))


def carrier(name: str) -> Any:
    return SimpleNamespace(sending=Sending(Credential("t0ken-text"), [(name, "t0ken-text")]))


def send(wire: Wire, hop: Any) -> list[Any]:
    wire("http11.send_request_headers.started", {"request": hop})
    return hop.headers


def test_each_hop_to_the_same_origin_carries_it(wire):
    assert KEY in send(wire, hop())
    assert KEY in send(wire, hop(port=443))
    assert wire.carried is True


@pytest.mark.parametrize("other", [{"host": b"evil.example"}, {"port": 8443}])
def test_no_hop_elsewhere_carries_it_even_if_the_client_took_it_along(wire, other):
    elsewhere = hop(**other)
    elsewhere.headers.append(KEY)
    assert KEY not in send(wire, elsewhere)
    assert wire.carried is False


def test_a_proxy_that_is_asked_for_a_tunnel_does_not_see_it(wire):
    assert KEY not in send(wire, hop(b"CONNECT"))
    assert wire.carried is None


def test_when_it_is_over_nothing_is_added_and_a_stranger_still_gets_nothing(wire):
    wire.over()
    assert KEY not in send(wire, hop())
    mine, stranger = hop(), hop(host=b"evil.example")
    for each in (mine, stranger):
        each.headers.append(KEY)
    assert KEY in send(wire, mine)
    assert KEY not in send(wire, stranger)


def test_other_events_and_its_repr_show_nothing(wire):
    quiet = hop()
    assert wire("connection.connect_tcp.started", {"request": quiet}) is None
    assert quiet.headers == [(b"host", b"api.acme.example")]
    assert "t0ken" not in repr(wire)


def test_it_remembers_what_its_hops_carried_when_the_request_is_to_carry_something_else():
    carries = carrier("X-Key")
    wire = Wire(request(), carries)
    wire.remember(carries.sending)
    wire.over()
    carries.sending = carrier("X-Other").sending
    stranger = hop(host=b"evil.example")
    stranger.headers.append(KEY)
    assert KEY not in send(wire, stranger)


def test_the_header_leaves_the_request_with_the_first_hop_or_when_it_is_taken_off(wire):
    send(wire, hop())
    assert wire._request.headers == {}
    other = Wire(request(), carrier("X-Key"))
    other.take_off()
    other.take_off()
    assert other._request.headers == {}


def test_the_extensions_of_the_request_are_as_they_were_when_it_is_over():
    mine = request()
    mine.extensions = before = {"timeout": {}}
    wire = Wire(mine, carrier("X-Key"))
    assert mine.extensions == {"timeout": {}, "trace": wire}
    wire.over()
    assert mine.extensions is before
