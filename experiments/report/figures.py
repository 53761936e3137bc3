"""The figures of a report: one line a method, told apart by colour and by marker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pandas as pd
from wis.experiments.pages.svg import COLOURS, GREY, Drawing, drawing, legend_above
from wis.experiments.report.analysis import between, methods_of
from wis.experiments.report.labels import method_label, percent, removal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES = tuple(zip(COLOURS, "os^DvPX<", strict=True))
_BASELINE_STYLE = (GREY, "o")


def styles(methods: list[str], baseline: str | None) -> dict[str, tuple[str, str]]:
    """A colour and a marker for every method; the same in all figures of a report, and grey for the baseline."""
    others = [method for method in methods if method != baseline]
    chosen = {method: _STYLES[i % len(_STYLES)] for i, method in enumerate(others)}
    return chosen | ({baseline: _BASELINE_STYLE} if baseline else {})


def accuracy_figure(table: pd.DataFrame, looks: dict[str, tuple[str, str]], title: str) -> str:
    """Accuracy against removed edges, one line a method, with 95 % bands.

    Parameters
    ----------
    table
        The rows of :func:`wis.experiments.report.analysis.accuracy` of one data set and model.
    looks
        From :func:`styles`.
    title
        Text for screen readers and the file's title.

    Returns
    -------
    str
        An SVG document.
    """
    with _drawing(title) as drawn:
        (axes,) = drawn.axes
        _lines(axes, table, looks)
        axes.set_ylabel("test accuracy (%)")
        _legend(axes, table, looks)
    return drawn.svg


def difference_figure(table: pd.DataFrame, looks: dict[str, tuple[str, str]], title: str, baseline: str) -> str:
    """Paired differences to the baseline against removed edges, with 95 % bands; otherwise as the other figure."""
    with _drawing(title) as drawn:
        (axes,) = drawn.axes
        axes.axhline(0, color=looks[baseline][0], linewidth=1.4)
        _lines(axes, table, looks)
        axes.set_ylabel(f"points above {removal(baseline)}")
        axes.set_xlim(-0.02, 1.02)
        _legend(axes, table, looks)
    return drawn.svg


def _lines(axes: Axes, table: pd.DataFrame, looks: dict[str, tuple[str, str]]) -> None:
    for method, part in table.groupby("method", sort=False):
        part = part.sort_values("removed")
        colour, marker = looks[str(method)]
        if part["low"].notna().all():
            axes.fill_between(part["removed"], part["low"], part["high"], color=colour, alpha=0.16, linewidth=0)
        axes.plot(part["removed"], part["mean"], color=colour, marker=marker, markersize=5, linewidth=1.8)


def _legend(axes: Axes, table: pd.DataFrame, looks: dict[str, tuple[str, str]]) -> None:
    """Names above the plot, best first."""
    from matplotlib.lines import Line2D

    order = between(table).groupby("method", sort=False)["mean"].mean().sort_values(ascending=False, kind="stable")
    handles = [
        Line2D([], [], color=looks[m][0], marker=looks[m][1], markersize=5, linewidth=1.8, label=method_label(m))
        for m in list(order.index) or methods_of(table)
    ]
    legend_above(axes, columns=4, handles=handles)


@contextmanager
def _drawing(title: str) -> Iterator[Drawing]:
    """A figure whose horizontal axis is the share of removed edges."""
    from matplotlib.ticker import FuncFormatter

    with drawing(title) as drawn:
        (axes,) = drawn.axes
        axes.margins(x=0.02)
        axes.set_xlabel("edges removed")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: percent(share)))
        yield drawn
