"""How calls to Xkit leave this machine: which certificates are trusted, and which proxy is on the way.

The environment is read here and nowhere else, in one order for every HTTP library; the libraries are told what came of
it. What cannot be used is a ``ConfigurationError`` that names the variable or the argument: it is not Xkit's outage.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib import import_module
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from .._values import ConfigurationError, Origin, Secret, origin_of, shown

if TYPE_CHECKING:
    from ssl import SSLContext

CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Where the environment may name the certificates to trust. The first that is set counts."""

_CA_ARGUMENT = "Xkit(ca_file=…)"
_PROXY_ARGUMENT = "Xkit(proxy=…)"
_PROXY_SCHEMES = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_LONGEST_HOST = 253
_PROXY_HOST = re.compile(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")

_contexts: dict[tuple[object, ...], SSLContext] = {}
"""One for each setting of certificates, for the whole process: reading certificates takes some 20 ms."""


class Trust(NamedTuple):
    """Whose certificates are trusted; ``source`` says in words where that comes from."""

    context: SSLContext
    source: str


class Proxy:
    """A proxy. Its user name and password are not shown."""

    __slots__ = ("host", "password", "port", "scheme", "source", "user")

    def __init__(self, url: Secret, source: str) -> None:
        """Read it from a URL, or from ``host:port``, as ``source`` names it.

        Raises:
            ConfigurationError: it cannot be read, or is of a kind that not every library knows.
        """
        self.source = source
        if not self._can_read(url):
            raise ConfigurationError(
                f"The proxy for calls to Xkit cannot be read ({source})",
                hint="Write it like http://proxy.example:3128; http, https, socks5 and socks5h are known.",
            )

    def _can_read(self, url: Secret) -> bool:
        # Nothing is raised here: a traceback with local variables would show the password.
        text: object = url.reveal()
        if not isinstance(text, str):
            return False
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if parts.scheme not in _PROXY_SCHEMES or not _can_be_a_host(host) or parts.path.strip("/"):
            return False
        self.scheme = parts.scheme
        self.host = host
        self.port = port or _PROXY_SCHEMES[parts.scheme]
        self.user = Secret(unquote(parts.username or ""))
        self.password = Secret(unquote(parts.password or ""))
        return True

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS, for which a library needs another one."""
        return self.scheme.startswith("socks")

    @property
    def url(self) -> str:
        """Where it is, without user name and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def login(self) -> tuple[bytes, bytes] | None:
        """User name and password, if there is one. Keep the result out of local variables."""
        return (self.user.reveal().encode(), self.password.reveal().encode()) if self.user else None

    def check_library(self, module: str, extra: str) -> None:
        """See whether the library is there that speaks SOCKS for another one, if this proxy does.

        Raises:
            ConfigurationError: it is not.
        """
        try:
            if self.is_socks:
                import_module(module)
        except ImportError:
            raise ConfigurationError(
                f"{self.source} names a SOCKS proxy for calls to Xkit, for which the package {module} is missing",
                hint=f"pip install '{extra}', or name another kind of proxy.",
            ) from None

    def __repr__(self) -> str:
        return f"Proxy({self.source})"


class Route:
    """How a call gets from here to Xkit: with which certificates, and through which proxy.

    ``trust`` is ``None`` for plain http, which only goes to this machine.
    """

    __slots__ = ("destination", "proxy", "trust")

    def __init__(self, destination: str, trust: Trust | None, proxy: Proxy | None) -> None:
        self.destination = destination
        self.trust = trust
        self.proxy = proxy

    @property
    def tls(self) -> SSLContext | None:
        """What the libraries want to have."""
        return self.trust.context if self.trust else None

    def __str__(self) -> str:
        way = f" by way of the proxy {self.proxy.url} ({self.proxy.source})" if self.proxy else ""
        return f"{self.destination}{way}"

    def untrusted(self, reason: str) -> ConfigurationError:
        """The error for a certificate that is not trusted."""
        return ConfigurationError(
            f"Xkit could not be asked: the certificate of {self} is not trusted (CERTIFICATE_VERIFY_FAILED: {reason})",
            hint=f"Trusted are the certificates of {self.trust.source if self.trust else 'nobody'}. If a proxy of yours"
            f" opens TLS, name its certificates with Xkit(ca_file=…) or {CA_VARIABLES[0]}; if not, somebody else may"
            " be answering. Nothing was sent.",
        )

    def refused_by_proxy(self) -> ConfigurationError:
        """The error for a proxy that wants another user name or password."""
        return ConfigurationError(
            f"Xkit could not be asked: the proxy refused our user name and password with HTTP 407 ({self})",
            hint="Put them into the proxy's URL, percent-encoded: http://user:password@proxy.example:3128.",
        )


class Network:
    """What the application says of the way to Xkit; what it does not say is for the environment to say.

    Args:
        ca_file: a file or folder of certificates in PEM, or an ``ssl.SSLContext``.
        proxy: a proxy's URL; an empty one for none, whatever the environment says.

    Raises:
        ConfigurationError: one of them cannot be used.
    """

    __slots__ = ("_ca_file", "_ignores_proxies", "_proxy")

    def __init__(self, ca_file: str | os.PathLike[str] | SSLContext | None = None, proxy: Secret | None = None) -> None:
        self._ca_file = ca_file
        if isinstance(ca_file, (str, os.PathLike)):
            _check_readable(os.fsdecode(ca_file), _CA_ARGUMENT)
        elif ca_file is not None:
            _check_context(ca_file)
        self._proxy = Proxy(proxy, _PROXY_ARGUMENT) if proxy else None
        self._ignores_proxies = proxy is not None and not proxy

    def route_to(self, base_url: str) -> Route:
        """The way to Xkit at ``base_url``.

        Raises:
            ConfigurationError: something in the environment cannot be used.
        """
        origin = origin_of(base_url)
        assert origin is not None
        if origin.scheme == "http":
            return Route(base_url, None, None)
        return Route(base_url, self._trust(), self._proxy_to(origin))

    def _trust(self) -> Trust:
        given: Any = self._ca_file
        if given is None:
            return _trust_of_environment(os.environ)
        if isinstance(given, (str, os.PathLike)):
            return _trust_in(os.fsdecode(given), _CA_ARGUMENT)
        return Trust(given, _CA_ARGUMENT)

    def _proxy_to(self, destination: Origin) -> Proxy | None:
        if self._proxy is not None or self._ignores_proxies or destination.is_loopback:
            return self._proxy
        return _proxy_of_environment(destination)


# Certificates


def _check_context(context: object) -> None:
    import ssl  # late, like everywhere here: whoever never asks Xkit does not need it

    if not isinstance(context, ssl.SSLContext):
        raise ConfigurationError(f"{_CA_ARGUMENT} must be a path or an ssl.SSLContext")
    if context.verify_mode != ssl.CERT_REQUIRED or not context.check_hostname:
        raise ConfigurationError(
            f"{_CA_ARGUMENT} was given an ssl.SSLContext that lets anybody pass as Xkit",
            hint="Make it with ssl.create_default_context(), and leave verify_mode and check_hostname as they are.",
        )


def _trust_of_environment(environ: Mapping[str, str]) -> Trust:
    for variable in CA_VARIABLES:
        if environ.get(variable):
            return _trust_in(environ[variable], variable)
    bundle = _bundle_of_certifi()
    own = "this machine's own store"
    return Trust(_shared((bundle,), more=bundle), f"{own} and of the package certifi" if bundle else own)


def _bundle_of_certifi() -> str | None:
    try:
        from certifi import where
    except ImportError:
        return None
    return where() if Path(where()).is_file() else None  # an application that was packed may have lost it


def _trust_in(path: str, source: str) -> Trust:
    """Trust in the certificates of a file, or of folders, several of which are written as OpenSSL wants them."""
    from ssl import SSLError

    status = _check_readable(path, source)
    is_file = Path(path).is_file()
    try:
        context = _shared(
            (path, status.st_mtime_ns, status.st_size),
            cafile=path if is_file else None,
            capath=None if is_file else path,
        )
    except SSLError:
        raise _unusable(source, path, "which holds no certificates in PEM") from None
    return Trust(context, f"{source} ({shown(path)})")


def _check_readable(path: str, source: str) -> os.stat_result:
    """What the system says of a file, or of the first of several folders that is there.

    Raises:
        ConfigurationError: there is none, or it must not be read.
    """
    there = next(filter(_is_there, (path, *path.split(os.pathsep))), None)
    if there is None:
        raise _unusable(source, path, "which is not there")
    if not os.access(there, os.R_OK):
        raise _unusable(source, path, "which this process may not read")
    return Path(there).stat()


def _is_there(path: str) -> bool:
    # Path.exists() raises in a folder that this process may not enter.
    return path != "" and "\0" not in path and os.access(path, os.F_OK)


def _unusable(source: str, path: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"The certificates for calls to Xkit cannot be used: {source} names {shown(path)!r}, {why}",
        hint=f"Name a file or folder of certificates in PEM, with {_CA_ARGUMENT} or one of {', '.join(CA_VARIABLES)};"
        " of these the first that is set counts.",
    )


def _shared(
    key: tuple[object, ...], *, cafile: str | None = None, capath: str | None = None, more: str | None = None
) -> SSLContext:
    """The process's one context for this setting of certificates; without a place, those of the machine and ``more``.

    Raises:
        ssl.SSLError: there are none in that place.
        ConfigurationError: the keys of each connection are to be logged, and cannot be.
    """
    from ssl import SSLError, create_default_context

    if key not in _contexts:
        try:
            context = create_default_context(cafile=cafile, capath=capath)
        except SSLError:
            raise
        except OSError as error:  # the certificates can be read, so what is left is the log of keys
            raise ConfigurationError(
                f"Calls to Xkit cannot be made: SSLKEYLOGFILE names a file that cannot be written ({error.strerror})",
                hint="Unset SSLKEYLOGFILE, unless somebody looks into the traffic of this process on purpose.",
            ) from None
        if more:
            context.load_verify_locations(more)
        _contexts[key] = context
    return _contexts[key]


# Proxies


def _can_be_a_host(name: str) -> bool:
    """Whether a name can be that of a host at all: libraries answer others with exceptions of their own."""
    try:
        name.encode("idna")
    except UnicodeError:  # a part of it is empty or too long
        return False
    return len(name) <= _LONGEST_HOST and _PROXY_HOST.fullmatch(name) is not None


def _proxy_of_environment(destination: Origin) -> Proxy | None:
    url, source = _proxy_setting(destination)
    return Proxy(url, source) if url else None


def _proxy_setting(destination: Origin) -> tuple[Secret, str]:
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    scheme = next((scheme for scheme in ("https", "all") if proxies.get(scheme)), None)
    host = destination.host.strip("[]")
    if scheme is None or proxy_bypass(f"{host}:{destination.port}") or _is_in_a_network(host, proxies.get("no", "")):
        return Secret(""), ""
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper())
    return Secret(proxies[scheme]), next(filter(os.environ.get, names), "the system's settings")


def _is_in_a_network(host: str, no_proxy: str) -> bool:
    """Whether an address is in one of the networks in ``NO_PROXY``, which the standard library does not look at."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(_is_in(address, entry.strip().strip("[]")) for entry in no_proxy.split(","))


def _is_in(address: Any, entry: str) -> bool:
    try:
        return address in ip_network(entry, strict=False)
    except ValueError:
        return False
