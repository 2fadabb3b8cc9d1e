"""A connector settled for use: where the credential may go, how it is written, what an answer means.

Everything that does not change from request to request is worked out here once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

from ._connector import Connector, judged_by_rules
from ._errors import ConfigurationError, PlatformProtocolError, XkitAuthError
from ._model import Credential, Judgement, RequestView, ResponseView, Verdict
from ._origin import Hosts, origin_of
from ._placement import CompiledPlacement, Default, Params, Template, compiled
from ._text import MASK, is_header_name, shown, why_not_sendable

FormatHook = Callable[..., Mapping[str, str] | None]
ClassifyHook = Callable[..., Verdict | Judgement | None]

LARGEST_BODY = 64 * 1024
"""Bytes of an answer that are read at the most, to judge it or to keep it on an error."""


class Sending:
    """The headers that carry one credential on one request. Their values are not shown."""

    __slots__ = ("_headers", "credential", "hidden", "is_ascii")
    _headers: Sequence[tuple[str, str]]
    #: The names that clients carry to other hosts, which is all but ``Authorization``.
    hidden: tuple[str, ...]
    #: Whether a client may encode the values as it likes.
    is_ascii: bool

    def __init__(self, credential: Credential, headers: Sequence[tuple[str, str]]) -> None:
        self.credential = credential
        self.hidden = _hidden(name for name, _ in headers)
        self.is_ascii = all(value.isascii() for _, value in headers)
        self._headers = headers

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the headers."""
        return tuple([name for name, _ in self._headers])

    def put_on(self, headers: MutableMapping[str, Any]) -> None:
        """Set the headers, in place of any of the same name."""
        for name, value in self._headers:
            headers[name] = value

    def split(self) -> tuple[Sending, Sending]:
        """The part that clients strip on a redirect elsewhere, and the part that they do not."""
        stripped = [each for each in self._headers if each[0] not in self.hidden]
        hidden = [each for each in self._headers if each[0] in self.hidden]
        return Sending(self.credential, stripped), Sending(self.credential, hidden)

    def is_on(self, headers: Mapping[str, Any]) -> bool:
        """Whether ``headers`` carry exactly this."""
        return all(headers.get(name) == value for name, value in self._headers)

    def encoded(self) -> list[tuple[bytes, bytes]]:
        """The headers as bytes, for a place below the client."""
        return [(name.encode("ascii"), value.encode("latin-1")) for name, value in self._headers]

    def __repr__(self) -> str:
        return f"Sending({', '.join(self.names)}: {MASK})"


def _hidden(names: Iterable[str]) -> tuple[str, ...]:
    return tuple([name for name in names if name.lower() != "authorization"])


class _Plain(NamedTuple):
    """A credential that is one text in one header, with something around it, all in ASCII: most of them are."""

    name: str
    prefix: str
    suffix: str
    hidden: tuple[str, ...]


class _PlainSending(Sending):
    """What nearly every request carries."""

    __slots__ = ("_plain",)
    is_ascii = True

    def __init__(self, credential: Credential, plain: _Plain) -> None:
        self.credential = credential
        self.hidden = plain.hidden
        self._plain = plain

    @property
    def _headers(self) -> Sequence[tuple[str, str]]:  # type: ignore[override]
        name, prefix, suffix, _ = self._plain
        return ((name, prefix + self.credential.reveal() + suffix),)


class Policy:
    """One connector with its kind of credential, hosts, params and plugins, ready for requests."""

    __slots__ = (
        "_classify",
        "_format",
        "_http_to_loopback",
        "_placement",
        "_plain",
        "connector",
        "extra",
        "hides_plain",
        "hosts",
        "params",
        "slug",
        "unremarkable_below",
    )

    def __init__(
        self,
        slug: str,
        connector: Connector,
        *,
        kind: str,
        hosts: Hosts,
        params: Params,
        http_to_loopback: bool,
        format_hook: FormatHook | None,
        classify_hook: ClassifyHook | None,
    ) -> None:
        self.slug = slug
        self.connector = connector
        self.hosts = hosts
        self.params = params
        self._http_to_loopback = http_to_loopback
        self._format = format_hook
        self._classify = classify_hook
        self._placement = compiled(connector.kinds[kind], connector.params)
        self.extra = self._settled_extra()
        self._plain = None if format_hook else _plain_form(self._placement, params)
        self.hides_plain = self._plain is not None and bool(self._plain.hidden)
        # Below this status no rule can hold, so that an ordinary answer costs one comparison.
        statuses = [status for rule in connector.failures for status in rule.status or (0,)]
        self.unremarkable_below = 0 if classify_hook else min([401, *statuses])

    def _settled_extra(self) -> tuple[tuple[str, str, bool], ...]:
        slots = tuple(f"param.{name}" for name in self.connector.params)
        return tuple(
            (name, Template(text, allowed=slots).filled(self._param), isinstance(text, Default))
            for name, text in self.connector.extra.items()
        )

    def _param(self, slot: str) -> str:
        return self.params[slot.removeprefix("param.")]

    # Where it may go

    def allows(self, url: str) -> bool:
        """Whether the credential may go to this absolute URL."""
        origin = origin_of(url)
        return origin is not None and self.hosts.allow(origin, http_to_loopback=self._http_to_loopback)

    # How it is written

    def put_plain(self, credential: Credential, headers: MutableMapping[str, Any]) -> bool:
        """Put the headers on, if that takes no look at the request and no checking. If not: ``write``.

        What Xkit gave and what the connector says were both checked when they came.
        """
        if self._plain is None or not credential.is_plain:
            return False
        name, prefix, suffix, _ = self._plain
        headers[name] = f"{prefix}{credential._parts}{suffix}"  # not reveal(), which would ask what is known
        return True

    def plain(self, credential: Credential) -> Sending:
        """What ``put_plain`` puts on."""
        assert self._plain is not None
        return _PlainSending(credential, self._plain)

    def write(self, credential: Credential, view: Callable[[], RequestView]) -> Sending:
        """The headers for this credential on this request.

        Raises:
            XkitAuthError: the credential or the plugin's answer cannot be sent.
        """
        if self._plain is not None and credential.is_plain:
            return self.plain(credential)
        try:
            headers = self._from_plugin(credential, view) if self._format else None
            if headers is None:
                headers = self._placement.headers_for(credential, self.params)
                if _problem_with_headers(dict(headers)):
                    headers = None  # so that a traceback with local variables does not show it
                    raise PlatformProtocolError("The credential cannot be sent in the form that the connector gives it")
        except XkitAuthError as error:
            error.connector = error.connector or self.slug
            raise
        return Sending(credential, headers)

    def _from_plugin(self, credential: Credential, view: Callable[[], RequestView]) -> list[tuple[str, str]] | None:
        assert self._format is not None
        made = self._asked("xkit_auth_format_headers", self._format, credential=credential, request=view())
        if made is None:
            return None
        problem = _problem_with_headers(made)
        if problem:
            made = None  # so that a traceback with local variables does not show it
            raise self._plugin_mistake("xkit_auth_format_headers", problem)
        return list(made.items())

    def add_extra(self, headers: MutableMapping[str, Any]) -> None:
        """Set the further headers that the provider wants; those marked default give way to the caller's."""
        for name, value, gives_way in self.extra:
            if not (gives_way and name in headers):
                headers[name] = value

    # What an answer means

    def wants_body(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether the rules may read this answer's body: JSON as the connector says, small, and no download."""
        wanted = self.connector.inspect.get(status)
        if wanted is None or not headers.get("content-type", "").lower().startswith(wanted.lower()):
            return False
        length = headers.get("content-length", "")
        small = not length.isdecimal() or int(length) <= LARGEST_BODY
        return small and "attachment" not in headers.get("content-disposition", "").lower()

    def judge(self, credential: Credential, response: ResponseView) -> Judgement:
        """What the provider's answer says about the credential."""
        if self._classify is not None:
            said = self._asked("xkit_auth_classify_response", self._classify, credential=credential, response=response)
            if isinstance(said, Verdict):
                return Judgement(said)
            if isinstance(said, Judgement) and isinstance(said.verdict, Verdict):
                return said
            if said is not None:
                said = None  # so that a traceback with local variables does not show it
                raise self._plugin_mistake("xkit_auth_classify_response", "returned neither a Verdict nor a Judgement")
        return judged_by_rules(self.connector, response)

    def _asked(self, name: str, hook: Callable[..., Any], credential: Credential, **arguments: Any) -> Any:
        try:
            return hook(connector=self.connector, credential=credential, **arguments)
        except XkitAuthError:
            raise
        except Exception as error:
            # Not chained: the text and the frames of a plugin's exception may hold the credential.
            text = shown(error, credential._texts())
            raised = f"raised {type(error).__name__}: {text} ({_place_of(error)})"
            mistake = self._plugin_mistake(name, raised)
        raise mistake

    def _plugin_mistake(self, hook: str, what: str) -> ConfigurationError:
        return ConfigurationError(
            f"The plugin's {hook} {what}",
            connector=self.slug,
            hint="Correct the plugin. No request was sent with what it made.",
        )

    def __repr__(self) -> str:
        return f"Policy({self.slug!r}, {self.hosts!r})"


def _place_of(error: Exception) -> str:
    # By hand: the traceback module would make up a tenth of what importing this package costs.
    trace = error.__traceback__
    assert trace is not None
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"line {trace.tb_lineno} of {trace.tb_frame.f_code.co_name}"


def _problem_with_headers(made: object) -> str | None:
    """Why a plugin's headers cannot be sent, without quoting a value; ``None`` if they can."""
    if not isinstance(made, Mapping) or not made:
        return "did not return headers"
    for name, value in made.items():
        if not isinstance(name, str) or not is_header_name(name):
            return "returned something that is not a header's name"
        reason = why_not_sendable(value) if isinstance(value, str) else "it is not a text"
        if reason:
            return f"returned a value for {name} that cannot be sent: {reason}"
    return None


def _plain_form(placement: CompiledPlacement, params: Params) -> _Plain | None:
    if placement.basic is not None or len(placement.header) != 1:
        return None
    (name, template), *_ = placement.header
    if template.pieces.count("token") != 1 or any(piece.startswith("field.") for piece in template.pieces[1::2]):
        return None
    parts = [
        params[piece.removeprefix("param.")] if index % 2 and piece != "token" else piece
        for index, piece in enumerate(template.pieces)
    ]
    at = 1 + template.pieces[1::2].index("token") * 2
    prefix, suffix = "".join(parts[:at]), "".join(parts[at + 1 :])
    return _Plain(name, prefix, suffix, _hidden([name])) if (prefix + suffix).isascii() else None
