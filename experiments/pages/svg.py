"""Figures in one style, as SVG with real text.

Colours are Okabe and Ito's, told apart by colour-blind readers and on light and dark ground.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wis.files import replace_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

INK, GREY = "#24292f", "#808080"
BLUE = "#0072b2"
# Vermilion and blue for the first two, then the others.
COLOURS = ("#d55e00", BLUE, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#a6761d", "#7a68b3")
_RULE = "#d8dee4"
_FONTS = "system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans'"


@dataclass
class Drawing:
    """Axes to draw on, row by row, and the SVG document that they give when the block of :func:`drawing` ends."""

    axes: list[Axes]
    svg: str = ""


@contextmanager
def drawing(
    title: str, *, columns: int = 1, rows: int = 1, size: tuple[float, float] = (6.4, 4.0)
) -> Iterator[Drawing]:
    """Draw a figure: the same bytes for the same drawing.

    Parameters
    ----------
    title
        Text for screen readers and the file's title.
    columns, rows
        How many axes it has.
    size
        Width and height of the whole in inches.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_style(title)):
        figure = Figure(figsize=size, layout="constrained")
        drawn = Drawing(list(figure.subplots(rows, columns, squeeze=False).flat))
        yield drawn
        for axes in drawn.axes:
            _write_out_powers(axes)
        buffer = io.StringIO()
        facts = {"Date": None, "Creator": None, "Title": title}
        figure.savefig(buffer, format="svg", transparent=True, metadata=facts)
        drawn.svg = _tidy(buffer.getvalue(), title)


@contextmanager
def figure(path: Path, *, columns: int = 1, rows: int = 1) -> Iterator[list[Axes]]:
    """Axes to draw on, row by row; the SVG file is written when the block ends."""
    title = path.stem.replace("_", " ")
    with drawing(title, columns=columns, rows=rows, size=(4.8 * columns, 3.6 * rows)) as drawn:
        yield drawn.axes
    with replace_file(path) as temporary:
        temporary.write_text(drawn.svg, encoding="utf-8")


def legend_above(axes: Axes, *, columns: int, handles: Sequence[Line2D] | None = None) -> None:
    """The legend of one drawing, over it, where it covers nothing."""
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1.01), ncols=columns, borderaxespad=0, handlelength=1.8,
        columnspacing=1.4,
    )  # fmt: skip


def inline(svg: str, name: str) -> str:
    """The figure for a page: its own ids, and colours that follow light and dark mode."""
    name = re.sub(r"[^A-Za-z0-9._]", "-", name)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-")
    for colour, variable in ((INK, "ink"), (_RULE, "line"), (BLUE, "blue")):
        svg = svg.replace(colour, f"var(--{variable})")
    return svg


def _write_out_powers(axes: Axes) -> None:
    """Plain numbers on logarithmic axes, whose own labels are formulas, which are not read (names may have a $)."""
    from matplotlib.ticker import FuncFormatter, LogFormatter, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        if isinstance(axis.get_major_formatter(), LogFormatter):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())


def _style(title: str) -> dict[Any, Any]:
    from matplotlib.rcsetup import cycler

    return {
        "text.parse_math": False,  # a name with $ is a name
        "svg.fonttype": "none", "svg.hashsalt": title, "text.color": INK,
        "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 10.5,
        "axes.prop_cycle": cycler(color=list(COLOURS)), "axes.labelcolor": INK, "axes.titlesize": "medium",
        "axes.edgecolor": _RULE, "axes.spines.left": False, "axes.spines.right": False, "axes.spines.top": False,
        "axes.grid": True, "axes.grid.axis": "y", "axes.axisbelow": True, "grid.color": _RULE, "grid.linewidth": 0.8,
        "legend.frameon": False, "legend.labelcolor": INK,
        **{f"{axis}tick.{which}.size": 0 for axis in "xy" for which in ("major", "minor")},
        **{f"{axis}tick.color": INK for axis in "xy"},
    }  # fmt: skip


def _tidy(svg: str, title: str) -> str:
    """Drop the XML preamble, give generic fonts, and let the picture scale."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    named = f' role="img" aria-label="{html.escape(title)}"'
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', lambda found: found[1] + named, svg, count=1)
    return svg.replace("'DejaVu Sans'", _FONTS)
