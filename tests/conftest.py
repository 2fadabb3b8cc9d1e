"""Looking for secrets as error trackers and debuggers do: into everything that an object leads to."""

from __future__ import annotations

import functools
import io
import types
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

_ENOUGH = 9
"""Characters in a row of a secret, in whatever form, that give it away."""
# Made for holding a secret: slots, and a repr that does not show it. Tools see no more of them than that.
_GROUND = {"Credential", "Secret", "Sending", "_PlainSending", "InUrl", "_Made", "_Redaction"}
_FAKES = "xkit_auth.testing"
"""The sandbox is the far side: it knows every credential."""


class Walk:
    """Looks for secrets in what an object leads to, and says where they are."""

    def __init__(self, secrets: Iterable[str], enters: Callable[[Any], bool]) -> None:
        self._enters = enters
        self._seen: dict[int, Any] = {}
        self._parts: set[str] = set()
        for secret in secrets:
            raw = secret.encode()
            forms = [
                secret,
                secret[::-1],
                " ".join(secret),
                raw.hex(),
                *(b64encode(b"\0" * n + raw).decode()[4:-4] for n in range(3)),
            ]
            self._parts |= {form[at : at + _ENOUGH] for form in forms for at in range(len(form) - _ENOUGH + 1)}

    def shows(self, text: str | bytes) -> bool:
        """Whether this text gives a secret away."""
        plain = text if isinstance(text, str) else text.decode("latin-1")
        if len(plain) < len(self._parts):
            return any(plain[at : at + _ENOUGH] in self._parts for at in range(len(plain) - _ENOUGH + 1))
        return any(part in plain for part in self._parts)

    def found_in(self, start: object, name: str = "it") -> list[str]:
        """The way to each text that gives a secret away. What this walk has seen before is not looked into again."""
        found, seen, waiting = [], self._seen, [(name, start)]
        while waiting:
            way, value = waiting.pop()
            if isinstance(value, (str, bytes, bytearray)):
                found += [way] if self.shows(bytes(value) if isinstance(value, bytearray) else value) else []
            elif id(value) not in seen and not isinstance(value, (type, types.ModuleType)):
                seen[id(value)] = value
                if type(value).__module__.startswith(_FAKES) or not self._enters(value):
                    continue
                if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
                    found += [f"repr({way})"] if self.shows(repr(value)) else []
                if type(value).__name__ not in _GROUND:
                    waiting += [(f"{way}{step}", inner) for step, inner in _inside(value)]
        return found


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        with suppress(NotImplementedError):  # urllib3 has one that does not tell
            yield from ((f"[{key!r}]", item) for key, item in list(value.items()))
            yield ".keys()", list(value)
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))
    elif isinstance(value, (io.BytesIO, io.StringIO)) and not value.closed:
        yield ".getvalue()", value.getvalue()
    elif isinstance(value, functools.partial):
        yield from ((".func", value.func), (".args", value.args), (".keywords", value.keywords))
    elif isinstance(value, types.MethodType):
        yield from ((".__self__", value.__self__), (".__func__", value.__func__))
    elif isinstance(value, types.FunctionType):
        yield from ((".__defaults__", value.__defaults__), (".__kwdefaults__", value.__kwdefaults__))
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            if cell != types.CellType():
                yield f".<cell {name}>", cell.cell_contents
    elif isinstance(value, types.GeneratorType) and value.gi_frame is not None:
        yield ".gi_frame.f_locals", dict(value.gi_frame.f_locals)
    elif isinstance(value, types.CoroutineType) and value.cr_frame is not None:
        yield ".cr_frame.f_locals", dict(value.cr_frame.f_locals)
    for name, item in list(getattr(value, "__dict__", {}).items()):
        yield f".{name}", item
    for name, slot in _slots(type(value)):
        with suppress(AttributeError):  # it is empty
            yield f".{name}", slot.__get__(value)


@functools.cache
def _slots(kind: type) -> list[tuple[str, types.MemberDescriptorType]]:
    return [
        (name, slot)
        for base in kind.__mro__
        if "__slots__" in vars(base)
        for name, slot in vars(base).items()
        if isinstance(slot, types.MemberDescriptorType)
    ]


def _everywhere(_value: object) -> bool:
    return True


@pytest.fixture
def walk() -> Callable[..., Walk]:
    """Makes a walk: ``walk(secrets)``, or ``walk(secrets, enters=…)`` where it must not go everywhere."""

    def make(secrets: Iterable[str], enters: Callable[[Any], bool] = _everywhere) -> Walk:
        return Walk(secrets, enters)

    return make
