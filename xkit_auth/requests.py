"""``XkitAuth`` for requests: pass it as ``auth=`` to a request, or set it as a session's ``auth``.

requests calls an auth object once, when it prepares the request. Everything after that happens in a response hook,
which requests also calls for each hop of a redirect: see ``_clients/requests/hop.py``.
"""

from __future__ import annotations

import sys
from inspect import CO_COROUTINE
from typing import Any

from ._values import lacking

try:
    from requests.auth import AuthBase
    from requests.structures import CaseInsensitiveDict
except ModuleNotFoundError as error:
    raise lacking(__name__, "requests", error) from None

from ._clients import BaseAllOf, BaseAuth
from ._clients.requests import CARRIED, NO_HOOKS, WATCHING, Hop, RequestsTransport, host_named_in, take_back
from ._sources import Route
from ._values import ConfigurationError, is_named_by

__all__ = ["AllOf", "NoAuth", "XkitAuth"]

_PUT_ON_AGAIN = (
    "A session has put the credential on again after a redirect to another origin, as a custom rebuild_auth() may do."
    " The request is sent without it: otherwise a redirect could hand the credential to any server. Make a new request"
    " to send it."
)


class NoAuth(AuthBase):
    """Switches a session's auth off for one call: ``session.get(url, auth=NoAuth())``, where ``None`` would not."""

    def __call__(self, request: Any) -> Any:
        """Remove the credential that an ``XkitAuth`` put on before; called by requests when it prepares a request."""
        take_back(request)
        return request


class XkitAuth(BaseAuth, AuthBase):
    """A ``requests.auth.AuthBase`` that puts the credential of an Xkit connection on each request.

    Give it to a request as ``auth=``, or to a session as its ``auth``; one object serves any number of sessions and
    threads.
    """

    _adapter = __name__
    _trip_type = Hop

    def __call__(self, request: Any) -> Any:
        """Put the credential on a request; called by requests when it prepares one."""
        hooks = getattr(request, "hooks", None)
        if not isinstance(hooks, dict):
            raise ConfigurationError(
                "This XkitAuth is for requests, and was given to another library",
                hint="Import XkitAuth from xkit_auth.httpx or xkit_auth.httpx2, to fit the client.",
            )
        url = request.url
        end = url.find("/", 8)  # behind https://
        origin = url[:end] if end > 0 else url
        settled, context = self._by_origin.get(origin), self._context
        headers, attributes = request.headers, request.__dict__
        # For an ordinary request, the rest does what ``_put_on`` does, inline because function calls cost time.
        if (
            settled is None
            or not settled.xkit.is_settled
            or settled.policy.one_header is None
            or not isinstance(context, str)
            or type(headers) is not CaseInsensitiveDict
            or "host" in headers._store
            or CARRIED in attributes
            or hooks != NO_HOOKS
        ):
            return self._put_on(request, origin)
        hop = Hop(settled, context)
        credential = settled.held(context) or hop.fetch()
        if not credential.is_plain:
            hop.put_on(request, credential, origin)
            return request
        hop.home, hop.credential = origin, credential
        key, name, prefix, suffix = settled.policy.one_header
        headers._store[key] = name, f"{prefix}{credential._parts}{suffix}"  # a third of the time of headers[name] =
        request.hooks = {"response": [hop]}
        attributes[CARRIED] = hop
        request.__class__ = WATCHING[type(request)]
        return request

    def _put_on(self, request: Any, origin: str) -> Any:
        if CARRIED in request.__dict__ and not take_back(request):
            self._account().directory.warn_once(_PUT_ON_AGAIN)
            return request
        hop: Hop | None = self._trip(origin, request)
        if hop is None:
            return request
        host = host_named_in(request.headers)
        if host is not None and not is_named_by(origin, host):
            self._misled(hop, "The Host header")
            return request
        hop.put_on(request, hop.settled.held(hop.context) or hop.fetch(), origin)
        if "pre_request" in request.hooks:  # of niquests
            request.hooks = {**request.hooks, "pre_request": [_only_plain_sessions, *request.hooks["pre_request"]]}
        return request

    def _url_of(self, request: Any) -> str:
        return str(request.url)


class AllOf(BaseAllOf, AuthBase):
    """Several auth objects on one request: applied in the order given, and each with its own hooks.

    A resend replaces only the credential: what another object has computed from the request stays as it was. To sign
    what is sent, implement ``xkit_auth_format_headers``.

    Example:
        >>> from requests.auth import HTTPProxyAuth
        >>> from xkit_auth.requests import AllOf, XkitAuth
        >>> slack = XkitAuth("slack", context="user-42")
        >>> auth = AllOf(slack, HTTPProxyAuth("user", "password"))
    """

    def __call__(self, request: Any) -> Any:
        """Apply each auth object; called by requests when it prepares a request."""
        for auth in self._auths:
            request = auth(request)
        return request


def open_transport(*, route: Route) -> RequestsTransport:
    """Return the transport for calls to Xkit."""
    return RequestsTransport(route)


def _only_plain_sessions(_request: Any) -> None:
    """Reject niquests' async and multiplexed sessions, just before niquests sends a request.

    An async session cannot resend a request from a hook. A multiplexed one follows redirects before it calls a hook,
    which would carry a credential in a custom header to another host.
    """
    dispatcher, caller = sys._getframe(1), sys._getframe(2)
    if dispatcher.f_code.co_flags & CO_COROUTINE:
        kind, instead = "async", "httpx.AsyncClient with XkitAuth from xkit_auth.httpx, or niquests.Session in a thread"
    elif getattr(caller.f_locals.get("self"), "multiplexed", False):
        kind, instead = "multiplexed", "niquests.Session without multiplexed=True"
    else:
        return
    raise ConfigurationError(
        f"This XkitAuth was given to a session that is {kind}, whose responses it cannot examine in time",
        hint=f"Use {instead}.",
    )
