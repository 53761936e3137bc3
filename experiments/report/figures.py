"""The figures of a report, as SVG with real text.

Colours are Okabe and Ito's, told apart by colour-blind readers and on light and dark ground; markers differ as well.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd
from wis.experiments.report.labels import method_label, percent, removal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BLUE = "#0072b2"
# (colour, marker): vermilion and blue for the first two that are not the baseline, then the others.
_STYLES = (
    ("#d55e00", "o"), (_BLUE, "s"), ("#009e73", "^"), ("#cc79a7", "D"), ("#e69f00", "v"), ("#56b4e9", "P"),
    ("#a6761d", "X"), ("#7a68b3", "<"),
)  # fmt: skip
_BASELINE_STYLE = ("#808080", "o")
_INK, _GRID = "#24292f", "#d8dee4"
_SIZE = (6.4, 4.0)


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
    with _axes(title) as (axes, buffer):
        _lines(axes, table, looks)
        axes.set_ylabel("test accuracy (%)")
        _legend(axes, table, looks)
    return _tidy(buffer.getvalue(), title)


def difference_figure(table: pd.DataFrame, looks: dict[str, tuple[str, str]], title: str, baseline: str) -> str:
    """Paired differences to the baseline against removed edges, with 95 % bands; otherwise as the other figure."""
    with _axes(title) as (axes, buffer):
        axes.axhline(0, color=looks[baseline][0], linewidth=1.4)
        _lines(axes, table, looks)
        axes.set_ylabel(f"points above {removal(baseline)}")
        axes.set_xlim(-0.02, 1.02)
        _legend(axes, table, looks)
    return _tidy(buffer.getvalue(), title)


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

    inner = table[(table["removed"] > 0) & (table["removed"] < 1)]
    order = inner.groupby("method", sort=False)["mean"].mean().sort_values(ascending=False, kind="stable").index
    methods = list(order) or list(dict.fromkeys(table["method"]))
    handles = [
        Line2D([], [], color=looks[m][0], marker=looks[m][1], markersize=5, linewidth=1.8, label=method_label(m))
        for m in methods
    ]
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1.01),
        ncols=4,
        frameon=False,
        borderaxespad=0,
        handlelength=1.8,
        columnspacing=1.4,
        labelcolor=_INK,
    )


@contextlib.contextmanager
def _axes(title: str) -> Iterator[tuple[Any, io.StringIO]]:
    """Axes in the look of the report; the figure is in the buffer after the block."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": title,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 10.5,
        "text.color": _INK,
        "axes.labelcolor": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
        "axes.edgecolor": _GRID,
        "grid.color": _GRID,
    }
    buffer = io.StringIO()
    with mpl.rc_context(settings):
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.grid(axis="y", linewidth=0.8)
        axes.tick_params(length=0)
        axes.set_axisbelow(True)
        axes.margins(x=0.02)
        axes.set_xlabel("edges removed")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: percent(share)))
        yield axes, buffer
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Title": title})


def _tidy(svg: str, title: str) -> str:
    """Drop the XML preamble, give generic fonts, and let the picture scale."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', rf'\1 role="img" aria-label="{title}"', svg, count=1)
    return svg.replace("'DejaVu Sans'", "system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans'")


def inline(svg: str, name: str) -> str:
    """The figure for a page: its own ids, and colours that follow light and dark mode."""
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-")
    for colour, variable in ((_INK, "ink"), (_GRID, "line"), (_BLUE, "blue")):
        svg = svg.replace(colour, f"var(--{variable})")
    return svg
