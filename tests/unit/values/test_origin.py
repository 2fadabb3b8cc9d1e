"""Where a credential may go: reading origins, and comparing them with the hosts that are allowed."""

from __future__ import annotations

import pytest

from xkit_auth._values.origin import Hosts, Origin, is_named_by, origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://slack.com/api", ("https", "slack.com", 443)),
        ("https://slack.com", ("https", "slack.com", 443)),
        ("https://slack.com?a=b", ("https", "slack.com", 443)),
        ("https://slack.com#a", ("https", "slack.com", 443)),
        ("HTTPS://Slack.COM/", ("https", "slack.com", 443)),
        ("https://slack.com:8443/", ("https", "slack.com", 8443)),
        ("https://slack.com:0443/", ("https", "slack.com", 443)),
        ("http://slack.com/", ("http", "slack.com", 80)),
        ("http://slack.com:443/", ("http", "slack.com", 443)),
        ("https://a_b.example/", ("https", "a_b.example", 443)),
        ("https://xn--bcher-kva.example/", ("https", "xn--bcher-kva.example", 443)),
        ("https://127.0.0.1:8000/", ("https", "127.0.0.1", 8000)),
        ("https://[::1]:8000/", ("https", "[::1]", 8000)),
        ("https://[2001:DB8::1]/", ("https", "[2001:db8::1]", 443)),
        ("https://slack.com/\\@evil.example", ("https", "slack.com", 443)),
    ],
)
def test_an_origin_is_scheme_host_and_the_port_that_is_used(url, origin):
    assert origin_of(url) == Origin(*origin)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "slack.com",
        "//slack.com/",
        "/api",
        "https:slack.com",
        "https:/slack.com",
        "https:///slack.com",
        "ftp://slack.com/",
        "wsss://slack.com/",
        " https://slack.com/",
        "\thttps://slack.com/",
        "https://user@slack.com/",
        "https://user:password@slack.com/",
        "https://slack.com@evil.example/",
        "https://slack.com\\@evil.example/",
        "https://slack.com\\.evil.example/",
        "https:\\\\slack.com/",
        "https://slack.com./",
        "https://slack.com.:443/",
        "https://.slack.com/",
        "https://slack..com/",
        "https://-slack.com/",
        "https://slack-.com/",
        "https://slack.com:/",
        "https://slack.com:0/",
        "https://slack.com:65536/",
        "https://slack.com:123456/",
        "https://slack.com:-1/",
        "https://slack.com:4\uff143/",
        "https://slack.com:443abc/",
        "https://sla ck.com/",
        "https://sla\nck.com/",
        "https://slack.com\n.evil.example/",
        "https://slack.com\n",
        "https://slack.com\x00/",
        "https://slack%2ecom/",
        "https://bücher.example/",
        "https://slac\u212a.com/",
        "https://\u017flack.com/",
        "https://sl\u0131ck.com/",
        "https://SL\u0130CK.com/",
        "http\u017f://slack.com/",
        "https://slack\u3002com/",
        "https://\uff53lack.com/",
        "https://[::1/",
        "https://::1/",
        "https://[::1%25eth0]/",
        "https://[]/",
        "https://" + "a" * 64 + ".example/",
        "https://*.slack.com/",
    ],
)
def test_what_two_parsers_could_read_in_two_ways_is_not_read(url):
    assert origin_of(url) is None


def test_an_origin_shows_its_port_only_if_it_is_not_the_usual_one():
    assert str(Origin("https", "slack.com", 443)) == "https://slack.com"
    assert str(Origin("https", "slack.com", 80)) == "https://slack.com:80"
    assert str(Origin("http", "[::1]", 80)) == "http://[::1]"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.255.255.255", "127.0.0.53", "[::1]"])
def test_loopback_is_this_machine_by_name(host):
    assert Origin("http", host, 80).is_loopback


@pytest.mark.parametrize(
    "host",
    [
        "localhost.example",
        "xlocalhost",
        "127.0.0.256",
        "127.0.0",
        "127.1",
        "128.0.0.1",
        "10.0.0.1",
        "[::2]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "127.0.0.1.example",
        "2130706433",
    ],
)
def test_everything_else_is_not(host):
    assert not Origin("http", host, 80).is_loopback


def allows(entries: list[str], url: str, *, loopback: bool = False) -> bool:
    origin = origin_of(url)
    assert origin is not None
    return Hosts(entries).allow(origin, http_to_loopback=loopback)


@pytest.mark.parametrize(
    ("entry", "url", "is_allowed"),
    [
        ("slack.com", "https://slack.com/", True),
        ("Slack.COM", "https://slack.com/", True),
        ("slack.com", "https://SLACK.com:443/", True),
        ("slack.com:443", "https://slack.com/", True),
        ("slack.com", "https://slack.com:8443/", False),
        ("slack.com:8443", "https://slack.com:8443/", True),
        ("slack.com:8443", "https://slack.com/", False),
        ("slack.com", "http://slack.com/", False),
        ("slack.com:80", "http://slack.com/", False),
        ("slack.com", "https://api.slack.com/", False),
        ("slack.com", "https://evilslack.com/", False),
        ("slack.com", "https://slack.com.evil.example/", False),
        ("*.slack.com", "https://api.slack.com/", True),
        ("*.slack.com", "https://API.slack.com/", True),
        ("*.slack.com", "https://slack.com/", False),
        ("*.slack.com", "https://a.b.slack.com/", False),
        ("*.slack.com", "https://evilslack.com/", False),
        ("*.slack.com", "https://slack.com.evil.example/", False),
        ("*.slack.com", "https://api.slack.com:8443/", False),
        ("*.slack.com:8443", "https://api.slack.com:8443/", True),
        ("localhost", "https://localhost/", True),
        ("[::1]:8000", "https://[::1]:8000/", True),
    ],
)
def test_a_host_is_allowed_if_it_is_named_with_its_port(entry, url, is_allowed):
    assert allows([entry], url) is is_allowed
    assert allows(["other.example", entry], url) is is_allowed


@pytest.mark.parametrize(
    "address", ["localhost:8000", "127.0.0.1:8000", "127.8.9.1:8000", "[::1]:8000", "localhost:80"]
)
def test_http_goes_only_to_a_named_port_of_this_machine_and_only_in_a_sandbox(address):
    url = f"http://{address}/"

    assert allows([address], url, loopback=True)
    assert not allows([address], url, loopback=False)
    assert not allows([address.rpartition(":")[0]], url, loopback=True)
    assert not allows(["*.localhost.example"], url, loopback=True)


def test_http_goes_nowhere_else_even_in_a_sandbox():
    assert not allows(["slack.com:80"], "http://slack.com/", loopback=True)
    assert not allows(["localhost:443"], "http://localhost/", loopback=True)
    assert not allows(["localhost"], "http://localhost:443/", loopback=True)  # not named with its port
    assert not allows(["*.a.localhost:80"], "http://b.a.localhost/", loopback=True)


def test_no_entry_allows_nothing():
    assert not allows([], "https://slack.com/")


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "https://slack.com",
        "slack.com/",
        "slack.com/api",
        "user@slack.com",
        "slack.com.",
        "bücher.example",
        "a b",
        "*",
        "**.a.b",
        "*slack.com",
        "api.*.com",
        "a*.slack.com",
        "slack.com:",
        "slack.com:https",
        "slac\u212a.com",
        "slack.com\n",
        "[::1",
    ],
)
def test_an_entry_that_is_no_host_is_refused_by_name(entry):
    with pytest.raises(ValueError, match="is not a host") as caught:
        Hosts([entry])
    assert repr(entry) in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [("slack.com:0", "port"), ("slack.com:65536", "port"), ("*.com", "top-level"), ("*.localhost", "top-level")],
)
def test_an_entry_that_would_mean_too_much_or_nothing_is_refused(entry, reason):
    with pytest.raises(ValueError, match=reason):
        Hosts([entry])


def test_hosts_show_their_entries():
    assert repr(Hosts(["slack.com", "*.slack.com"])) == "Hosts(slack.com, *.slack.com)"
    assert Hosts(iter(["a.b"])).entries == ("a.b",)


@pytest.mark.parametrize(
    ("url", "host", "is_named"),
    [
        ("https://api.acme.example", "api.acme.example", True),
        ("https://api.acme.example", b"API.acme.example", True),
        ("https://api.acme.example", "api.acme.example:443", True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("https://api.acme.example", "evil.example", False),
        ("https://api.acme.example", "api.acme.example:80", False),
        ("https://api.acme.example:8443", "api.acme.example", False),
        ("https://user@api.acme.example", "api.acme.example", False),
    ],
)
def test_a_host_header_names_a_url_if_host_and_port_are_the_same(url, host, is_named):
    assert is_named_by(url, host) is is_named


def test_a_web_socket_has_the_origin_of_the_http_that_it_begins_with():
    assert origin_of("wss://Slack.com/socket") == origin_of("https://slack.com:443/")
    assert origin_of("WS://127.0.0.1:80") == origin_of("http://127.0.0.1/")
    assert origin_of("wss://slack.com:444/") != origin_of("https://slack.com/")
    assert not Hosts(["slack.com"]).allow(origin_of("ws://slack.com/"), http_to_loopback=True)
    assert not Hosts(["slack.com:80"]).allow(origin_of("ws://slack.com/"), http_to_loopback=True)
    assert Hosts(["127.0.0.1:80"]).allow(origin_of("ws://127.0.0.1/"), http_to_loopback=True)
    assert not Hosts(["127.0.0.1:80"]).allow(origin_of("ws://127.0.0.1/"), http_to_loopback=False)
