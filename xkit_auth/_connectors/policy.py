"""A connector settled for use: where the credential may go, how it is written, what an answer means.

Everything that does not change from request to request is worked out here once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, NamedTuple

from .._values import (
    MASK,
    ConfigurationError,
    Credential,
    Hosts,
    Judgement,
    RequestView,
    ResponseView,
    Verdict,
    XkitAuthError,
    is_header_name,
    is_partly_said_in,
    is_said_in,
    origin_of,
    remedy_for,
    shown,
    told,
    unsendable,
    why_not_sendable,
)
from .body import is_wanted, json_and_text
from .connector import Connector, extra_for, judged_by_rules
from .failure import choices_of
from .in_url import InUrl, in_path, in_url, path_of
from .params import Params
from .placement import (
    CompiledPlacement,
    Default,
    Placement,
    Template,
    compiled,
    is_secret,
    params_in,
    plain_texts,
    slots,
)

FormatHook = Callable[..., Mapping[str, str] | None]
ClassifyHook = Callable[..., Verdict | Judgement | None]

_ANYTHING = "*/*"
_MANY_DIGITS = 10
_LONGEST_DETAIL = 4 * 1024
LONG_ENOUGH = 8
"""Letters of a credential's part that nobody says by chance."""

LARGEST_BODY = 64 * 1024
"""Bytes of an answer that are read at the most, to judge it or to keep it on an error."""


class Sending:
    """What carries one credential on one request: headers, and perhaps a part of the URL. It is not shown.

    Tools that walk tracebacks look into tuples, mappings and attributes, whatever their ``repr`` says. So texts with a
    credential in them are kept in slots of this class and of ``InUrl``, and nowhere else on their way.
    """

    __slots__ = ("_texts", "credential", "hidden", "in_url", "is_ascii", "names")
    #: The names of the headers.
    names: tuple[str, ...]
    #: Those that clients carry to other hosts, which is all but ``Authorization``.
    hidden: tuple[str, ...]
    #: Whether a client may encode the values as it likes.
    is_ascii: bool
    #: What goes into the URL, if anything does.
    in_url: InUrl | None

    def __init__(
        self,
        credential: Credential,
        headers: Mapping[str, str] | Iterable[tuple[str, str]],
        in_url: InUrl | None = None,
    ) -> None:
        self._texts = dict(headers)
        self.credential = credential
        self.in_url = in_url
        self.names = tuple(self._texts)
        self.hidden = _hidden(self.names)
        self.is_ascii = all(map(str.isascii, self._texts.values()))

    def _text(self, name: str) -> str:
        return self._texts[name]

    def put_on(self, headers: MutableMapping[str, Any]) -> None:
        """Set the headers, in place of any of the same name."""
        for name in self.names:
            headers[name] = self._text(name)

    def put_in(self, url: str) -> str:
        """The URL with what goes into it."""
        return url if self.in_url is None else self.in_url.put_in(url)

    def split(self) -> tuple[Sending, Sending]:
        """The headers that clients strip on a redirect elsewhere, and those that they do not."""
        return self._only([name for name in self.names if name not in self.hidden]), self._only(self.hidden)

    def _only(self, names: Iterable[str]) -> Sending:
        return Sending(self.credential, {name: self._text(name) for name in names})

    def is_on(self, headers: Mapping[str, Any], url: str) -> bool:
        """Whether a request with these headers and this URL carries exactly this."""
        if self.in_url is not None and not self.in_url.is_in(url):
            return False
        return all(headers.get(name) == self._text(name) for name in self.names)

    def is_ours(self, value: str) -> bool:
        """Whether this is the value of one of the headers, or one that was made of it."""
        return any(value == self._text(name) for name in self.names) or self.is_said_in(value)

    def bare(self, url: str) -> str:
        """The URL without what was put into it."""
        return url if self.in_url is None else self.in_url.taken_out_of(url)

    def is_said_in(self, text: str) -> bool:
        """Whether a text, such as the target of a redirect, says the credential back, in whatever encoding."""
        texts = list(self.credential._texts())
        telling = [each for each in texts if len(each) >= LONG_ENOUGH] or texts
        return is_said_in(text, *telling)

    def encoded(self) -> list[tuple[bytes, bytes]]:
        """The headers as bytes, for a place below the client. Keep the result out of sight."""
        return [(name.encode("ascii"), self._text(name).encode("latin-1")) for name in self.names]

    def __reduce__(self) -> Any:
        return type(None), ()  # whatever it was put on pickles without it

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
    in_url = None

    def __init__(self, credential: Credential, plain: _Plain) -> None:
        self.credential = credential
        self.names = (plain.name,)
        self.hidden = plain.hidden
        self._plain = plain

    def _text(self, name: str) -> str:
        return f"{self._plain.prefix}{self.credential.reveal()}{self._plain.suffix}"


class _Made:
    """What is to be written, from a plugin or a template, checked and not shown."""

    __slots__ = ("problem", "texts")

    def __init__(self, made: object, is_name: Callable[[str], bool]) -> None:
        self.texts: dict[str, str] = {}
        self.problem = None
        if made is not None:
            self.texts.update(plain_texts(made) if isinstance(made, Mapping) else {})
            self.problem = _problem_with(self.texts, is_name)

    def __repr__(self) -> str:
        return f"_Made({MASK})"


def wants_body(connector: Connector, status: int, headers: Mapping[str, str]) -> bool:
    """Whether a connector's rules may read this answer's body: of a type that it names, small, and no download."""
    wanted = connector.inspect.get(status)
    if wanted is None or not is_wanted(headers.get("content-type", ""), choices_of(wanted)):
        return False
    length = headers.get("content-length", "")
    small = not length.isdecimal() or (len(length) < _MANY_DIGITS and int(length) <= LARGEST_BODY)
    return small and "attachment" not in headers.get("content-disposition", "").lower()


def answer_view(status: int, headers: Mapping[str, str], body: bytes | None, request: RequestView) -> ResponseView:
    """A view of an answer, whose body is ``None`` if nobody wants it or it was not read."""
    if body is None or len(body) > LARGEST_BODY:
        return ResponseView(status=status, headers=headers, request=request)
    json, text = json_and_text(body, headers.get("content-type", ""))
    return ResponseView(status=status, headers=headers, json=json, text=text, request=request)


def fit_to_tell(judgement: Judgement, credential: Credential) -> Judgement:
    """A judgement, without its detail unless that is one line, not too long, and free of the credential."""
    detail: object = judgement.detail
    if not isinstance(detail, str) or len(detail) > _LONGEST_DETAIL or why_not_sendable(detail):
        return Judgement(judgement.verdict)
    return Judgement(judgement.verdict) if is_partly_said_in(detail, credential._texts()) else judgement


class Policy:
    """One connector with its kind of credential, hosts, params and plugins, ready for requests."""

    __slots__ = (
        "_classify",
        "_format",
        "_http_to_loopback",
        "_placement",
        "_plain",
        "_query",
        "connector",
        "extra",
        "hides_plain",
        "hosts",
        "judges_redirects",
        "kind",
        "of_other_kinds",
        "one_header",
        "params",
        "slug",
        "unremarkable_below",
        "writes_url",
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
        query_hook: FormatHook | None,
        classify_hook: ClassifyHook | None,
    ) -> None:
        self.slug = slug
        self.connector = connector
        self.kind = kind
        self.hosts = hosts
        self.params = params
        self._http_to_loopback = http_to_loopback
        self._format = format_hook
        self._query = query_hook
        self._classify = classify_hook
        self._placement = compiled(connector.kinds[kind], connector.params)
        self.extra = self._settled_extra(kind)
        #: The headers, in lower case, in which a credential of another kind of this connector would go: what a client
        #: or an SDK has put there comes off when ours is put on.
        self.of_other_kinds = _headers_of_kinds(connector) - _names_in(connector.kinds[kind])
        self._plain = None if format_hook or query_hook else _plain_form(self._placement, params)
        #: The header that a plain credential goes into, if that is all there is to do for a request: its name in lower
        #: case and as it is, and what stands before and behind the credential.
        self.one_header = None if self.extra or self.of_other_kinds else _one_header(self._plain)
        #: Whether a part of the URL may have to be taken out of it again.
        self.writes_url = query_hook is not None or bool(self._placement.query or self._placement.path.text)
        self.hides_plain = self._plain is not None and bool(self._plain.hidden)
        # Below this status no rule can hold, so that an ordinary answer costs one comparison.
        statuses = [status for rule in connector.failures for status in rule.status or (0,)]
        self.unremarkable_below = 0 if classify_hook else min([401, *statuses])
        #: Whether a redirect, such as one to a page for logging in, may be a refusal.
        self.judges_redirects = classify_hook is not None or any(not each or 300 <= each < 400 for each in statuses)

    def _settled_extra(self, kind: str) -> tuple[tuple[str, str, bool], ...]:
        allowed = slots(self.connector.params)
        return tuple(
            (name, Template(text, allowed=allowed).filled(self._param), isinstance(text, Default))
            for name, text in extra_for(self.connector, kind).items()
            if all(param in self.params for param in params_in(text))
        )

    def _param(self, slot: str) -> str:
        return self.params[slot.removeprefix("param.")]

    @property
    def is_computed(self) -> bool:
        """Whether a plugin may write other headers than the connector says."""
        return self._format is not None or self._query is not None

    # Where it may go

    def allows(self, url: str) -> bool:
        """Whether the credential may go to this absolute URL."""
        origin = origin_of(url)
        return origin is not None and self.hosts.allow(origin, http_to_loopback=self._http_to_loopback)

    def may_mean(self, url: str) -> bool:
        """Whether this URL's path is one of the connector's, as far as it says which are."""
        paths = self.connector.paths
        return not paths or path_of(url).startswith(paths)

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

    @property
    def plain_name(self) -> str | None:
        """The one header of ``put_plain``; ``None`` if that never does anything."""
        return None if self._plain is None else self._plain.name

    def plain_text(self, credential: Credential) -> str:
        """The value of that header. Keep it out of sight."""
        assert self._plain is not None
        return f"{self._plain.prefix}{credential._parts}{self._plain.suffix}"

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
            return Sending(credential, self._headers(credential, view), self._in_url(credential, view))
        except XkitAuthError as error:
            error.connector = error.connector or self.slug
            raise

    def _headers(self, credential: Credential, view: Callable[[], RequestView]) -> Mapping[str, str]:
        made = self._from_plugin("xkit_auth_format_headers", self._format, is_header_name, credential, view)
        if made is None:
            made = _Made(dict(self._placement.headers_for(credential, self.params)), is_header_name)
            if made.texts and made.problem:
                raise unsendable("in the form that the connector gives it")
        return made.texts

    def _in_url(self, credential: Credential, view: Callable[[], RequestView]) -> InUrl | None:
        placement = self._placement
        made = self._from_plugin("xkit_auth_format_query", self._query, _is_sendable, credential, view)
        if made is None and not (placement.query or placement.path.text):
            return None
        # In one expression: what is in no variable is in no traceback that shows them.
        return in_url(
            placement.prefix_for(credential, self.params, in_path),
            {**placement.query_for(credential, self.params), **(made.texts if made else {})},
        )

    def _from_plugin(
        self,
        name: str,
        hook: FormatHook | None,
        is_name: Callable[[str], bool],
        credential: Credential,
        view: Callable[[], RequestView],
    ) -> _Made | None:
        """What a plugin wants written; ``None`` if there is none, or it leaves that to the template."""
        if hook is None:
            return None

        def checked(**arguments: Any) -> _Made:  # what a mapping's own code raises is the plugin's mistake, too
            return _Made(hook(**arguments), is_name)

        made: _Made = self._asked(
            name, checked, credential=credential, kind=self.kind, params=self.params, request=view()
        )
        if made.problem:
            raise self._plugin_mistake(name, shown(made.problem, credential._texts()))
        return made if made.texts else None

    def add_extra(self, headers: MutableMapping[str, Any]) -> None:
        """Set the further headers that the provider wants."""
        for name, value in self.extra_for(headers):
            headers[name] = value

    def extra_for(self, headers: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The further headers that the provider wants; those marked default give way to the caller's."""
        return [
            (name, value)
            for name, value, gives_way in self.extra
            # An Accept that is content with anything is what clients send by themselves.
            if not gives_way or headers.get(name, _ANYTHING) == _ANYTHING
        ]

    # What an answer means

    def wants_body(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether the rules may read this answer's body: of a type that the connector names, small, and no download."""
        return wants_body(self.connector, status, headers)

    def judge(self, credential: Credential, response: ResponseView) -> Judgement:
        """What the provider's answer says about the credential."""
        return fit_to_tell(self._judged(credential, response), credential)

    def _judged(self, credential: Credential, response: ResponseView) -> Judgement:
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
        except XkitAuthError as error:
            mistake = without_secrets(error, credential)
        except Exception as error:
            raised = f"raised {told(error, credential._texts())} ({_place_of(error)})"
            mistake = self._plugin_mistake(name, raised, remedy_for(error))
        # Not chained: the text and the frames of a plugin's exception may hold the credential.
        raise mistake

    def _plugin_mistake(self, hook: str, what: str, remedy: str = "Correct the plugin.") -> ConfigurationError:
        return ConfigurationError(
            f"The plugin's {hook} {what}",
            connector=self.slug,
            hint=f"{remedy} No request was sent with what it made.",
        )

    def __repr__(self) -> str:
        return f"Policy({self.slug!r}, {self.hosts!r})"


def _headers_of_kinds(connector: Connector) -> frozenset[str]:
    return frozenset().union(*map(_names_in, connector.kinds.values()))


def _names_in(placement: Placement) -> frozenset[str]:
    """The headers that carry a credential of this kind, in lower case."""
    names = [name for name, text in placement.header.items() if is_secret(text)]
    return frozenset(name.lower() for name in (*names, *(["Authorization"] if placement.basic else [])))


def without_secrets(error: XkitAuthError, credential: Credential) -> XkitAuthError:
    """An error of ours that somebody raised who had the credential: without that, their frames, and what led to it."""
    error.args = tuple([MASK if is_partly_said_in(str(each), credential._texts()) else each for each in error.args])
    for name in vars(error):
        if is_partly_said_in(str(getattr(error, name)), credential._texts()):
            setattr(error, name, MASK)
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _is_sendable(name: str) -> bool:
    return why_not_sendable(name) is None


def _place_of(error: Exception) -> str:
    # By hand: the traceback module would make up a tenth of what importing this package costs.
    trace = error.__traceback__
    assert trace is not None
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"line {trace.tb_lineno} of {trace.tb_frame.f_code.co_name}"


def _problem_with(made: Mapping[Any, Any], is_name: Callable[[str], bool]) -> str | None:
    """Why what a plugin made cannot be sent, without quoting a value; ``None`` if it can."""
    if not made:
        return "returned neither None nor names with their values"
    for name in made:
        if not isinstance(name, str) or not is_name(name):
            return "returned something that is not a name"
        reason = why_not_sendable(made[name]) if isinstance(made[name], str) else "it is not a text"
        if reason:
            return f"returned a value for {name} that cannot be sent: {reason}"
    return None


def _one_header(plain: _Plain | None) -> tuple[str, str, str, str] | None:
    return None if plain is None else (plain.name.lower(), plain.name, plain.prefix, plain.suffix)


def _plain_form(placement: CompiledPlacement, params: Params) -> _Plain | None:
    if not placement.is_only_header or len(placement.header) != 1:
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
