"""The warm request: what an auth object costs when its credential is at hand, on each client.

The transport answers at once, inside the process, so what is timed is the client's own work and the auth's.
"""

from __future__ import annotations

from typing import Any

from auths import TOKEN, USER, constant, maker_of_ours, ours, peers
from clients import CLIENTS, Client
from measure import Effort, Repeat, Subject, beyond, microseconds, ratio, timed
from report import Table, verdict

FULL = Effort(repeats=25, rounds=60, size=10)
QUICK = Effort(repeats=7, rounds=30, size=10)
TRIES = 3
STEADY = 0.02
"""How far the second copy of the constant class may be from the first, for a run to count."""

BEARER = f"Bearer {TOKEN}"
CONSTANT = "class with a constant header"
CONTROL = "the same class again"
OURS = "xkit-auth"
KEY_CONSTANT = "class with a constant X-Api-Key"
KEY_OURS = "xkit-auth with X-Api-Key"
VARIABLE = "xkit-auth, context from a ContextVar"
EACH_TIME = "xkit-auth, made for each request"
EXTRA = "xkit-auth, with an extra header"

NOTE = (
    "Ratios are to the class with a constant header of the same name. A peer's row is reached if xkit-auth is cheaper."
    " The last rows have no bar."
)


def run(*, quick: bool) -> list[Table]:
    """One table for each client."""
    return [_table(client, QUICK if quick else FULL) for client in CLIENTS]


def _table(client: Client, effort: Effort) -> Table:
    attempt, counts = 0, False
    while not counts and attempt < TRIES:
        attempt += 1
        repeats, peers_there = _repeats(client, effort)
        control = ratio(repeats, CONTROL, CONSTANT)
        counts = abs(control - 1) <= STEADY
    steady = f"The run {'counts' if counts else 'does NOT count'}: the same class twice reads {control:.3f}"
    bars = _bars(client, repeats, peers_there)
    rows = [_row(client, repeats, name, bars.get(name), counts=counts) for name in repeats[0]]
    return Table(f"Warm request, {client.name}", rows, f"{NOTE} {steady} (try {attempt} of {TRIES} at most).")


def _repeats(client: Client, effort: Effort) -> tuple[list[Repeat], list[str]]:
    with client.opened() as opened:
        there = list(peers(opened))
        subjects = [
            Subject("no auth", opened.with_auth()),
            Subject("header of the client", opened.with_auth(headers={"Authorization": BEARER})),
            Subject(CONSTANT, opened.with_auth(constant(client, "Authorization", BEARER))),
            Subject(CONTROL, opened.with_auth(constant(client, "Authorization", BEARER))),
            Subject(OURS, opened.with_auth(ours(client))),
            Subject(KEY_CONSTANT, opened.with_auth(constant(client, "X-Api-Key", TOKEN))),
            Subject(KEY_OURS, opened.with_auth(ours(client, "acme-key"))),
            *(Subject(name, send) for name, send in there),
            Subject(VARIABLE, opened.with_auth(ours(client, context=USER))),
            Subject(EACH_TIME, opened.with_auth_each_time(maker_of_ours(client))),
            Subject(EXTRA, opened.with_auth(ours(client, "acme-version"))),
        ]
        repeats = timed(subjects, effort, is_async=client.is_async, runner=opened.runner)
        return repeats, [name for name, _ in there]


def _bars(client: Client, repeats: list[Repeat], peers_there: list[str]) -> dict[str, tuple[float, float]]:
    """What is held against what, by the row in which it is said."""
    own = ratio(repeats, OURS, CONSTANT)
    return {
        OURS: (own, 1.07 if client.library == "requests" else 1.05),
        KEY_OURS: (ratio(repeats, KEY_OURS, KEY_CONSTANT), 1.10),
        **{name: (own, ratio(repeats, name, CONSTANT)) for name in peers_there},
    }


def _row(
    client: Client, repeats: list[Repeat], name: str, held: tuple[float, float] | None, *, counts: bool
) -> dict[str, Any]:
    reference = KEY_CONSTANT if name in (KEY_CONSTANT, KEY_OURS) else CONSTANT
    return {
        "client": client.name,
        "auth": name,
        "µs": microseconds(repeats, name),
        "µs beyond": beyond(repeats, name, reference),
        "ratio": ratio(repeats, name, reference),
        "bar": held[1] if held and name in (OURS, KEY_OURS) else None,
        "verdict": verdict(*held, counts=counts) if held else "",
    }
