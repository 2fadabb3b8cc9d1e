"""What must not change a warm request: how many plugins are installed, and how many credentials are held."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from auths import CONNECTORS, hold, xkit
from clients import CLIENTS, Client
from measure import Effort, Repeat, Subject, microseconds, ratio, timed
from report import Table, verdict

from xkit_auth import Connector, Xkit, hookimpl

FULL = Effort(repeats=25, rounds=60, size=10)
QUICK = Effort(repeats=7, rounds=30, size=10)
PLUGINS = 500
CREDENTIALS = 1_000_000
BAR = 1.02

ONE = "1 plugin, 1 credential"
ONE_AGAIN = "the same again"
MANY_PLUGINS = f"{PLUGINS} plugins"
MANY_CREDENTIALS = f"{CREDENTIALS:,} credentials"
CALLED = "context from a function, 1 credential"
WANDERING = f"another of {CREDENTIALS:,} users each time"


class Installed:
    """A plugin as it would be found among those that are installed, with every hook that costs something."""

    def __init__(self, number: int) -> None:
        self.name = f"provider-{number}"
        self.dist = None
        self.connector = Connector(self.name, hosts=[f"{self.name}.example"])

    def load(self) -> Installed:
        return self

    @hookimpl
    def xkit_auth_connectors(self) -> list[Connector]:
        return [self.connector]

    @hookimpl
    def xkit_auth_format_headers(self, connector: Any, credential: Any, request: Any) -> Any:
        raise AssertionError("no request of the benchmark is for this plugin")

    @hookimpl
    def xkit_auth_classify_response(self, connector: Any, credential: Any, response: Any) -> Any:
        raise AssertionError("no answer of the benchmark is for this plugin")


def run(*, quick: bool) -> list[Table]:
    """One table for each client."""
    crowded = xkit(max_entries=2 * CREDENTIALS)
    for number in range(CREDENTIALS):
        hold(crowded, _user(number), token=f"token-{number}")
    return [_table(client, crowded, QUICK if quick else FULL) for client in CLIENTS]


def _user(number: int) -> str:
    return f"user-{number}"


def _plugged(number: int) -> Xkit:
    entries = [Installed(each) for each in range(number)]
    with patch("xkit_auth.plugins.entry_points", lambda *, group: entries):
        account = xkit()
        account.directory.policy_for("acme")
    assert len(account.directory.plugins().connectors()) == number + len(CONNECTORS)
    return account


def _table(client: Client, crowded: Xkit, effort: Effort) -> Table:
    repeats = _repeats(client, crowded, effort)
    references = {WANDERING: CALLED}
    rows = []
    for name in repeats[0]:
        times = ratio(repeats, name, references.get(name, ONE))
        is_bound = name in (MANY_PLUGINS, MANY_CREDENTIALS)
        counts = abs(ratio(repeats, ONE_AGAIN, ONE) - 1) <= BAR - 1
        rows.append(
            {
                "client": client.name,
                "with": name,
                "µs": microseconds(repeats, name),
                "ratio": times,
                "bar": BAR if is_bound else None,
                "verdict": verdict(times, BAR, counts=counts) if is_bound else "",
            }
        )
    note = (
        f"Ratios are to {ONE!r}; the last one is to the row above it. It has no bar: what it shows is the time that"
        " memory takes to bring up a user of whom nobody has thought for a while."
    )
    return Table(f"Many plugins, many credentials, {client.name}", rows, note)


def _repeats(client: Client, crowded: Xkit, effort: Effort) -> list[Repeat]:
    def auth(account: Xkit, context: str | Callable[[], str]) -> Any:
        if account is not crowded:
            hold(account, user)
        return client.ours.XkitAuth("acme", context=context, xkit=account)

    user = _user(0)
    users = [_user(number) for number in random.Random(0).sample(range(CREDENTIALS), 100_000)]
    next_user = itertools.cycle(users).__next__
    same_user = itertools.repeat(user).__next__
    with client.opened() as opened:
        subjects = [
            Subject(ONE, opened.with_auth(auth(_plugged(1), user))),
            Subject(ONE_AGAIN, opened.with_auth(auth(_plugged(1), user))),
            Subject(MANY_PLUGINS, opened.with_auth(auth(_plugged(PLUGINS), user))),
            Subject(MANY_CREDENTIALS, opened.with_auth(auth(crowded, user))),
            Subject(CALLED, opened.with_auth(auth(xkit(), same_user))),
            Subject(WANDERING, opened.with_auth(auth(crowded, next_user))),
        ]
        return timed(subjects, effort, is_async=client.is_async, runner=opened.runner)
