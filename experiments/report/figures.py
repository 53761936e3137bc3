"""The figures of a report: one line a method, told apart by colour and by marker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from wis.experiments.pages.svg import COLOURS, GREY, INK, Drawing, drawing, legend_above
from wis.experiments.report.analysis import between, methods_of
from wis.experiments.report.findings import Group
from wis.experiments.report.labels import method_label, percent, removal, short_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Style(NamedTuple):
    """How the line of a method looks."""

    color: str
    marker: str
    linestyle: str


# Past the last colour the markers are shifted by one and lines are dashed, then solid again, so that as many lines as
# there are pairs can be told apart.
_MARKERS = "os^DvPX<"
_STYLES = tuple(
    Style(colour, _MARKERS[(i + shift) % len(_MARKERS)], "--" if shift % 2 else "-")
    for shift in range(len(_MARKERS))
    for i, colour in enumerate(COLOURS)
)
_BASELINE_STYLE = Style(GREY, "o", "-")
# More lines than this cannot be told apart: the best have a colour each, the others are thin and have no name.
_MOST_NAMED = 12
_OTHER = Style(GREY, "", "-")
# Bands of more lines than this cover each other.
_MOST_BANDS = 6
# Of the legend, in inches: the width of the plot, of a character, and of a line with the space beside it.
_PLOT, _CHARACTER, _SAMPLE = 5.7, 0.075, 0.5


def styles(methods: list[str], baseline: str | None) -> dict[str, Style]:
    """A style for every method; the same in all figures of a report, and grey for the baseline."""
    others = [method for method in methods if method != baseline]
    chosen = {method: _STYLES[i % len(_STYLES)] for i, method in enumerate(others)}
    return chosen | ({baseline: _BASELINE_STYLE} if baseline else {})


def group_styles(group: Group, looks: dict[str, Style]) -> dict[str, Style]:
    """The styles of one data set and model: where there are too many methods, colours are for the best of them."""
    if len(looks) <= _MOST_NAMED:
        return looks
    best = [method for method in group.ranking if method != group.baseline][: len(COLOURS)]
    return dict.fromkeys(looks, _OTHER) | styles(best, group.baseline)


def has_bands(table: pd.DataFrame) -> bool:
    """Whether the lines of a table are few enough to be drawn with bands around them."""
    return table["method"].nunique() <= _MOST_BANDS


def accuracy_figure(group: Group, looks: dict[str, Style], title: str) -> str:
    """Accuracy against removed edges, one line a method, with 95 % bands where they are few.

    Parameters
    ----------
    group
        What is drawn; points that the paper has too are beside it, hollow.
    looks
        From :func:`group_styles`.
    title
        Text for screen readers and the file's title.

    Returns
    -------
    str
        An SVG document.
    """
    with _drawing(title, group.accuracy, looks) as drawn:
        (axes,) = drawn.axes
        _lines(axes, group.accuracy, looks)
        for row in group.published.to_dict("records"):
            look = looks[row["method"]]
            axes.plot(
                row["removed"], row["published"], color=look.color, marker=look.marker, markersize=7, fillstyle="none"
            )
        # Bands of few seeds may reach beyond what a score can be; the axis does not.
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -1), min(high, 101))
        axes.set_ylabel(f"test {group.score} (%)")
    return drawn.svg


def difference_figure(table: pd.DataFrame, looks: dict[str, Style], title: str, baseline: str) -> str:
    """Paired differences to the baseline against removed edges, with 95 % bands; otherwise as the other figure."""
    with _drawing(title, table, looks) as drawn:
        (axes,) = drawn.axes
        axes.axhline(0, color=looks[baseline].color, linewidth=1.4)
        _lines(axes, table, looks)
        axes.set_ylabel(f"points above {removal(baseline)}")
        axes.set_xlim(-0.02, 1.02)
    return drawn.svg


def ratio_figure(table: pd.DataFrame, looks: dict[str, Style], title: str) -> str:
    """Ratios to the full graph against removed edges: one measure of :func:`wis.experiments.report.gains.gains`."""
    table = table.rename(columns={"ratio": "mean"})
    with _drawing(title, table, looks) as drawn:
        (axes,) = drawn.axes
        axes.axhline(1, color=GREY, linewidth=1)
        _lines(axes, table, looks)
        axes.set_ylabel("share of the full graph")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(lambda share, _: percent(share))
    return drawn.svg


def critical_difference_figure(table: pd.DataFrame) -> str:
    """Mean ranks on a line, with a bar over methods that Nemenyi's test cannot tell apart; Demšar (2006), figure 1.

    Parameters
    ----------
    table
        The rows of :func:`wis.experiments.report.analysis.ranks` of one ``within``, best first.
    """
    ranks = table["mean_rank"].to_numpy()
    reach = float(table["critical_difference"].iloc[0])
    bars = _cliques(ranks, reach)
    height = 1.1 + 0.24 * (len(ranks) + 1) // 2 + 0.14 * len(bars)
    title = f"Critical difference of mean ranks: {table['within'].iloc[0]}"
    with drawing(title, size=(6.4, height)) as drawn:
        (axes,) = drawn.axes
        _rank_axis(axes, len(ranks), reach)
        for place, (first, last) in enumerate(bars):
            level = -0.35 - 0.3 * place
            axes.plot([ranks[first] - 0.03, ranks[last] + 0.03], [level] * 2, color=INK, linewidth=3.5)
        _name_ranks(axes, table, -0.5 - 0.3 * len(bars))
    return drawn.svg


def _cliques(ranks: np.ndarray, reach: float) -> list[tuple[int, int]]:
    """First and last place of each largest group of ascending ranks less than ``reach`` apart."""
    lasts = np.searchsorted(ranks, ranks + reach, side="left") - 1
    return [(i, int(last)) for i, last in enumerate(lasts) if last > i and (i == 0 or lasts[i - 1] < last)]


def _rank_axis(axes: Axes, methods: int, reach: float) -> None:
    """The line of ranks at the top, and the length of the critical difference over it."""
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.set_yticks([])
    axes.set_xticks([])
    axes.plot([1, methods], [0, 0], color=GREY, linewidth=1.2)
    for rank in range(1, methods + 1):
        axes.plot([rank] * 2, [0, 0.12], color=GREY, linewidth=1.2)
    apart = 1 if methods <= _MOST_NAMED else -(-methods // 6)  # numbers of more ranks would touch
    for rank in range(1, methods + 1, apart):
        axes.text(rank, 0.2, str(rank), ha="center", va="bottom")
    axes.plot([1, 1 + reach], [1.1, 1.1], color=INK, linewidth=1.5, marker="|")
    axes.text(1 + reach / 2, 1.2, f"critical difference {reach:.2f}", ha="center", va="bottom")


def _name_ranks(axes: Axes, table: pd.DataFrame, top: float) -> None:
    """The better half at the left, the others at the right, each led to its rank."""
    count = len(table)
    for place, row in enumerate(table.to_dict("records")):
        is_left = place < (count + 1) // 2
        level = top - 0.55 * (place if is_left else count - 1 - place)
        edge, side = (0.7, "right") if is_left else (count + 0.3, "left")
        axes.plot([row["mean_rank"], row["mean_rank"], edge], [0, level, level], color=GREY, linewidth=1)
        text = f"{method_label(row['method'])} {row['mean_rank']:.2f}"
        axes.text(edge + (-0.06 if is_left else 0.06), level, text, ha=side, va="center")


def _lines(axes: Axes, table: pd.DataFrame, looks: dict[str, Style]) -> None:
    bands = has_bands(table)
    for method, part in table.groupby("method", sort=False):
        part = part.sort_values("removed")
        look = looks[str(method)]
        if bands and part["low"].notna().all():
            axes.fill_between(part["removed"], part["low"], part["high"], color=look.color, alpha=0.16, linewidth=0)
        axes.plot(part["removed"], part["mean"], **look._asdict(), markersize=5, **_weight(look))


def _weight(look: Style) -> dict[str, Any]:
    return {"linewidth": 0.7, "alpha": 0.6, "zorder": 1} if look == _OTHER else {"linewidth": 1.8}


def _entries(table: pd.DataFrame, looks: dict[str, Style]) -> list[tuple[str, Style]]:
    """Labels and styles of the legend: the methods that are named, best first, and the number of the others."""
    order = between(table).groupby("method", sort=False)["mean"].mean().sort_values(ascending=False, kind="stable")
    methods = [str(method) for method in order.index] or methods_of(table)
    named = [method for method in methods if looks[method] != _OTHER]
    entries = [(label, looks[method]) for method, label in zip(named, short_labels(named), strict=True)]
    others = len(methods) - len(named)
    return [*entries, (f"{others} others", _OTHER)] if others else entries


def _columns(labels: list[str]) -> int:
    """Of three columns as many as fit over the plot."""
    for columns in (3, 2):
        rows = -(-len(labels) // columns)
        widest = [max(map(len, labels[i : i + rows])) for i in range(0, len(labels), rows)]
        if sum(_CHARACTER * width + _SAMPLE for width in widest) <= _PLOT:
            return columns
    return 1


@contextmanager
def _drawing(title: str, table: pd.DataFrame, looks: dict[str, Style]) -> Iterator[Drawing]:
    """A figure whose horizontal axis is the share of removed edges, with the names of its methods above, best first."""
    from matplotlib.lines import Line2D
    from matplotlib.ticker import FuncFormatter

    entries = _entries(table, looks)
    columns = _columns([label for label, _ in entries])
    with drawing(title, size=(6.4, 3.7 + 0.2 * -(-len(entries) // columns))) as drawn:
        (axes,) = drawn.axes
        axes.margins(x=0.02)
        axes.set_xlabel("edges removed")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: percent(share)))
        yield drawn
        handles = [
            Line2D([], [], **look._asdict(), markersize=5, label=label, **_weight(look)) for label, look in entries
        ]
        legend_above(axes, columns=columns, handles=handles)
