"""What a table of a report is, and how its numbers are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd
from wis.experiments.pages.tables import Grid, markdown_text
from wis.experiments.report.analysis import methods_of
from wis.experiments.report.labels import model_label, percent

# Grids by what they are about, such as (data set, model).
Parts: TypeAlias = dict[tuple[str, ...], Grid]


@dataclass(frozen=True)
class Table:
    """One table of a report.

    Attributes
    ----------
    name
        Name of its files.
    title
        Its heading.
    note
        What the numbers are.
    data
        The tidy numbers, unrounded: the CSV file.
    parts
        The grids.
    """

    name: str
    title: str
    note: str
    data: pd.DataFrame
    parts: Parts

    def markdown(self) -> str:
        """Heading, note and all grids."""
        blocks = [f"## {markdown_text(self.title)}", markdown_text(self.note)]
        for part in self.parts.values():
            blocks += [f"**{markdown_text(part.title)}**", part.markdown()]
        return "\n\n".join(blocks) + "\n"

    def latex(self) -> str:
        """All grids as tables for the package booktabs."""
        return "\n\n".join(part.latex(self.note) for part in self.parts.values()) + "\n"


def by_share(part: pd.DataFrame, show: Callable[[pd.Series], str]) -> list[list[str]]:
    """One row a removed share, one column a method; a dash where there is nothing."""
    found = {(row["removed"], row["method"]): show(row) for _, row in part.iterrows()}
    methods = methods_of(part)
    return [
        [percent(removed), *(found.get((removed, method), "–") for method in methods)]
        for removed in sorted(set(part["removed"]))
    ]


def group_title(key: tuple[str, str]) -> str:
    """A data set and model as a reader calls them."""
    return f"{key[0]}, {model_label(key[1])}"


def extent(data: pd.DataFrame) -> str:
    """``6 seeds``, or ``5 to 6 splits``: rows may have fewer than others while a sweep is running."""
    least, most = (int(data["units"].min()), int(data["units"].max())) if len(data) else (0, 0)
    kinds = set(data["unit"])
    kind = kinds.pop() if len(kinds) == 1 else "run"
    return f"{most} {kind}{'s' * (most != 1)}" if least == most else f"{least} to {most} {kind}s"


def plus_minus(mean: float, error: float) -> str:
    """A mean and its standard error, if there is one."""
    return f"{mean:.1f}" if math.isnan(error) else f"{mean:.1f} ± {error:.1f}"


def with_interval(row: Mapping[Any, Any]) -> str:
    """A difference and its interval, if there is one."""
    shown = signed(row["mean"])
    return shown if math.isnan(row["low"]) else f"{shown} [{signed(row['low'])}, {signed(row['high'])}]"


def signed(value: float) -> str:
    """With a real minus sign, and no sign before zero."""
    text = unsigned(value)
    return f"+{text}" if value > 0 and text != "0.0" else text


def unsigned(value: float) -> str:
    """The same without a plus sign."""
    text = f"{value:.1f}"
    return "0.0" if text == "-0.0" else text.replace("-", "−")


def p_text(p: float, *, relation: bool = False) -> str:
    """A p-value, with a sign that relates it to ``p`` if asked."""
    if math.isnan(p):
        return "–"
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.3f}" if relation else f"{p:.3f}"


def seconds_text(seconds: float) -> str:
    """A time in the unit that suits it."""
    if math.isnan(seconds):
        return "–"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds < 1000 else f"{seconds:,.0f} s"
    return "< 1 µs"


def mebibytes_text(count: float) -> str:
    """Bytes as MiB."""
    return "–" if math.isnan(count) else f"{count / 2**20:,.0f} MiB"
