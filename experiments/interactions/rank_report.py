"""What the separation ranks say: tables, figures and the page of ``wis interactions rank``."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable
from math import comb, log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from wis.experiments.interactions.rank import Extent
from wis.experiments.pages.page import Section, write_page
from wis.experiments.pages.svg import BLUE, COLOURS, GREY, figure
from wis.experiments.pages.tables import csv_text, write_table
from wis.experiments.running.rows import Rows

from wis.files import replace_file

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_KINDS = {"graph": "graph prediction", "vertex": "vertex prediction"}
_BOUNDS = ("paper_lower", "binomial", "min_cut", "polynomial", "paper_upper")

# Drawn by itself if it is there, else the first graph: the path of six vertices.
_SHOWN = "atlas 83"


def report_rank(out: Path, rows: Rows, extent: Extent, command: str) -> dict[str, pd.DataFrame]:
    """Write tables, figures and the page; returns the tables, ``violations`` (cases beyond a bound) among them."""
    cases, degrees = frame_of(rows, "cases"), frame_of(rows, "degrees")
    write_cases(cases, out / "cases.csv.gz")
    singles = singletons(cases)
    tables = {
        "summary": summary(cases),
        "order": order(cases),
        "degrees": degree_table(degrees),
        "violations": cases[cases.contradicts != ""].drop(columns=["degree"]),
    }
    for name, table in tables.items():
        write_table(table, out / name, command)
    drawn = _draw(out, cases, singles, degrees)
    graphs, resolved = cases.graph.nunique(), int(cases.resolved.sum())
    write_page(out / "report.html", "Separation rank and walk index", command, [
        Section(
            "Bounds",
            f"{graphs} graphs, {len(cases):,} cases (a partition and a target, or none, once up to symmetry, at a "
            "depth L "
            f"and a width D). The rank is exact in {resolved:,} of them; in the others it is at least "
            f"{extent.max_samples}, "
            "which can contradict an upper bound and no lower one. A column per bound counts the cases that contradict "
            "it; paper_lower and paper_upper are the paper's, min_cut and polynomial are proved by this project, and "
            f"binomial is a conjecture but for single vertices. {len(tables['violations'])} cases contradict a bound.",
            [tables["summary"]],
        ),
        Section(
            "The walk index is the degree of the rank in D",
            "For graphs of up to "
            f"{extent.degree_vertices} vertices, depths {', '.join(map(str, extent.degree_depths))} and widths 1, 2, "
            "… up "
            f"to {extent.degree_widths} while the rank is below {extent.degree_samples}. Each rank, as a function of "
            "D, is "
            "a polynomial as soon as there are enough widths to tell (at least two differences of one order that are "
            "0).",
            [tables["degrees"]], [drawn["degrees"]] if "degrees" in drawn else [],
        ),
        Section(
            "Single vertices",
            "The rank of a single vertex with a neighbour is C(D + WI − 1, WI): what WIS keeps up is exactly this "
            "rank. "
            f"{int(singles.equal.sum()):,} of {len(singles):,} exact cases agree.",
            figures=[drawn["singletons"]],
        ),
        Section(
            "Within one graph",
            f"Logarithm of the rank against the walk index in {shown_graph(cases)}, each point a partition; arrows: at "
            "least so large.",
            figures=[drawn["one_graph"]],
        ),
        Section(
            "Are partitions ordered like their walk index?",
            "Pairs of partitions of one graph, with the same target, depth and width, both ranks exact and the walk "
            "indices not equal. Not all are ordered alike: at a fixed small D the rank is no function of the walk "
            "index. "
            "Graphs are not pooled: a rank in one graph is not compared with a rank in another.",
            [tables["order"]],
        ),
    ], kicker="Walk index and interactions")  # fmt: skip
    return tables


def frame_of(rows: Rows, kind: str) -> pd.DataFrame:
    """One line a case, with the name of its graph."""
    import pandas as pd

    cases = [
        {"graph": row["graph"], "n": row["n"], "edges": row["edges"]} | case
        for row in rows
        if row["kind"] == kind
        for case in row["cases"]
    ]
    frame = pd.DataFrame(cases)
    if not frame.empty:
        frame.insert(3, "kind", np.where(frame.target.isna(), "graph", "vertex"))
        frame["target"] = frame.target.astype("Int64")
    return frame


def write_cases(cases: pd.DataFrame, path: Path) -> None:
    """All cases as a compressed CSV, the same bytes for the same cases."""
    text = csv_text(cases.drop(columns=["degree"]))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        file.write(text.encode())
    with replace_file(path) as temporary:
        temporary.write_bytes(packed.getvalue())


def summary(cases: pd.DataFrame) -> pd.DataFrame:
    """How many cases contradict each bound."""
    import pandas as pd

    records = []
    for (kind, depth, width), group in cases.groupby(["kind", "L", "D"]):
        contradicted = [name for names in group.contradicts for name in names.split()]
        records.append(
            {"prediction": kind, "L": depth, "D": width, "cases": len(group), "exact": int(group.resolved.sum())}
            | {name: contradicted.count(name) for name in _BOUNDS}
        )
    return pd.DataFrame(records)


def singletons(cases: pd.DataFrame) -> pd.DataFrame:
    """Exact cases of a single vertex with a neighbour: the rank, and what it should be."""
    single = cases[cases.degree.gt(0) & cases.resolved].copy()
    single["formula"] = [comb(d + w - 1, w) for d, w in zip(single.D, single.walk_index, strict=True)]
    single["equal"] = single["formula"] == single["rank"]
    return single


def order(cases: pd.DataFrame) -> pd.DataFrame:
    """Of pairs with different walk indices, which share has its ranks in the same order."""
    import pandas as pd

    records = []
    for (kind, depth, width), group in cases[cases.resolved].groupby(["kind", "L", "D"]):
        signs = np.concatenate([_signs(part) for _, part in group.groupby(["graph", "target"], dropna=False)])
        if len(signs):
            records.append({
                "prediction": kind, "L": depth, "D": width, "pairs": len(signs), "alike": float((signs > 0).mean()),
                "equal ranks": float((signs == 0).mean()), "reversed": float((signs < 0).mean()),
            })  # fmt: skip
    return pd.DataFrame(records)


def _signs(part: pd.DataFrame) -> np.ndarray:
    """Of every pair whose walk indices differ: 1 if the ranks are ordered alike, 0 if equal, -1 if reversed."""
    first, second = np.triu_indices(len(part), 1)
    index, rank = part.walk_index.to_numpy(), part["rank"].to_numpy()
    signs = np.sign(index[first] - index[second]) * np.sign(rank[first] - rank[second])
    return signs[index[first] != index[second]]


def degree_table(degrees: pd.DataFrame) -> pd.DataFrame:
    """How many ranks show the degree of a polynomial in D, and how many of these degrees are the walk index."""
    import pandas as pd

    records: list[dict[str, Any]] = []
    if degrees.empty:
        return pd.DataFrame(columns=["prediction", "L", "cases", "determined", "degree is the walk index"])
    for (kind, depth), group in degrees.groupby(["kind", "L"]):
        known = group[group.degree.notna()]
        records.append({
            "prediction": kind, "L": depth, "cases": len(group), "determined": len(known),
            "degree is the walk index": int((known.degree == known.walk_index).sum()),
        })  # fmt: skip
    return pd.DataFrame(records)


def shown_graph(cases: pd.DataFrame) -> str:
    """Name of the graph that is drawn by itself."""
    return _SHOWN if _SHOWN in set(cases.graph) else str(cases.graph.iloc[0])


def _draw(out: Path, cases: pd.DataFrame, singles: pd.DataFrame, degrees: pd.DataFrame) -> dict[str, Path]:
    drawn = {name: out / f"{name}.svg" for name in ("degrees", "singletons", "one_graph")}
    shown = cases[(cases.graph == shown_graph(cases)) & (cases.D.min() == cases.D)]
    if degrees.empty:
        del drawn["degrees"]
    else:
        with figure(drawn["degrees"]) as axes:
            _draw_degrees(axes[0], degrees[degrees.degree.notna()])
    panels = [*shown.groupby(["kind", "L", "D"])]
    with figure(drawn["one_graph"], columns=2, rows=(len(panels) + 1) // 2) as axes:
        for place, ((kind, depth, width), part) in zip(axes, panels, strict=False):
            _draw_graph(place, part, f"{_KINDS[kind]}, L = {depth}, D = {width}")
        axes[0].legend(fontsize=8)
    with figure(drawn["singletons"]) as axes:
        _draw_singletons(axes[0], singles)
    return drawn


def _draw_degrees(axes: Axes, known: pd.DataFrame) -> None:
    counts = known.groupby(["walk_index", "degree"]).size().reset_index(name="cases")
    most = int(counts[["walk_index", "degree"]].to_numpy().max())
    axes.plot([0, most], [0, most], color=GREY, linewidth=1)
    axes.scatter(counts.walk_index, counts.degree, s=20 + 6 * counts.cases, color=BLUE, zorder=2)
    for row in counts.itertuples():
        axes.annotate(f"{row.cases}", (row.walk_index, row.degree), xytext=(9, -12), textcoords="offset points")
    axes.set(xlabel="walk index", ylabel="degree of the rank in D", title="numbers: cases")


def _draw_singletons(axes: Axes, singles: pd.DataFrame) -> None:
    for colour, (width, group) in zip(COLOURS, singles.groupby("D"), strict=False):
        points = group[["formula", "rank"]].drop_duplicates()
        axes.loglog(points.formula, points["rank"], "o", color=colour, markersize=4, alpha=0.5, label=f"D = {width}")
    ends = [1, singles.formula.max() if len(singles) else 1]
    axes.plot(ends, ends, color=GREY, linewidth=1, zorder=0)
    axes.set(xlabel="C(D + WI − 1, WI)", ylabel="separation rank")
    if len(singles):
        axes.legend()


def _draw_graph(axes: Axes, part: pd.DataFrame, title: str) -> None:
    """Every partition, with the best lower and upper bound of the paper and ours at its walk index."""
    exact = part[part.resolved]
    axes.plot(exact.walk_index, np.log(exact["rank"]), "o", color=COLOURS[0], markersize=4, label="separation rank")
    beyond = part[~part.resolved]
    axes.plot(beyond.walk_index, np.log(beyond["rank"]), "^", color=COLOURS[0], fillstyle="none", label="at least")
    ours = [log(upper) for upper in part.proved_upper.dropna()]
    known = part[part.proved_upper.notna()]
    _dashes(axes, known.walk_index, ours, BLUE, "upper, proved here")
    _dashes(axes, part.walk_index, part.paper_upper, GREY, "upper, the paper's")
    _dashes(axes, part.walk_index, part.paper_lower, COLOURS[2], "lower, the paper's")
    axes.set(xlabel="walk index", ylabel="log rank (nats)", title=title)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(bottom=0)


def _dashes(axes: Axes, x: Iterable[float], y: Iterable[float], colour: str, label: str) -> None:
    axes.plot([*x], [*y], "_", color=colour, markersize=7, label=label)
