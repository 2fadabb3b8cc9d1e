"""Where a credential is written on a request: templates for headers, HTTP Basic, and parts of the URL."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from .._values import MASK, Credential, Value, did_you_mean, plain_if_text, quoted, says_how_to_call, unsendable
from .params import Params

_BEARER = {"Authorization": "Bearer {token}"}
_SECRET = ("token", "field.")
SLOT = re.compile(r"\{([^{}]*)\}")


class Default(str):
    """A value of ``extra`` that gives way: to the caller's own header, and to none if its param was not given.

    The ``Accept: */*`` that clients send by themselves is not the caller's own.

    Example:
        >>> version = {"Stripe-Version": Default("2024-06-20")}
        >>> account = {"Stripe-Account": Default("{param.account}")}
    """

    __slots__ = ()


class Template:
    """A text with slots: ``{token}``, ``{field.NAME}`` for one part of a credential, ``{param.NAME}`` for a param."""

    __slots__ = ("pieces", "text")

    def __init__(self, text: str, *, allowed: Iterable[str]) -> None:
        allowed = tuple(allowed)
        self.text = text
        self.pieces = tuple(SLOT.split(text))  # literal, slot, literal, slot, …, literal
        for index, piece in enumerate(self.pieces):
            if index % 2 == 0 and ("{" in piece or "}" in piece):
                raise ValueError(f"{quoted(text)} has a brace without its partner")
            if index % 2 and piece not in allowed and not (piece.startswith("field.") and "field." in allowed):
                slot = MASK if quoted(piece) == MASK else f"{{{piece}}}"
                raise ValueError(f"{quoted(text)} has the unknown slot {slot}{did_you_mean(piece, allowed, '{{{}}}')}")

    @property
    def params(self) -> tuple[str, ...]:
        """The names of the params that it needs."""
        return params_in(self.text)

    @property
    def is_secret(self) -> bool:
        """Whether a part of the credential goes into it."""
        return is_secret(self.text)

    def filled(self, value_of: Callable[[str], str]) -> str:
        """The text with each slot replaced by what ``value_of`` says for its name."""
        return "".join([value_of(piece) if index % 2 else piece for index, piece in enumerate(self.pieces)])


def is_secret(text: str) -> bool:
    """Whether a part of the credential goes into a template."""
    return any(slot.startswith(_SECRET) for slot in SLOT.findall(text))


def params_in(text: str) -> tuple[str, ...]:
    """The names of the params that a template needs."""
    return tuple(slot.removeprefix("param.") for slot in SLOT.findall(text) if slot.startswith("param."))


class Placement(Value):
    """Where one kind of credential goes.

    Attributes:
        header: header names and templates, such as ``{"X-Api-Key": "{token}"}``; several are allowed.
        basic: the templates of user name and password for HTTP Basic, instead of ``header``; either may be a constant
            or empty.
        query: names and templates of query parameters.
        path: a template that goes before the path of the URL, such as ``"/bot{token}"``.
        hosts: the hosts for this kind, instead of the connector's.
        extra: further headers for this kind, beside the connector's.

    Templates know ``{token}`` (the credential's text), ``{field.NAME}`` (one part of a credential that has several)
    and ``{param.NAME}``. Without ``header``, ``basic``, ``query`` and ``path`` it is ``Authorization: Bearer {token}``.

    A credential in ``query`` or ``path`` is seen in more places than one in a header, so such a kind is used only if
    the application names it: ``XkitAuth(…, kind="…")``.

    Example:
        >>> Placement(basic=("{field.email}/token", "{field.api_key}")).basic
        ('{field.email}/token', '{field.api_key}')
    """

    __slots__ = ("basic", "extra", "header", "hosts", "path", "query")
    header: Mapping[str, str]
    basic: tuple[str, str] | None
    query: Mapping[str, str]
    path: str
    hosts: tuple[str, ...]
    extra: Mapping[str, str]

    @says_how_to_call
    def __init__(
        self,
        *,
        header: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        path: str = "",
        hosts: Iterable[str] = (),
        extra: Mapping[str, str] | None = None,
    ) -> None:
        if header is None and basic is None and query is None and not path:
            header = _BEARER
        self._set(
            header=_dict(header),
            basic=tuple(map(plain_if_text, basic)) if isinstance(basic, Iterable) else basic,
            query=_dict(query),
            path=plain_if_text(path),
            hosts=tuple(map(plain_if_text, hosts))
            if isinstance(hosts, Iterable) and not isinstance(hosts, str)
            else hosts,
            extra=_dict(extra),
        )

    def replace(self, **changes: Any) -> Placement:
        """The same placement with some of its fields changed."""
        return Placement(**{**self._attributes(), **changes})

    @property
    def templates(self) -> tuple[str, ...]:
        """Every template that says where the credential goes."""
        return (*self.header.values(), *(self.basic or ()), *self.query.values(), self.path)

    @property
    def exposes(self) -> bool:
        """Whether it puts the credential into the URL, where logs show it."""
        return any(map(is_secret, (*self.query.values(), self.path)))


def _dict(value: Mapping[str, str] | None) -> Mapping[str, str]:
    """A mapping of our own. What is none stays as it is: the connector that gets it can say whose mistake that is."""
    if value is None:
        return {}
    return plain_texts(value) if isinstance(value, Mapping) else value


def plain_texts(value: Mapping[Any, Any]) -> dict[Any, Any]:
    """The same with names and texts that are what they hold; a ``Default`` stays one."""
    return {
        plain_if_text(name): text if isinstance(text, Default) else plain_if_text(text) for name, text in value.items()
    }


class CompiledPlacement(NamedTuple):
    """A placement with its templates read once."""

    header: tuple[tuple[str, Template], ...]
    basic: tuple[Template, Template] | None
    query: tuple[tuple[str, Template], ...]
    path: Template

    @property
    def is_only_header(self) -> bool:
        """Whether nothing goes into the URL, and there is no HTTP Basic."""
        return not (self.basic or self.query or self.path.text)

    def headers_for(self, credential: Credential, params: Params) -> list[tuple[str, str]]:
        """The credential's headers. Keep the result out of sight: it holds the credential's text."""
        value_of = _values(credential, params)
        if self.basic is None:
            return [(name, template.filled(value_of)) for name, template in self.header]
        encoded = _basic(self.basic, value_of)
        if encoded is None:
            raise unsendable("as HTTP Basic: its user name contains a colon, or it is not latin-1")
        return [("Authorization", encoded)]

    def query_for(self, credential: Credential, params: Params) -> dict[str, str]:
        """The query parameters, not yet encoded. Keep them out of sight, too."""
        value_of = _values(credential, params)
        return {name: template.filled(value_of) for name, template in self.query}

    def prefix_for(self, credential: Credential, params: Params, encoded: Callable[[str], str]) -> str:
        """What goes before the path. Keep it out of sight, too."""
        value_of = _values(credential, params)

        def segment(slot: str) -> str:
            if value_of(slot).strip(".") == "":
                raise unsendable("in a path: it is nothing but dots")
            return encoded(value_of(slot))

        return self.path.filled(segment)


def _values(credential: Credential, params: Params) -> Callable[[str], str]:
    def value_of(slot: str) -> str:
        if slot.startswith("param."):
            return params[slot.removeprefix("param.")]
        return credential.reveal(None if slot == "token" else slot.removeprefix("field."))

    return value_of


def _basic(pair: tuple[Template, Template], value_of: Callable[[str], str]) -> str | None:
    user, password = (template.filled(value_of) for template in pair)
    if ":" in user or any(ord(character) > 0xFF for character in user + password):
        return None
    return "Basic " + b2a_base64(f"{user}:{password}".encode("latin-1"), newline=False).decode()


def slots(params: Iterable[str], *, with_credential: bool = False) -> tuple[str, ...]:
    """What a template may name."""
    return ((*_SECRET,) if with_credential else ()) + tuple(f"param.{name}" for name in params)


def compiled(placement: Placement, params: Iterable[str]) -> CompiledPlacement:
    """``placement`` made ready to be filled often."""
    allowed = slots(params, with_credential=True)

    def read(text: str) -> Template:
        return Template(text, allowed=allowed)

    return CompiledPlacement(
        header=tuple((name, read(text)) for name, text in placement.header.items()),
        basic=None if placement.basic is None else (read(placement.basic[0]), read(placement.basic[1])),
        query=tuple((name, read(text)) for name, text in placement.query.items()),
        path=read(placement.path),
    )
