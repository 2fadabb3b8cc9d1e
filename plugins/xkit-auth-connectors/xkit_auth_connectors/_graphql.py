"""What GraphQL APIs have in common: errors with a code, in one answer or in a batch of them."""

from __future__ import annotations

from collections.abc import Iterable

from xkit_auth import Failure, StartsWith, Verdict


def errors(then: Verdict, *codes: str, status: int | Iterable[int] = 200, at: str = "extensions.code") -> list[Failure]:
    """The rules for these codes, which servers write in capitals or not.

    A batch is answered with an array. It is sent again only if its first part was refused: then no part of it was done.
    """
    wanted = [StartsWith(code) for code in codes]
    part = "0" if then in (Verdict.REFETCH, Verdict.RECONNECT) else "*"
    paths = (f"errors.*.{at}", f"{part}.errors.*.{at}")
    return [Failure(then, status=status, json={path: wanted}) for path in paths]
