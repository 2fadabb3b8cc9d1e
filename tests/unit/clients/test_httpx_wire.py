"""The wire below httpx: what is put on which hop, without a socket."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from xkit_auth import Credential
from xkit_auth._clients.httpx.mark import CarriedThen
from xkit_auth._clients.httpx.wire import Wire
from xkit_auth._connectors.in_url import in_url
from xkit_auth._connectors.policy import Sending

KEY = (b"X-Key", b"t0ken-text")
BEARER = (b"Authorization", b"Bearer t0ken-text")
HOME = "https://api.acme.example/start"


class Url:
    """As much of a client's URL as is looked at."""

    raw_scheme = b"https"
    raw_host = b"api.acme.example"
    port = None

    def __init__(self, text: str = HOME) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def request() -> Any:
    return SimpleNamespace(url=Url(), headers={"X-Key": "t0ken-text"}, extensions={})


def hop(method: bytes = b"GET", host: bytes = b"api.acme.example", port: int | None = None) -> Any:
    url = SimpleNamespace(scheme=b"https", host=host, port=port, target=b"/x")
    return SimpleNamespace(method=method, url=url, headers=[(b"host", host)])


def carried(*headers: tuple[str, str], **query: str) -> CarriedThen:
    policy: Any = SimpleNamespace(writes_url=bool(query), extra=())
    sending = Sending(Credential("t0ken-text"), headers, in_url("", query) if query else None)
    return CarriedThen(policy, sending, Url())


@pytest.fixture
def wire() -> Wire:
    return Wire(request(), carried(("X-Key", "t0ken-text")))


def send(wire: Wire, hop: Any) -> list[Any]:
    wire("http11.send_request_headers.started", {"request": hop})
    return hop.headers


def answer(wire: Wire, status: int, *targets: bytes, prefix: str = "http11") -> list[Any]:
    headers = [(b"Server", b"acme"), *((b"Location", each) for each in targets), (b"Date", b"now")]
    value = (b"HTTP/1.1", status, b"So", headers) if prefix == "http11" else (status, headers)
    wire(f"{prefix}.receive_response_headers.complete", {"return_value": value})
    return [value for name, value in headers if name == b"Location"]


def test_each_hop_to_the_same_origin_carries_it(wire):
    assert KEY in send(wire, hop())
    assert KEY in send(wire, hop(port=443))
    assert wire.carried is True


@pytest.mark.parametrize("other", [{"host": b"evil.example"}, {"port": 8443}])
def test_no_hop_elsewhere_carries_it_even_if_the_client_took_it_along(wire, other):
    elsewhere = hop(**other)
    elsewhere.headers += [KEY, (b"x-key", b"other")]
    assert {name.lower() for name, _ in send(wire, elsewhere)} == {b"host"}
    assert wire.carried is False


def test_a_hop_that_comes_home_again_carries_nothing(wire):
    send(wire, hop())
    send(wire, hop(host=b"evil.example"))
    back = hop()
    back.headers.append(KEY)
    assert send(wire, back) == [(b"host", b"api.acme.example")]
    assert wire.carried is False


def test_no_hop_elsewhere_keeps_what_the_client_would_have_had_to_strip():
    wire = Wire(request(), carried(("X-Key", "t0ken-text"), ("Authorization", "Bearer t0ken-text")))
    at_home, elsewhere = hop(), hop(host=b"evil.example")
    at_home.headers.append(BEARER)
    elsewhere.headers.append(BEARER)
    assert {BEARER, KEY} <= set(send(wire, at_home))
    assert BEARER not in send(wire, elsewhere)


@pytest.mark.parametrize("prefix", ["http11", "http2"])
@pytest.mark.parametrize(
    "target", [b"https://evil.example/", b"//evil.example/", b"http://api.acme.example/", b"https://[/"]
)
def test_after_a_redirect_elsewhere_no_hop_carries_it_even_if_the_first_one_away_was_not_seen(wire, target, prefix):
    send(wire, hop())
    assert answer(wire, 302, target, prefix=prefix) == [target]
    assert KEY not in send(wire, hop())


@pytest.mark.parametrize("target", [b"/x", b"x?y=1", HOME.encode(), b"HTTPS://API.acme.example:443/z", b"/caf\xe9"])
def test_after_a_redirect_within_the_origin_the_next_hop_carries_it(wire, target):
    send(wire, hop())
    assert answer(wire, 302, target) == [target]
    assert KEY in send(wire, hop())


def test_what_is_no_redirect_may_name_other_places(wire):
    assert answer(wire, 201, b"https://evil.example/") == [b"https://evil.example/"]
    assert answer(wire, 302) == []
    assert KEY in send(wire, hop())


def test_a_redirect_that_says_it_back_is_none(wire):
    assert answer(wire, 302, b"/login?next=t0ken%252Dtext") == []
    assert answer(wire, 302, b"/a", b"/t0ken-text.html") == []


def test_what_went_into_the_url_is_taken_out_of_where_a_redirect_leads():
    wire = Wire(request(), carried(key="t0ken-text"))
    assert answer(wire, 302, b"/x?key=t0ken-text&a=1") == [b"/x?a=1"]
    elsewhere = hop(host=b"evil.example")
    elsewhere.url.target = b"/x?a=1&key=t0ken-text"
    send(wire, elsewhere)
    assert elsewhere.url.target == b"/x?a=1"


def test_a_proxy_that_is_asked_for_a_tunnel_does_not_see_it(wire):
    assert KEY not in send(wire, hop(b"CONNECT"))
    assert wire.carried is None


def test_when_it_is_over_nothing_is_added_and_a_stranger_still_gets_nothing(wire):
    wire.detach()
    assert KEY not in send(wire, hop())
    mine, stranger = hop(), hop(host=b"evil.example")
    for each in (mine, stranger):
        each.headers.append(KEY)
    assert KEY in send(wire, mine)
    assert KEY not in send(wire, stranger)


def test_when_it_is_over_a_header_of_that_name_that_is_the_callers_stays(wire):
    wire.detach()
    stranger = hop(host=b"evil.example")
    stranger.headers.append((b"X-Key", b"mine"))
    assert (b"X-Key", b"mine") in send(wire, stranger)


def test_other_events_and_its_repr_show_nothing(wire):
    quiet = hop()
    assert wire("connection.connect_tcp.started", {"request": quiet}) is None
    assert quiet.headers == [(b"host", b"api.acme.example")]
    assert "t0ken" not in repr(wire) + repr(wire._carried)


def test_the_header_leaves_the_request_with_the_first_hop_or_when_it_is_taken_off(wire):
    send(wire, hop())
    assert wire._request.headers == {}
    other = Wire(request(), carried(("X-Key", "t0ken-text")))
    other.take_off()
    other.take_off()
    assert other._request.headers == {}


def test_the_extensions_of_the_request_are_as_they_were_when_it_is_over():
    mine = request()
    mine.extensions = before = {"timeout": {}}
    wire = Wire(mine, carried(("X-Key", "t0ken-text")))
    assert mine.extensions == {"timeout": {}, "trace": wire}
    wire.detach()
    assert mine.extensions is before


@pytest.mark.parametrize("core", ["httpcore", "httpcore2"])
def test_a_connection_over_http_2_that_was_closed_with_the_refusal_is_left_for_another_one_once(wire, core):
    library = pytest.importorskip(core)
    wire.is_sent_again = True
    failed = {"exception": library.WriteError()}
    with pytest.raises(library.ConnectionNotAvailable):
        wire("http2.send_request_headers.failed", failed)
    wire("http2.send_request_headers.failed", failed)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("http2.send_request_headers.failed", "WriteTimeout"),
        ("http2.send_request_body.failed", "WriteError"),
        ("http2.receive_response_headers.failed", "ReadError"),
        ("http11.send_request_headers.failed", "WriteError"),
    ],
)
def test_what_may_have_reached_the_server_stays_as_it_failed(wire, name, error):
    library = pytest.importorskip("httpcore")
    wire.is_sent_again = True
    wire(name, {"exception": getattr(library, error)()})


def test_a_first_request_that_cannot_be_written_stays_as_it_failed(wire):
    library = pytest.importorskip("httpcore")
    wire("http2.send_request_headers.failed", {"exception": library.WriteError()})
