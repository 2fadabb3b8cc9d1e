"""What may be shown of an answer of Xkit's: the fields that Xkit documents, as far as they hold no part of a secret.

It goes by what is known to be harmless. A list of the names that secrets have is always one name short, so a field
that nobody knows is shown by its name alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from .._values import MASK, Parts, is_plain_name, looks_secret, shown

_Fields: TypeAlias = "Mapping[str, _Fields | bool]"

SECRET_FIELDS = ("credential", "access_token", "access_credential")
"""The names that the credential has had, newest first."""

KNOWN_STATUSES = ("active", "error", "awaiting_callback", "retrieving_tokens")

_MOST_WITHHELD = 16 * 1024
_MOST_SHOWN = 500
_SHORTEST_WITHHELD = 6
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)


def _of(*names: str, **inside: _Fields) -> _Fields:
    return {**dict.fromkeys(names, True), **inside}


_CONNECTOR = _of("name", "slug", "short_description", "mark_url", "about", "description")
_PROTOTYPE = _of(
    *("name", "slug", "collect_video_url", "collect_instructions", "collect_label", "collect_field", "collect_suffix"),
    collect_fields=_of("name", "label", "suffix"),
)
_AUTHORIZATION = _of(
    *("id", "status", "error_code", "error_message", "display_label", "expires_at", "expires_in"),
    authorizer=_of("client_id", prototype=_PROTOTYPE),
    connector=_CONNECTOR,
    initiating_connector=_CONNECTOR,
)
_BESIDE = {"authorization": _AUTHORIZATION, "connector": _CONNECTOR, "context": _of("external_id", "external_name")}
_ERROR = _of("", "error", "message", "path")  # or a text itself
_DOCUMENTED = _of("message", error=_ERROR, errors=_ERROR, connection=_of("id", **_BESIDE), **_BESIDE)
_NAMES_OF_SECRETS = frozenset((*SECRET_FIELDS, "authorize_url", "state"))


class Showing:
    """Decides on each text of one answer whether it may be shown.

    Args:
        body: the answer.
        secrets: what must not be shown of it or of anything else, in whatever disguise.
    """

    __slots__ = ("_body", "_left", "_secrets")

    def __init__(self, body: Mapping[str, Any], secrets: Iterable[str]) -> None:
        self._body = body
        self._secrets = Parts(secrets)
        self._left = _MOST_SHOWN  # an answer of Xkit's has some fifty texts

    def label(self, value: object) -> str:
        """A name or an id as it may be shown."""
        return shown(value, self._secrets)

    def words(self, text: str) -> str:
        """Something said about an error, which may quote what stands in a field that nobody knows."""
        withheld = _withheld_in(self._body)
        if looks_secret(text) or sum(map(len, withheld)) > _MOST_WITHHELD or Parts(withheld).are_said_in(text):
            return MASK
        return self.label(text)

    def raw(self) -> dict[str, Any]:
        """The whole answer, with everything masked that is not known to be harmless."""
        masked: dict[str, Any] = _mapped(self._body, _DOCUMENTED, self._name, self._as_it_is, _masked)
        return masked

    def _name(self, name: str) -> str:
        is_fit = name in _NAMES_OF_SECRETS or (is_plain_name(name) and not self._secrets.are_said_in(name))
        return name if is_fit else MASK

    def _as_it_is(self, value: Any) -> Any:
        if value in KNOWN_STATUSES:
            return value
        self._left -= 1
        is_secret = self._left < 0 or (isinstance(value, str) and looks_secret(value))
        return MASK if is_secret or self._secrets.are_said_in(str(value)) else value


def texts_in(values: Iterable[Any]) -> Iterator[str]:
    """Every text and number in values of JSON, however deep."""
    for value in values:
        if isinstance(value, dict):
            yield from texts_in(value.values())
        elif isinstance(value, list):
            yield from texts_in(value)
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
            yield str(value)


def _mapped(
    value: Any,
    fields: _Fields | bool,
    name: Callable[[str], str],
    known: Callable[[Any], Any],
    unknown: Callable[[Any], Any],
) -> Any:
    """A value of JSON, each text and number in it replaced by what ``known`` or ``unknown`` makes of it.

    ``fields`` are the names that are known inside it (``""`` for a text in its place), or whether it is itself known;
    ``name`` is for all other names.
    """
    inside = fields if isinstance(fields, Mapping) else {}
    if isinstance(value, dict):
        return {
            key if key in inside else name(key): _mapped(item, inside.get(key, {}), name, known, unknown)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_mapped(item, inside, name, known, unknown) for item in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    return known(value) if fields is True or "" in inside else unknown(value)


def _masked(value: Any) -> str:
    return value if isinstance(value, str) and _DATE.fullmatch(value) else MASK


def _withheld_in(body: Mapping[str, Any]) -> list[str]:
    """What ``raw`` masks because nobody knows what it is. Short words would be found in every text."""
    found: list[str] = []
    _mapped(body, _DOCUMENTED, str, str, lambda value: found.append(str(value)))
    return [text for text in found if len(text) >= _SHORTEST_WITHHELD or (text.isdigit() and len(text) > 3)]
