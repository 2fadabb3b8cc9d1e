"""What a part of the benchmark hands back, and how it is shown: tables that can be pasted into a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Row = Mapping[str, Any]

REACHED = "reached"
MISSED = "MISSED"
UNSTEADY = "does not count"

_FORMATS = {
    "µs": "{:.2f}",
    "µs beyond": "{:+.2f}",
    "ms": "{:.1f}",
    "seconds": "{:.3f}",
    "possible, seconds": "{:.3f}",
    "bytes": "{:.0f}",
    "resident": "{:.0f}",
    "work": "{:.3f}",
    "ratio": "{:.3f}",
    "bar": "{:.2f}",
}


class Table(NamedTuple):
    """A title, rows that all have the same columns, and what a reader must know of them."""

    title: str
    rows: list[Row]
    note: str = ""

    def __str__(self) -> str:
        columns = list(self.rows[0])
        lines = [columns, *([_shown(column, row[column]) for column in columns] for row in self.rows)]
        widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
        is_number = [any(isinstance(row[column], (int, float)) for row in self.rows) for column in columns]
        rule = "|".join(
            "-" * (width + 1) + (":" if right else "-") for width, right in zip(widths, is_number, strict=True)
        )
        shown = [_line(line, widths, is_number) for line in lines]
        text = [f"**{self.title}**", "", shown[0], f"|{rule}|", *shown[1:]]
        return "\n".join([*text, "", self.note] if self.note else text)

    def missed(self) -> list[str]:
        """The rows that are not what they should be, in a few words each."""
        return [f"{self.title}: {_name_of(row)}" for row in self.rows if row.get("verdict") in (MISSED, UNSTEADY)]


def verdict(value: float, bar: float | None, *, counts: bool = True) -> str:
    """What to say of a figure that should not be above ``bar``."""
    if bar is None:
        return ""
    if not counts:
        return UNSTEADY
    return REACHED if value <= bar else MISSED


def _name_of(row: Row) -> str:
    texts = [value for column, value in row.items() if isinstance(value, str) and column not in ("client", "verdict")]
    return ", ".join(texts)


def _shown(column: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return _FORMATS.get(column, "{:,.1f}").format(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _line(cells: list[str], widths: list[int], is_number: list[bool]) -> str:
    aligned = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, is_number, strict=True)
    ]
    return f"| {' | '.join(aligned)} |"
