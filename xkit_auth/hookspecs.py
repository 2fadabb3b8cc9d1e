"""The hooks that a plugin can implement, on one page.

A plugin marks its functions with ``xkit_auth.hookimpl`` and takes only the arguments that it needs. All hooks are
ordinary functions: none is ``async`` and none does I/O, since they run in the middle of somebody's request.

Format and classify are asked only of plugin objects given in ``Xkit(plugins=…)``, in the order given, and then of the
one plugin that brought the connector; the first answer that is not ``None`` counts. No other plugin sees that
connector's credentials or answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pluggy import HookimplMarker, HookspecMarker

if TYPE_CHECKING:
    from ._connectors import Connector
    from ._values import Credential, Event, Judgement, RequestView, ResponseView, Verdict

hookspec = HookspecMarker("xkit_auth")
hookimpl = HookimplMarker("xkit_auth")
"""Marks a function of a plugin as the implementation of the hook of the same name."""


@hookspec
def xkit_auth_connectors() -> Iterable[Connector]:  # type: ignore[empty-body]
    """The connectors that this plugin brings. Called once for each ``Xkit``, when a connector is first needed."""


@hookspec(firstresult=True)
def xkit_auth_format_headers(
    connector: Connector, kind: str, params: Mapping[str, str], credential: Credential, request: RequestView
) -> Mapping[str, str] | None:
    """The headers that carry the credential on this request, or ``None`` to leave it to the connector's template.

    ``kind`` is the name of the kind of credential, and ``params`` is what the application gave for this connection.

    This is where a plugin signs or computes. Every header named here counts as a credential: it is replaced when the
    request is sent again and never follows a redirect to another origin. If it raises, nothing is sent.
    """


@hookspec(firstresult=True)
def xkit_auth_format_query(
    connector: Connector, kind: str, params: Mapping[str, str], credential: Credential, request: RequestView
) -> Mapping[str, str] | None:
    """Query parameters that this request needs beside those of the connector's template, or ``None``.

    They are for what is computed of the credential, such as Facebook's ``appsecret_proof``; they replace parameters of
    the same name. What is in a URL is seen in logs, so nothing belongs here that is a credential by itself.
    """


@hookspec(firstresult=True)
def xkit_auth_classify_response(
    connector: Connector, credential: Credential, response: ResponseView
) -> Verdict | Judgement | None:
    """What the provider's answer says about the credential, or ``None`` to leave it to the connector's rules."""


@hookspec(firstresult=True)
def xkit_auth_classify_exception(connector: Connector, exception: Exception) -> Verdict | None:
    """What an exception of an SDK says about the credential, or ``None`` to leave it to the connector's rules.

    Those look at the exception's own answer, if it brings one in a form that is known. Asked for functions that are
    decorated with ``xkit_auth.sdk.with_credential``.
    """


@hookspec(firstresult=True)
def xkit_auth_bind(target: object, auth: Any) -> bool | None:
    """Put the credential on an object of an SDK that this plugin knows: ``True`` if it does, else ``None``.

    ``auth`` is an ``xkit_auth.sdk.Binder``. Fill a slot if the SDK has one, and wrap a method of this one object if
    not. What is done through ``auth`` is undone when the binding is released. Asked by ``xkit_auth.sdk.bind``.
    """


@hookspec
def xkit_auth_event(event: Event) -> None:
    """Told what happened: fetches, cache hits, rejections, resends. An exception in it is logged once and swallowed."""
