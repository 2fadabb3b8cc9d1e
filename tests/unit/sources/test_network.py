"""How calls to Xkit leave this machine: what the environment and the application say, and what is made of it."""

from __future__ import annotations

import os
import ssl
import sys
import types
from itertools import pairwise
from typing import Any

import pytest
import trustme

from xkit_auth import ConfigurationError, Xkit
from xkit_auth._sources.network import CA_VARIABLES, Network, Proxy
from xkit_auth._sources.platform import Answer, NoAnswer, answered
from xkit_auth._values.model import Secret

XKIT = "https://xkit.example/api"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*CA_VARIABLES, "SSLKEYLOGFILE", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.fixture
def bundle(tmp_path: Any) -> Any:
    trustme.CA().cert_pem.write_to_path(tmp_path / "authority.pem")
    return tmp_path / "authority.pem"


# Certificates


def test_one_context_serves_every_xkit_of_the_process(bundle, environment):
    assert Network().route_to(XKIT).tls is Network().route_to(f"{XKIT}/other").tls
    assert Network(bundle).route_to(XKIT).tls is Network(str(bundle)).route_to(XKIT).tls
    assert Network(bundle).route_to(XKIT).tls is not Network().route_to(XKIT).tls
    environment.setenv("SSL_CERT_FILE", str(bundle))
    assert Network().route_to(XKIT).tls is Network(bundle).route_to(XKIT).tls


def test_a_file_with_new_certificates_is_read_again(bundle):
    before = Network(bundle).route_to(XKIT).tls
    with bundle.open("ab") as file:
        file.write(trustme.CA().cert_pem.bytes())

    after = Network(bundle).route_to(XKIT).tls
    assert (len(before.get_ca_certs()), len(after.get_ca_certs())) == (1, 2)


def test_every_context_wants_a_certificate_for_that_host(bundle, tmp_path):
    for network in (Network(), Network(bundle), Network(tmp_path)):
        tls = network.route_to(XKIT).tls
        assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_plain_http_to_this_machine_needs_no_certificates_and_no_proxy(environment):
    environment.setenv("SSL_CERT_FILE", "nonsense")
    environment.setenv("HTTP_PROXY", "nonsense://")
    environment.setenv("ALL_PROXY", "nonsense://")

    route = Network(proxy=Secret("http://proxy.example")).route_to("http://127.0.0.1:1/api")
    assert (route.tls, route.proxy, str(route)) == (None, None, "http://127.0.0.1:1/api")


def test_the_first_variable_that_is_set_counts(environment, bundle):
    for variable in reversed(CA_VARIABLES):
        environment.setenv(variable, str(bundle))
        assert Network().route_to(XKIT).trust.source == f"{variable} ({bundle})"
    environment.setenv("SSL_CERT_FILE", "")
    assert Network().route_to(XKIT).trust.source.startswith("SSL_CERT_DIR")


def test_folders_may_be_several_as_openssl_writes_them(environment, tmp_path):
    environment.setenv("SSL_CERT_DIR", f"{tmp_path / 'nothing'}{os.pathsep}{tmp_path}")

    assert Network().route_to(XKIT).tls is not None


@pytest.mark.parametrize("installed", ["certifi", "none", "packed and lost"])
def test_without_a_variable_it_is_this_machines_store_and_that_of_certifi(environment, bundle, installed):
    where = {"certifi": bundle, "packed and lost": bundle.parent / "nothing"}.get(installed)
    module = where and types.SimpleNamespace(where=lambda: str(where))
    environment.setitem(sys.modules, "certifi", module)

    trust = Network().route_to(XKIT).trust
    assert trust.source.startswith("this machine's own store")
    assert ("certifi" in trust.source) is (installed == "certifi")
    subjects = [each["subject"] for each in trust.context.get_ca_certs()]
    assert any("trustme" in str(subject) for subject in subjects) is (installed == "certifi")


@pytest.mark.parametrize("source", [*CA_VARIABLES, "Xkit(ca_file=…)"])
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path / "nothing", "not there"),
        (lambda path: path / "line\nbreak", "not there"),
        (lambda path: path.joinpath("nonsense.pem").write_text("no PEM") and path / "nonsense.pem", "no certificates"),
        (lambda path: path.joinpath("empty.pem").write_bytes(b"") or path / "empty.pem", "no certificates"),
    ],
)
def test_certificates_that_cannot_be_used_are_refused_by_the_name_of_what_named_them(
    environment, tmp_path, source, make, why
):
    path = make(tmp_path)

    def route() -> None:
        if source in CA_VARIABLES:
            environment.setenv(source, str(path))
            Network().route_to(XKIT)
        else:
            Network(path).route_to(XKIT)

    with pytest.raises(ConfigurationError, match=why) as caught:
        route()
    assert f"{source} names " in str(caught.value)
    assert str(caught.value).isprintable()
    for variable in CA_VARIABLES:
        assert variable in caught.value.hint


def test_certificates_that_this_process_may_not_read_are_refused(environment, bundle):
    environment.setattr(os, "access", lambda _path, mode: mode == os.F_OK)  # root may read everything

    with pytest.raises(ConfigurationError, match="may not read"):
        Network(bundle)


def test_a_log_of_keys_that_cannot_be_written_is_the_machines_mistake(environment, bundle):
    environment.setenv("SSLKEYLOGFILE", str(bundle.parent / "nothing" / "keys.log"))

    with pytest.raises(ConfigurationError, match="SSLKEYLOGFILE"):
        Network(bundle).route_to(XKIT)


def test_a_context_of_the_applications_own_is_used_as_it_is():
    context = ssl.create_default_context()

    assert Network(context).route_to(XKIT).tls is context


# Arguments of Xkit


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"ca_file": 7}, "a path or an ssl.SSLContext"),
        ({"ca_file": True}, "a path or an ssl.SSLContext"),
        ({"ca_file": b"/etc/ssl"}, "a path or an ssl.SSLContext"),
        ({"ca_file": ""}, "not there"),
        ({"ca_file": "a\0b"}, "not there"),
        ({"ca_file": "/nothing/of/that/name"}, "not there"),
        ({"ca_file": ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)}, "anybody pass as Xkit"),
        ({"proxy": 7}, "cannot be read"),
        ({"proxy": b"http://proxy.example"}, "cannot be read"),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused_at_once(keys, wrong, why):
    with pytest.raises(ConfigurationError, match=why) as caught:
        Xkit(**keys, **wrong)

    assert f"Xkit({next(iter(wrong))}=…)" in str(caught.value)


@pytest.mark.parametrize("changed", [{"verify_mode": ssl.CERT_NONE}, {"verify_mode": ssl.CERT_OPTIONAL}, {}])
def test_a_context_that_checks_nobody_is_refused(changed):
    context = ssl.create_default_context()
    context.check_hostname = False
    for name, value in changed.items():
        setattr(context, name, value)

    with pytest.raises(ConfigurationError, match="anybody pass as Xkit"):
        Network(context)


# Proxies

MALFORMED = [
    "http://",
    "http://user:p@ss@",
    "http://user:p@ss@proxy.example:port",
    "http://user:p@ss@proxy.example:99999",
    "http://user:p@ss@proxy example:3128",
    "http://user:p@ss@[::1",
    "http://user:p@ss@proxy.example:3128/path",
    "http://user:p@ss@pröxy.example",
    "ftp://user:p@ss@proxy.example",
    "socks4://user:p@ss@proxy.example",
    "user:p@ss@",
    "://",
    "\x00",
    "http://user:p@ss@proxy.example\r\nX: y",
]


@pytest.mark.parametrize("url", MALFORMED)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", None])
def test_a_proxy_that_cannot_be_read_is_refused_and_not_shown(environment, keys, url, variable):
    if variable and "\x00" in url:
        return  # no environment can hold it

    def make() -> None:
        if variable:
            environment.setenv(variable, url)
            Network().route_to(XKIT)
        else:
            Xkit(**keys, proxy=url)

    with pytest.raises(ConfigurationError) as caught:
        make()
    assert (variable or "Xkit(proxy=…)") in str(caught.value)
    assert not caught.value.retryable
    assert "p@ss" not in str(caught.value)
    trace = caught.value.__traceback__.tb_next.tb_next  # behind the test's own frames, which know the password
    while trace is not None:
        for value in trace.tb_frame.f_locals.values():
            assert "p@ss" not in repr(value) + repr(getattr(value, "__dict__", ""))
        trace = trace.tb_next
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "url", "login"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128", ("", "")),
        ("proxy.example:3128", "http://proxy.example:3128", ("", "")),
        ("proxy.example", "http://proxy.example:80", ("", "")),
        ("https://proxy.example/", "https://proxy.example:443", ("", "")),
        ("socks5://proxy.example", "socks5://proxy.example:1080", ("", "")),
        ("SOCKS5H://proxy.example", "socks5h://proxy.example:1080", ("", "")),
        ("http://u%40x:p%3Ass@proxy.example", "http://proxy.example:80", ("u@x", "p:ss")),
        ("http://user:p@ss@proxy.example", "http://proxy.example:80", ("user", "p@ss")),
        ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128", ("", "")),
        ("http://10.0.0.1:3128", "http://10.0.0.1:3128", ("", "")),
    ],
)
def test_a_proxy_is_read_and_its_login_is_not_shown(text, url, login):
    proxy = Proxy(Secret(text), "HTTPS_PROXY")

    assert proxy.url == url
    assert (proxy.user.reveal(), proxy.password.reveal()) == login
    assert repr(proxy) == "Proxy(HTTPS_PROXY)"


def test_what_is_more_exact_counts(environment):
    def url_of_proxy() -> str | None:
        proxy = Network().route_to(XKIT).proxy
        return proxy.url if proxy else None

    assert url_of_proxy() is None
    environment.setenv("HTTP_PROXY", "http://for-http.example")
    assert url_of_proxy() is None
    environment.setenv("ALL_PROXY", "http://for-all.example")
    assert url_of_proxy() == "http://for-all.example:80"
    environment.setenv("HTTPS_PROXY", "http://upper.example")
    assert url_of_proxy() == "http://upper.example:80"
    environment.setenv("https_proxy", "http://lower.example")
    assert url_of_proxy() == "http://lower.example:80"
    given = Network(proxy=Secret("http://in-code.example"))
    assert given.route_to(XKIT).proxy.url == "http://in-code.example:80"
    environment.setenv("NO_PROXY", "*")
    assert given.route_to(XKIT).proxy is not None
    assert url_of_proxy() is None
    environment.delenv("NO_PROXY")
    assert Network(proxy=Secret("")).route_to(XKIT).proxy is None


def test_a_proxy_that_only_the_system_knows_is_named_as_such(environment):
    environment.setattr("urllib.request.getproxies", lambda: {"https": "nonsense://"})

    with pytest.raises(ConfigurationError, match="the system's settings"):
        Network().route_to(XKIT)


@pytest.mark.parametrize(
    ("no_proxy", "host", "is_spared"),
    [
        ("xkit.example", "xkit.example", True),
        (".example", "xkit.example", True),
        ("example", "xkit.example", True),
        ("other.example, XKIT.example", "xkit.example", True),
        ("xkit.example:443", "xkit.example", True),
        ("kit.example", "xkit.example", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.1/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "xkit.example", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("::1/128,fd00::/8", "[fd00::7]", True),
        ("[fd00::7]", "[fd00::7]", True),
        ("fd00::7", "[fd00::7]", True),
        ("::1/128", "xkit.example", False),
        ("nonsense/99, ,,", "10.1.2.3", False),
    ],
)
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_no_proxy_spares_names_addresses_and_networks(environment, variable, no_proxy, host, is_spared):
    environment.setenv("HTTPS_PROXY", "http://proxy.example")
    environment.setenv(variable, no_proxy)

    assert (Network().route_to(f"https://{host}/api").proxy is None) is is_spared


def test_no_proxy_comes_between_this_machine_and_itself_unless_the_code_says_so(environment):
    environment.setenv("HTTPS_PROXY", "http://proxy.example")
    for host in ("localhost", "127.0.0.1", "[::1]"):
        assert Network().route_to(f"https://{host}:4443").proxy is None
        assert Network(proxy=Secret("proxy.example")).route_to(f"https://{host}:4443").proxy is not None


# What is told of a library's exceptions


def failure_of(raised: BaseException, network: Network | None = None) -> Exception:
    def ask() -> Answer:
        raise raised

    with pytest.raises((NoAnswer, ConfigurationError)) as caught:
        answered(ask, (network or Network()).route_to(XKIT))
    return caught.value


def chained(*errors: BaseException) -> BaseException:
    """The first of these, caused by the second, and so on."""
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    return errors[0]


class ParserError(OSError):
    """As a library makes it: an OSError in which the text is of the library, or of what it has read."""


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (ValueError("invalid literal for int(): b'SAID'"), "no answer that can be read: ValueError"),
        (ParserError(5, "SAID"), "no answer that can be read: ParserError"),
        (OSError("Tunnel connection failed: 502 SAID"), "no answer that can be read: OSError"),
        (chained(RuntimeError("SAID"), ValueError("SAID")), "no answer that can be read: RuntimeError"),
        (
            chained(RuntimeError("SAID"), ConnectionRefusedError(111, "Connection refused")),
            "ConnectionRefusedError: Connection refused",
        ),
        (TimeoutError("SAID"), "no answer in time: TimeoutError"),
        (chained(ParserError("SAID"), TimeoutError("SAID")), "no answer in time: ParserError"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "SSLError: [SSL: WRONG_VERSION_NUMBER]"),
        (ssl.SSLError("SAID"), "no answer that can be read: SSLError"),
        (NoAnswer("the answer is too long"), "the answer is too long"),
        (OSError(5, "first line\nsecond\x1b" + "long " * 100), "OSError: first line second long"),
    ],
)
def test_only_the_system_is_quoted(raised, told):
    failure = failure_of(raised)

    assert str(failure).startswith(told)
    assert "SAID" not in str(failure)
    assert len(str(failure)) < 220
    assert failure.__cause__ is failure.__context__ is None


def test_what_the_caller_was_dealing_with_is_no_reason():
    try:
        raise OSError(2, "the application's own trouble")
    except OSError:
        with pytest.raises(NoAnswer) as caught:
            answered(lambda: int("SAID"), Network().route_to(XKIT))  # type: ignore[arg-type,return-value]

    assert str(caught.value) == "no answer that can be read: ValueError"
