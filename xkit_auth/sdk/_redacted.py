"""An answer that somebody else's code got with the credential in its hands, of whatever library it is, without that.

Nothing is known about such an object. So the credential is looked for by its value, in every text that can be reached
from the answer, in any disguise. What is plainly a part of the exchange (requests, headers, URLs, bodies, earlier
answers) is masked in place. Whatever else leads to it, such as a connection or the SDK's client, is let go: others may
go on using that, so it must not be changed.
"""

from __future__ import annotations

import gc
import io
import types
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from .._values import MASK, Credential, Whole, forms_of

_SHORTEST = 4
"""Letters of a credential's part that are looked for: fewer are in every text."""
_LONGEST = 1024 * 1024
"""Letters of a text that are looked through. A longer one is masked."""
_MOST_OF_A_STRANGER = 500
_MOST_IN_ALL = 50_000
_MESSAGES = ("request", "req", "prepared_request", "request_info", "next_request", "next", "history", "response")
_OF_THE_EXCHANGE = frozenset((*_MESSAGES, "headers", "hdrs", "msg"))
_URLS = frozenset(("url", "real_url"))
_Text = str | bytes | bytearray


def redacted(answer: Any, credentials: Iterable[Credential]) -> Any:
    """The answer without the credentials: the same object, if it can be changed; ``None`` if nothing helps."""
    redaction = _Redaction(credentials)
    answer = redaction.clean(answer, "response")
    return None if redaction.is_in(answer, _MOST_IN_ALL) else answer


class _Redaction:
    """One answer's. It holds the credential's texts in slots, since tools look into attributes."""

    __slots__ = ("_cleaned", "_literal", "_search", "_shortest")

    def __init__(self, credentials: Iterable[Credential]) -> None:
        secrets = [text for each in credentials for text in each._texts() if len(text) >= _SHORTEST]
        written = {form for text in secrets for form in (text, quote(text, safe=""), quote(text))}
        self._literal = sorted(written, key=len, reverse=True)
        self._shortest = min((len(form) for text in secrets for form in forms_of(text)), default=0)
        self._search = Whole(secrets)
        self._cleaned: dict[int, tuple[Any, Any]] = {}

    # Texts

    def _is_said_in(self, text: _Text) -> bool:
        if len(text) < self._shortest or not self._literal:
            return False
        readings = (text,) if isinstance(text, str) else (text.decode("latin-1"), text.decode("utf-8", "replace"))
        return len(text) > _LONGEST or any(map(self._search.are_said_in, dict.fromkeys(readings)))

    def _masked(self, text: _Text) -> _Text:
        if not self._is_said_in(text):
            return text
        plain = text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")
        for form in self._literal:
            plain = plain.replace(form, MASK)
        masked = plain if isinstance(text, str) else type(text)(plain.encode("utf-8", "surrogateescape"))
        if not self._is_said_in(masked):
            return masked
        return MASK if isinstance(text, str) else type(text)(MASK.encode())

    # Objects

    def clean(self, value: Any, name: str) -> Any:
        """What an attribute, an item or an element of this name may be instead."""
        if isinstance(value, _Text):
            return self._masked(value)
        if id(value) in self._cleaned:
            return self._cleaned[id(value)][1]
        if not self.is_in(value, _MOST_OF_A_STRANGER):
            return value
        self._cleaned[id(value)] = value, value  # what leads back to itself meets itself
        cleaned = self._cleaned_once(value, name)
        self._cleaned[id(value)] = value, cleaned
        return cleaned

    def _cleaned_once(self, value: Any, name: str) -> Any:
        with suppress(Exception):  # whatever such an object does when it is looked at or changed
            cleaned = self._cleaner_of(value, name.strip("_").lower())(value, name)
            return cleaned if not self.is_in(cleaned, _MOST_IN_ALL) else None
        return None

    def _cleaner_of(self, value: Any, kind: str) -> Callable[[Any, str], Any]:
        if kind in _URLS:
            return self._url
        if isinstance(value, Mapping):
            return self._mapping
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._elements
        return self._object if kind in _OF_THE_EXCHANGE else _let_go

    def _url(self, url: Any, _name: str) -> Any:
        text = self._masked(str(url))
        with suppress(Exception):
            return type(url)(text)
        return text

    def _mapping(self, mapping: Mapping[Any, Any], _name: str) -> Mapping[Any, Any]:
        cleaned = [
            (key, item, self.clean(item, str(key))) for key, item in list(mapping.items()) if not self._is_key(key)
        ]
        if not isinstance(mapping, MutableMapping):
            return {key: clean for key, _, clean in cleaned}
        for key in filter(self._is_key, list(mapping)):
            del mapping[key]
        for key, item, clean in cleaned:
            if clean is not item:
                mapping[key] = clean
        return mapping

    def _is_key(self, key: object) -> bool:
        return self.is_in(key, _MOST_OF_A_STRANGER)

    def _elements(self, elements: Any, name: str) -> Any:
        names = getattr(elements, "_fields", (name,) * len(elements))
        cleaned = [self.clean(*pair) for pair in zip(elements, names, strict=True)]
        if isinstance(elements, list):
            elements[:] = cleaned
            return elements
        return getattr(type(elements), "_make", type(elements))(cleaned)

    def _object(self, owner: Any, _name: str) -> Any:
        for name, value in list(_attributes(owner)):
            clean = self.clean(value, name)
            if clean is not value:
                _set(owner, name, clean)
        return owner

    # Whether it is there

    def is_in(self, start: object, most: int) -> bool:
        """Whether the credential can be reached from this. What has more than ``most`` objects in it is not trusted."""
        waiting, seen = [start], {}
        while waiting:
            value = waiting.pop()
            if isinstance(value, _Text):
                if self._is_said_in(value):
                    return True
            elif id(value) not in seen and not isinstance(value, (type, types.ModuleType)):
                seen[id(value)] = value
                waiting += _inside(value)
            if len(seen) > most:
                return True
        return False


def _let_go(_value: object, _name: str) -> None:
    """What is not a part of the exchange."""


def _inside(value: Any) -> Iterator[Any]:
    """Everything that an object leads to, as tools and debuggers see it."""
    if isinstance(value, Mapping):
        with suppress(Exception):
            yield from list(value.items())
    elif isinstance(value, (memoryview, array)):
        with suppress(ValueError):  # it is released
            yield bytes(value)
    elif isinstance(value, (io.BytesIO, io.StringIO)):
        with suppress(ValueError):  # it is closed
            yield value.getvalue()
    elif isinstance(value, types.FunctionType):
        yield from (value.__defaults__, value.__kwdefaults__, value.__closure__)
    elif isinstance(value, types.GeneratorType) and value.gi_frame is not None:
        yield value.gi_frame.f_locals
    elif isinstance(value, types.CoroutineType) and value.cr_frame is not None:
        yield value.cr_frame.f_locals
    else:  # any container, an exception, a view, an iterator, a bound method: what the garbage collector sees
        yield from gc.get_referents(value)
    yield from (item for _, item in _attributes(value))


def _attributes(owner: Any) -> Iterator[tuple[str, Any]]:
    """What an object holds, in its dictionary and in its slots. No code of its class is run."""
    with suppress(TypeError):
        yield from list(vars(owner).items())
    for kind in type(owner).__mro__:
        slots = vars(kind).items() if "__slots__" in vars(kind) else ()
        for name, slot in list(slots):
            if isinstance(slot, types.MemberDescriptorType):
                with suppress(AttributeError):  # it is empty
                    yield name, slot.__get__(owner)


def _set(owner: Any, name: str, value: object) -> None:
    """Set an attribute, of a frozen object, too."""
    if name in getattr(owner, "__dict__", ()):
        vars(owner)[name] = value
    else:
        object.__setattr__(owner, name, value)
