"""What the log remembers, to say each thing once."""

from __future__ import annotations

from xkit_auth._credentials import log as _log


def test_it_remembers_so_many_users_and_no_more(monkeypatch):
    monkeypatch.setattr(_log, "_MOST_KEYS", 3)
    keys = set()
    for number in range(4):
        _log._add(keys, ("acme", f"user-{number}"))
    assert keys == {("acme", "user-3")}
