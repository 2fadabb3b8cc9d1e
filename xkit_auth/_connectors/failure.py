"""Rules that read a provider's answer: what has to be there for it to mean that a credential is no good."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from .._values import (
    Challenge,
    ConfigurationError,
    Judgement,
    ResponseView,
    Value,
    Verdict,
    a_kind_of,
    says_how_to_call,
)


class Matcher(Value):
    """Says of a text whether it is one that is looked for."""

    __slots__ = ()
    text: str

    def __init__(self, text: str) -> None:
        self._set(text=text)

    @abstractmethod
    def matches(self, found: object) -> bool:
        """Whether ``found`` is such a text."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self, 'text', '')!r})"


class Contains(Matcher):
    """Matches a text that has this text in it, in any case.

    Example:
        >>> Contains("expired").matches("Token EXPIRED: exp=1700000000")
        True
    """

    __slots__ = ("text",)

    def matches(self, found: object) -> bool:
        """Whether ``found`` is such a text."""
        return isinstance(found, str) and self.text.casefold() in found.casefold()


class StartsWith(Matcher):
    """Matches a text that begins with this text, in any case.

    Example:
        >>> StartsWith("expired").matches("Token expired")
        False
    """

    __slots__ = ("text",)

    def matches(self, found: object) -> bool:
        """Whether ``found`` is such a text."""
        return isinstance(found, str) and found.casefold().startswith(self.text.casefold())


PRESENT = StartsWith("")
"""Matches any text: what matters is that it is there."""

Wanted: TypeAlias = Any
TextWanted: TypeAlias = "str | Matcher | Iterable[str | Matcher]"


class Failure(Value):
    """One rule that reads a provider's answer. Every condition that is given must hold.

    A condition is a value, or a matcher (``Contains``, ``StartsWith``, ``PRESENT``), or a list of these, one of which
    must match. Texts outside JSON are compared in any case.

    Attributes:
        then: the verdict if the rule holds.
        status: the HTTP status, or several.
        header: header names, and what the header must say.
        challenge: parameters of ``WWW-Authenticate``, such as ``{"error": "invalid_token"}``. If there are several
            challenges, one of them must have all of these.
        json: paths into a JSON body, and what must be there. A step of a path is a key (in any case), the number of an
            item of a list, or ``*`` for any item or value: ``"error.code"``, ``"0.errorCode"``, ``"errors.*.message"``.
            A key that begins with a dot is written with two: ``"error..tag"``.
        text: what the body must say, if it is not JSON.
        detail: with ``Verdict.CHALLENGE``, the parameter of the challenge whose value the event brings.

    ``json`` and ``text`` need ``status``, and the connector's ``inspect`` must name each of those statuses.

    Example:
        >>> said = {"ok": False, "error": ["token_expired", "invalid_auth"]}
        >>> rule = Failure(Verdict.REFETCH, status=200, json=said)
    """

    __slots__ = ("challenge", "detail", "header", "json", "status", "text", "then")
    then: Verdict
    status: tuple[int, ...]
    header: Mapping[str, TextWanted]
    challenge: Mapping[str, TextWanted]
    json: Mapping[str, Wanted]
    text: TextWanted | None
    detail: str | None

    @says_how_to_call
    def __init__(
        self,
        then: Verdict,
        *,
        status: int | Iterable[int] = (),
        header: Mapping[str, TextWanted] | None = None,
        challenge: Mapping[str, TextWanted] | None = None,
        json: Mapping[str, Wanted] | None = None,
        text: TextWanted | None = None,
        detail: str | None = None,
    ) -> None:
        self._set(
            then=then,
            status=_statuses(status),
            header=_conditions("header", header),
            challenge=_conditions("challenge", challenge),
            json=_conditions("json", json),
            text=tuple(text) if isinstance(text, Iterable) and not isinstance(text, str) else text,
            detail=detail,
        )

    def judged(self, response: ResponseView) -> Judgement | None:
        """The judgement, if the answer is of the kind that this rule describes."""
        if self.status and response.status not in self.status:
            return None
        if not all(_text_matches(response.headers.get(name), wanted) for name, wanted in self.header.items()):
            return None
        challenge = next(filter(self._is_meant, response.challenges), None) if self.challenge else None
        if self.challenge and challenge is None:
            return None
        if self.text is not None and not _text_matches(response.text, self.text):
            return None
        if not all(_is_anywhere(response.json, path, wanted) for path, wanted in self.json.items()):
            return None
        return Judgement(self.then, challenge.params.get(self.detail.lower()) if challenge and self.detail else None)

    def _is_meant(self, challenge: Challenge) -> bool:
        params = challenge.params
        return all(_text_matches(params.get(name.lower()), wanted) for name, wanted in self.challenge.items())


_CONDITIONS = {
    "header": '{"x-error": "token_expired"}',
    "challenge": '{"error": "invalid_token"}',
    "json": '{"error.code": "token_expired"}',
}


def _conditions(name: str, given: object) -> dict[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise ConfigurationError(
            f"Failure({name}=…) must be a mapping, not {a_kind_of(given)}",
            hint=f"Name what is looked at, and what it must say: {name}={_CONDITIONS[name]}.",
        )
    return dict(given or {})


def _statuses(given: object) -> tuple[Any, ...]:
    if isinstance(given, Iterable):
        return tuple(given)
    if isinstance(given, int):
        return (given,)
    raise ConfigurationError(
        f"Failure(status=…) must be an HTTP status or several, not {a_kind_of(given)}",
        hint="Write status=403 or status=[400, 403], or leave it out for any status.",
    )


def choices_of(wanted: Wanted) -> tuple[Any, ...]:
    """What a condition is content with: each of these by itself."""
    return tuple(wanted) if isinstance(wanted, (set, frozenset, list, tuple)) else (wanted,)


def _text_matches(found: str | None, wanted: TextWanted) -> bool:
    if found is None:
        return False
    return any(
        choice.matches(found) if isinstance(choice, Matcher) else found.strip().casefold() == choice.casefold()
        for choice in choices_of(wanted)
    )


def _is_anywhere(body: Any, path: str, wanted: Wanted) -> bool:
    return any(_matches(found, choice) for found in _at(body, steps_of(path)) for choice in choices_of(wanted))


def _matches(found: Any, choice: Any) -> bool:
    if isinstance(choice, Matcher):
        return choice.matches(found)
    return type(found) is type(choice) and bool(found == choice)


@lru_cache(maxsize=4096)
def steps_of(path: str) -> tuple[str, ...]:
    """The steps of a path into JSON.

    Raises:
        ValueError: there is an empty one.
    """
    steps = tuple(_STEP.findall(path))
    if ".".join(steps) != path or not path:
        raise ValueError(f"{path!r} has an empty step")
    return steps


_STEP = re.compile(r"(?:^|(?<=[^.]\.))\.?[^.]+")


def _at(body: Any, steps: tuple[str, ...]) -> Iterator[Any]:
    """Whatever is found at the end of these steps."""
    if not steps:
        yield body
        return
    step, *rest = steps
    for item in _items(body, step):
        yield from _at(item, tuple(rest))


def _items(body: Any, step: str) -> Iterable[Any]:
    if isinstance(body, dict):
        if step == "*":
            return body.values()
        if step in body:
            return (body[step],)
        return [value for key, value in body.items() if key.casefold() == step.casefold()]
    if isinstance(body, list):
        if step == "*":
            return body
        if step.isdecimal() and int(step) < len(body):
            return (body[int(step)],)
    return ()
