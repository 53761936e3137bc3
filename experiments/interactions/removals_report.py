"""What the sparsifiers do to interactions in graph prediction: the page of ``wis interactions graph``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from wis.experiments.interactions.removals import METHODS, Extent, describe, shapes
from wis.experiments.interactions.same_class import Protocol
from wis.experiments.interactions.same_class_report import how
from wis.experiments.pages.page import Section, write_page
from wis.experiments.pages.svg import BLUE, COLOURS, GREY, figure
from wis.experiments.pages.tables import write_table
from wis.experiments.report.analysis import summarise
from wis.experiments.running.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

_MEASURES = {
    "single_least": "least, single vertices",
    "single_mean": "mean, single vertices",
    "cut_least": "least, balanced cuts",
    "cut_mean": "mean, balanced cuts",
}
_SHARES = (0.5, 0.75, 0.9)


def report_removals(
    out: Path, removals: Rows, extent: Extent, trained: Rows, protocol: Protocol, command: str
) -> dict[str, pd.DataFrame]:
    """Write tables, figures and the page; returns the tables."""
    steps = steps_of(removals)
    tables = {
        "removals": mean_of_steps(steps),
        "first": first_steps(steps),
        "structures": structures_table(trained.frame()),
        "shapes": shapes_table(),
        "steps": steps,
    }
    for name, table in tables.items():
        write_table(table, out / name, command)
    drawn = [out / f"removals_{i}.svg" for i in range(steps.graph.nunique())]
    for path, (graph, group) in zip(drawn, steps.groupby("graph", sort=False), strict=True):
        _draw_steps(path, group, str(graph))
    _draw_shapes(out / "shapes.svg")
    write_page(out / "report.html", "WIS for graph prediction, and the interactions it keeps", command, [
        Section(
            "Ranks after every removal",
            f"Graphs of six vertices, graph prediction, L = {extent.depth}, D = {extent.width}. Logarithms of "
            "separation "
            "ranks: of the single vertices, C(D + WI − 1, WI), and of all cuts into halves, computed exactly. WIS for "
            "graph prediction leaves the largest tuple of single vertices at its first removal by definition; after "
            f"that it is greedy. Random and spectral: means over {extent.seeds} draws.",
            [tables["first"], tables["removals"]], drawn,
            note=f"Table of means: over all numbers of edges removed. {int(steps.unresolved.sum())} of "
            f"{int(steps.cuts.sum())} ranks of cuts are only known to be at least {extent.max_samples}.",
        ),
        Section(
            "Within one sparsified graph",
            "Both arrangements of \"is same class\" on what is left of the two cliques. The walk index compares "
            "partitions "
            "of one graph, not graphs with each other: read along a row, not down a column. "
            f"{how(protocol)}",
            [tables["structures"]],
        ),
        Section(
            "Two shapes that WIS can leave",
            "Two cliques of 16 vertices with 32 edges between them, objective=\"graph\", L = 3. Given one partition, "
            "WIS "
            "keeps a dense core at the cut and leaves the vertices away from it without an edge. Given the single "
            "vertices, it keeps every one of them in a small clique and lets go of the edges between the two halves. "
            "If "
            "one of these is not what you want, give several partitions, or use the default objective.",
            [tables["shapes"]], [out / "shapes.svg"],
        ),
    ], kicker="Walk index and interactions")  # fmt: skip
    return tables


def steps_of(removals: Rows) -> pd.DataFrame:
    """A line a graph, method and number of edges removed; means over orders drawn."""
    import pandas as pd

    lines = [
        {"graph": row["graph"], "method": row["method"], "removed": removed} | step
        for row in removals
        for removed, step in enumerate(row["steps"])
    ]
    means = pd.DataFrame(lines).groupby(["graph", "method", "removed"], sort=False).mean(numeric_only=True)
    return means.reset_index()


def first_steps(steps: pd.DataFrame) -> pd.DataFrame:
    """After the first removal."""
    return steps[steps.removed == 1][["graph", "method", *_MEASURES]].rename(columns=_MEASURES)


def mean_of_steps(steps: pd.DataFrame) -> pd.DataFrame:
    """Means over all numbers of edges removed, none and all of them left out, where methods do not differ."""
    between = steps[(steps.removed > 0) & (steps.edges > 0)]
    means = between.groupby(["graph", "method"], sort=False)[[*_MEASURES]].mean()
    return means.reset_index().rename(columns=_MEASURES)


def structures_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Test accuracy of both arrangements in every structure, and whether the larger walk index is better."""
    import pandas as pd

    frame = frame.assign(
        structure=frame.arrangement.str.rpartition(": ")[0], place=frame.arrangement.str.rpartition(": ")[2]
    )
    records = []
    for (model, name), group in frame.groupby(["model", "structure"], sort=False):
        index = group.groupby("place").walk_index.first()
        test = 100 * group.pivot(index="seed", columns="place", values="test")
        found = summarise(test.high - test.low)
        records.append({
            "structure": name, "model": model, "WI low": index.low, "WI high": index.high, "seeds": found["seeds"],
            "test low %": test.low.mean(), "test high %": test.high.mean(), "high − low": found["mean"],
            "from": found["low"], "to": found["high"], "larger walk index is better": _better(index, found),
        })  # fmt: skip
    return pd.DataFrame(records)


def _better(index: pd.Series, found: dict[str, float]) -> str:
    if index.high == index.low:
        return "walk indices are equal"
    low, high = (found["low"], found["high"]) if index.high > index.low else (-found["high"], -found["low"])
    if low > 0:
        return "yes"
    return "no, worse" if high < 0 else "not shown"


def shapes_table() -> pd.DataFrame:
    """What WIS leaves of two cliques with edges between them."""
    import pandas as pd

    return pd.DataFrame(
        {"removed": share, "walk indices of": name, "edges": graph.number_of_edges()} | describe(graph)
        for share in _SHARES
        for name, graph in shapes(share).items()
    )


def _draw_steps(path: Path, steps: pd.DataFrame, name: str) -> None:
    with figure(path, columns=2, rows=2) as axes:
        for place, (measure, title) in zip(axes, _MEASURES.items(), strict=True):
            for colour, method in zip(COLOURS, METHODS, strict=False):
                group = steps[steps.method == method]
                place.plot(group.removed, group[measure], "o-", color=colour, markersize=3, label=method)
            place.set(xlabel="edges removed", ylabel="log rank (nats)", title=f"{name}: {title}")
        axes[0].legend(fontsize=8)


def _draw_shapes(path: Path) -> None:
    """The graphs of :func:`shapes_table` at the middle share, the halves on two circles."""
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    aside = np.array([1.6, 0])
    places = np.concatenate([circle - aside, circle + aside])
    with figure(path, columns=2) as axes:
        for place, (name, graph) in zip(axes, shapes(_SHARES[1]).items(), strict=True):
            for u, v in graph.edges:
                colour = COLOURS[0] if (u < 16) != (v < 16) else GREY
                place.plot(*places[[u, v]].T, color=colour, linewidth=0.7, zorder=1)
            place.plot(*places.T, "o", color=BLUE, markersize=4)
            place.set(title=f"{name}, {_SHARES[1]:.0%} removed", xticks=[], yticks=[], aspect="equal")
            place.grid(visible=False)
