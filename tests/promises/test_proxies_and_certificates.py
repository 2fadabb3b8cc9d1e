"""Calls to Xkit through proxies and over TLS, and what a wrong configuration is called."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager

import pytest
import trustme

from helpers.calls_to_xkit import (  # noqa: F401
    PAIR,
    SAID,
    TOKEN,
    answer,
    body_for,
    clean_environment,
    end,
    everything_in,
    http_proxy,
    listening,
    pipe,
    request_on,
    user_in,
    xkit_at,
)
from xkit_auth import ConfigurationError, PlatformUnavailable, XkitAuthError

pytestmark = pytest.mark.drivers(sync=True)


# The machine's own configuration


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def bundle(authority, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return tmp_path / "authority.pem"


@pytest.fixture
def tls_xkit(authority):
    """An Xkit over TLS that calls itself xkit.example, and the number of connections that it has had."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("xkit.example", "127.0.0.1").configure_cert(tls)
    heads = []

    def serve(connection):
        heads.append(b"")
        with tls.wrap_socket(connection, server_side=True) as reached:
            heads[-1] = request_on(reached)
            reached.sendall(answer(body_for(user_in(heads[-1]))))
            end(reached)

    with listening(serve) as port:
        yield port, heads


@contextmanager
def socks_proxy(port):
    """The same for SOCKS 5, with the login ``user:p@ss``."""
    asked = []

    def serve(connection):
        def read(length):
            return connection.recv(length, socket.MSG_WAITALL)

        methods = read(read(2)[1])
        assert b"\x02" in methods
        connection.sendall(b"\x05\x02")
        user = read(read(2)[1])
        password = read(read(1)[0])
        connection.sendall(b"\x01\x00")
        assert read(4)[3] == 3, "the name was looked up on this side"
        asked.append((user, password, read(read(1)[0])))
        read(2)
        with socket.create_connection(("127.0.0.1", port)) as onward:
            connection.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            pipe(connection, onward)

    with listening(serve) as own_port:
        yield own_port, asked


@pytest.mark.parametrize("given", ["in code", "in the environment", "in code and without a scheme"])
def test_a_proxy_is_used_with_its_login(xkit_at, tls_xkit, bundle, monkeypatch, given):
    with http_proxy(tls_xkit[0], b"user:p@ss") as (port, asked):
        url = f"user:p%40ss@127.0.0.1:{port}"
        if given == "in the environment":
            monkeypatch.setenv("HTTPS_PROXY", f"http://{url}")
            xkit = xkit_at("https://xkit.example/api", ca_file=bundle)
        else:
            monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
            url = url if "without" in given else f"http://{url}"
            xkit = xkit_at("https://xkit.example/api", ca_file=bundle, proxy=url)
        assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"
    assert asked[0].startswith(b"CONNECT xkit.example:443 ")
    assert b"pk_test" not in asked[0]
    assert PAIR not in asked[0]
    assert b"Basic " + PAIR in tls_xkit[1][0]


def test_a_proxy_over_tls_is_used(xkit_at, tls_xkit, bundle, authority):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)

    def serve(connection):
        with tls.wrap_socket(connection, server_side=True) as reached:
            request_on(reached)
            with socket.create_connection(("127.0.0.1", tls_xkit[0])) as onward:
                reached.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                pipe(reached, onward)

    with listening(serve) as port:
        xkit = xkit_at("https://xkit.example/api", ca_file=bundle, proxy=f"https://127.0.0.1:{port}")
        assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_is_used_and_looks_up_the_name(xkit_at, tls_xkit, bundle, monkeypatch, scheme):
    with socks_proxy(tls_xkit[0]) as (port, asked):
        monkeypatch.setenv("all_proxy", f"{scheme}://user:p%40ss@127.0.0.1:{port}")
        xkit = xkit_at("https://xkit.example/api", ca_file=bundle)
        assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"
    assert asked == [(b"user", b"p@ss", b"xkit.example")]


def expect_configuration_error(xkit, *wanted):
    """Every user gets it, nobody is told to wait, and none of the words that mean somebody else's fault are in it."""
    for user in ("amy", "bob", "carol", "dave"):
        for ask in (xkit.get_credential, xkit.get_connection):
            with pytest.raises(ConfigurationError) as caught:
                ask("slack", context=user)
            text = str(caught.value)
            assert (caught.value.connector, caught.value.context) == ("slack", user)
            assert "Retrying does not help" in text
            assert "report" not in text
            assert "p@ss" not in text + repr(vars(caught.value))
            assert "p%40ss" not in text + repr(vars(caught.value))
            for each in wanted:
                assert each in text


@pytest.mark.parametrize("library", ["socks", "socksio"])
def test_a_socks_proxy_without_its_library_is_the_machines_mistake(driver, xkit_at, monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:p%40ss@127.0.0.1:1")
    if (library == "socks") is (driver.library == "requests"):
        expect_configuration_error(
            xkit_at("https://xkit.example/api"), "HTTPS_PROXY", library, f"pip install '{driver.library}[socks]'"
        )


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_an_adapter_can_be_imported_without_the_library_for_socks(library):
    pytest.importorskip(library)
    program = f"import sys; sys.modules['socksio'] = None; from xkit_auth.{library} import XkitAuth"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("refusal", [b"407 Proxy Authentication Required", b"407 " + SAID])
def test_a_proxy_that_wants_another_login_is_the_machines_mistake(xkit_at, monkeypatch, refusal):
    with http_proxy(0, b"somebody:else", refusal) as (port, asked):
        monkeypatch.setenv("https_proxy", f"http://user:p%40ss@127.0.0.1:{port}")
        expect_configuration_error(xkit_at("https://xkit.example/api"), "407", "https_proxy", f"127.0.0.1:{port}")
    assert len(asked) == 8


@pytest.mark.parametrize("refusal", [b"403 " + SAID, b"502 Bad Gateway", SAID])
def test_a_proxy_that_refuses_is_an_outage_and_is_not_quoted(xkit_at, monkeypatch, refusal):
    with http_proxy(0, b"somebody:else", refusal) as (port, _):
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:p%40ss@127.0.0.1:{port}")
        with pytest.raises(PlatformUnavailable) as caught:
            xkit_at("https://xkit.example/api").get_credential("slack", context="amy")
    assert TOKEN[:8] not in everything_in(caught.value)
    assert f"by way of the proxy http://127.0.0.1:{port} (HTTPS_PROXY)" in caught.value.hint


def test_a_proxy_that_is_not_there_is_an_outage_that_names_it(xkit_at, monkeypatch, closed_port):
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:p%40ss@127.0.0.1:{closed_port}")
    with pytest.raises(PlatformUnavailable, match="ConnectionRefusedError") as caught:
        xkit_at("https://xkit.example/api").get_credential("slack", context="amy")
    assert f"by way of the proxy http://127.0.0.1:{closed_port} (HTTPS_PROXY)" in caught.value.hint
    assert "p@ss" not in str(caught.value)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_that_are_not_there_are_the_machines_mistake_and_nothing_is_paused(
    xkit_at, tls_xkit, bundle, monkeypatch, variable
):
    monkeypatch.setenv(variable, str(bundle.parent / "nothing"))
    xkit = xkit_at(f"https://127.0.0.1:{tls_xkit[0]}")
    expect_configuration_error(xkit, variable, "not there")
    assert tls_xkit[1] == []

    bundle.rename(bundle.parent / "nothing")  # and once it is there, all is well
    if variable != "SSL_CERT_DIR":
        assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"


def test_a_certificate_that_nobody_trusts_is_the_machines_mistake(xkit_at, tls_xkit):
    xkit = xkit_at(f"https://127.0.0.1:{tls_xkit[0]}")
    expect_configuration_error(xkit, "CERTIFICATE_VERIFY_FAILED", "Xkit(ca_file=…)", "this machine's own store")
    assert len(tls_xkit[1]) == 8
    assert not any(tls_xkit[1])


def test_a_certificate_for_another_host_is_not_trusted_either(xkit_at, tls_xkit, bundle):
    with http_proxy(tls_xkit[0]) as (port, _):
        xkit = xkit_at("https://other.example", ca_file=bundle, proxy=f"127.0.0.1:{port}")
        expect_configuration_error(xkit, "CERTIFICATE_VERIFY_FAILED", "other.example", "Xkit(proxy=…)")


def test_what_is_held_is_served_while_the_machine_cannot_ask(xkit_at, tls_xkit, bundle, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    xkit = xkit_at(f"https://127.0.0.1:{tls_xkit[0]}", max_age=0)
    assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"
    xkit.broker._transport = None
    bundle.unlink()
    assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        xkit.get_credential("slack", context="bob")


def test_the_same_variable_counts_on_every_library(xkit_at, tls_xkit, bundle, authority, monkeypatch, tmp_path):
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    variables = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
    for position, variable in enumerate(variables):
        for later in variables[position:]:
            monkeypatch.setenv(later, str(other))
        monkeypatch.setenv(variable, str(bundle))
        xkit = xkit_at(f"https://127.0.0.1:{tls_xkit[0]}")
        assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"
        monkeypatch.setenv(variable, str(other))
        with pytest.raises(ConfigurationError, match=variable):
            xkit_at(f"https://127.0.0.1:{tls_xkit[0]}").get_credential("slack", context="amy")
        monkeypatch.setenv(variable, "")


def test_nothing_else_of_the_environment_is_looked_at(xkit_at, tls_xkit, bundle, monkeypatch, netrc):
    netrc("127.0.0.1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # which is not for this machine itself
    monkeypatch.setenv("NO_PROXY", "::1/128,[::1],10.0.0.0/8")
    xkit = xkit_at(f"https://127.0.0.1:{tls_xkit[0]}", ca_file=bundle)
    assert xkit.get_credential("slack", context="amy").reveal() == "token-of-amy"
    assert b"Basic " + PAIR in tls_xkit[1][0]


def test_every_error_of_this_page_names_who_it_was_for(xkit_at):
    with pytest.raises(XkitAuthError) as caught:
        xkit_at("http://127.0.0.1:1").get_credential("slack", context="amy")
    assert (caught.value.connector, caught.value.context) == ("slack", "amy")
