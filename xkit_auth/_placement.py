"""Where a credential is written on a request: templates for headers, and HTTP Basic."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from ._errors import PlatformProtocolError
from ._model import Credential, Value

Params: TypeAlias = Mapping[str, str]

_BEARER = {"Authorization": "Bearer {token}"}
SLOT = re.compile(r"\{([^{}]*)\}")


class Default(str):
    """A value of ``extra`` that gives way to the caller's own header.

    Example:
        >>> extra = {"Stripe-Version": Default("2024-06-20")}
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
                raise ValueError(f"{text!r} has a brace without its partner")
            if index % 2 and piece not in allowed and not (piece.startswith("field.") and "field." in allowed):
                raise ValueError(f"{text!r} has the unknown slot {{{piece}}}")

    def filled(self, value_of: Callable[[str], str]) -> str:
        """The text with each slot replaced by what ``value_of`` says for its name."""
        return "".join([value_of(piece) if index % 2 else piece for index, piece in enumerate(self.pieces)])


class Placement(Value):
    """Where one kind of credential goes.

    Attributes:
        header: header names and templates, such as ``{"X-Api-Key": "{token}"}``; several are allowed.
        basic: the templates of user name and password for HTTP Basic; either may be a constant or empty.

    Templates know ``{token}`` (the credential's text), ``{field.NAME}`` (one part of a credential that has several)
    and ``{param.NAME}``. Give ``header`` or ``basic``; without either it is ``Authorization: Bearer {token}``.

    Example:
        >>> Placement(basic=("{field.email}/token", "{field.api_key}"))
        Placement(basic=('{field.email}/token', '{field.api_key}'), header={})
    """

    __slots__ = ("basic", "header")
    header: Mapping[str, str]
    basic: tuple[str, str] | None

    def __init__(self, *, header: Mapping[str, str] | None = None, basic: tuple[str, str] | None = None) -> None:
        if header is None and basic is None:
            header = _BEARER
        self._set(header=dict(header or {}), basic=None if basic is None else tuple(basic))


class CompiledPlacement(NamedTuple):
    """A placement with its templates read once."""

    header: tuple[tuple[str, Template], ...]
    basic: tuple[Template, Template] | None

    def headers_for(self, credential: Credential, params: Params) -> list[tuple[str, str]]:
        """The credential's headers. Keep the result out of sight: it holds the credential's text."""

        def value_of(slot: str) -> str:
            if slot.startswith("param."):
                return params[slot.removeprefix("param.")]
            return credential.reveal(None if slot == "token" else slot.removeprefix("field."))

        if self.basic is None:
            return [(name, template.filled(value_of)) for name, template in self.header]
        encoded = _basic(self.basic, value_of)
        if encoded is None:
            what = "The credential cannot be sent as HTTP Basic: its user name contains a colon, or it is not latin-1"
            raise PlatformProtocolError(what)
        return [("Authorization", encoded)]


def _basic(pair: tuple[Template, Template], value_of: Callable[[str], str]) -> str | None:
    user, password = (template.filled(value_of) for template in pair)
    if ":" in user or any(ord(character) > 0xFF for character in user + password):
        return None
    return "Basic " + b2a_base64(f"{user}:{password}".encode("latin-1"), newline=False).decode()


def compiled(placement: Placement, params: Iterable[str]) -> CompiledPlacement:
    """``placement`` made ready to be filled often."""
    allowed = ("token", "field.", *(f"param.{name}" for name in params))

    def read(text: str) -> Template:
        return Template(text, allowed=allowed)

    basic = None if placement.basic is None else (read(placement.basic[0]), read(placement.basic[1]))
    return CompiledPlacement(tuple((name, read(text)) for name, text in placement.header.items()), basic)
