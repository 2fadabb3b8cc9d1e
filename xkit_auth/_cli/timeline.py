"""How the demo looks: one entry for each step as it happens, on a terminal or in a log, or all of it as data."""

from __future__ import annotations

import time
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from .demo import Outcome

INTRODUCTION = (
    "Xkit, Slack and GitHub are stand-ins on this machine: no account, no network, invented tokens."
    " Eight hex digits are a token's fingerprint; its text is never shown."
    " Each line has been checked against what arrived at the stand-ins."
)
NEXT = "Next: xkit-auth --help, and the README, which shows the same in your own code."

NARROWEST = 40


class Timeline:
    """Prints outcomes one by one, and remembers them.

    Args:
        console: where to print. It knows whether that is a terminal, and what ``NO_COLOR`` says.
        version: of xkit-auth.
    """

    def __init__(self, console: Console, version: str) -> None:
        self._console = console
        self._version = version
        self._outcomes: list[Outcome] = []
        self._quoted: set[str] = set()
        self._began = time.perf_counter()

    def begin(self) -> None:
        """Say what is going to be seen."""
        self._print((f"xkit-auth {self._version}", "bold"))
        self._print((self._wrapped(INTRODUCTION), ""))

    def add(self, outcome: Outcome) -> None:
        """Print how one step ended."""
        if outcome.client not in self._clients():
            self._print()
            self._print((outcome.client, "bold cyan"))
        self._outcomes.append(outcome)
        mark, style = (self._mark("✓", "ok"), "green") if outcome.kept else (self._mark("✗", "NO"), "bold red")
        lead = f"{mark:2} {outcome.ms:4.0f} ms  "
        title = f"{outcome.promise:22} "
        facts = outcome.facts if outcome.kept else f"not as promised: {outcome.facts}"
        self._print(
            (lead[:2], style),
            (lead[2:], "dim"),
            (title, "bold"),
            (self._wrapped(facts, indent=len(lead + title)), "" if outcome.kept else style),
        )
        if outcome.quote is not None and outcome.quote not in self._quoted:
            self._quoted.add(outcome.quote)
            self._print((" " * len(lead) + self._wrapped(outcome.quote, indent=len(lead)), "italic yellow"))

    def end(self) -> None:
        """Say how many promises were kept, and what to read next."""
        broken = self._broken()
        self._print()
        if broken:
            text = f"{len(broken)} of {counted(len(self._outcomes), 'check')} not as promised, in {self._seconds()} s."
        else:
            promises, clients = counted(len(self._promises()), "promise"), counted(len(self._clients()), "client")
            text = f"{promises} kept with {clients} in {self._seconds()} s."
        self._print((text, "bold red" if broken else "bold green"))
        self._print((self._wrapped(NEXT), ""))

    @property
    def all_kept(self) -> bool:
        """Whether every promise was kept."""
        return not self._broken()

    def summary(self) -> dict[str, Any]:
        """Everything, for other programs."""
        return {
            "version": self._version,
            "kept": self.all_kept,
            "seconds": self._seconds(),
            "promises": self._promises(),
            "clients": self._clients(),
            "outcomes": [outcome._asdict() for outcome in self._outcomes],
        }

    def _broken(self) -> list[Outcome]:
        return [outcome for outcome in self._outcomes if not outcome.kept]

    def _promises(self) -> list[str]:
        return list(dict.fromkeys(outcome.promise for outcome in self._outcomes))

    def _clients(self) -> list[str]:
        return list(dict.fromkeys(outcome.client for outcome in self._outcomes))

    def _seconds(self) -> float:
        return round(time.perf_counter() - self._began, 1)

    # Printing

    def _print(self, *parts: tuple[str, str]) -> None:
        """One or more lines of texts and their styles. Nothing in them is markup, and nothing is cut."""
        line = Text.assemble(*((self._printable(text), style) for text, style in parts))
        self._console.print(line, soft_wrap=True)

    def _wrapped(self, text: str, indent: int = 0) -> str:
        """The text in lines that fit; all but the first are indented. A link stays whole, so that it can be clicked."""
        width = max(self._console.width - indent, NARROWEST)
        return f"\n{' ' * indent}".join(wrap(text, width, break_long_words=False, break_on_hyphens=False))

    def _mark(self, mark: str, instead: str) -> str:
        return mark if self._printable(mark) == mark else instead

    def _printable(self, text: str) -> str:
        """The text with a question mark for each character that the console's encoding does not have."""
        encoding = self._console.encoding
        return text.encode(encoding, "replace").decode(encoding)


def counted(number: int, noun: str) -> str:
    """``1 client``, ``5 clients``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
