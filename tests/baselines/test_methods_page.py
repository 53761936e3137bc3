"""The table of docs/methods.md is what the registry and the methods themselves say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import wis
from tests.strategies import edge_list
from wis.calls import choose_pairs
from wis.graphs.edge_list import EdgeList
from wis.registry import Method

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods.md"
HEAD = ("method", "what it does", "weights", "directed", "labels", "one order", "GPU", "on disk", "source")

UNDIRECTED = edge_list(4, [[0, 0, 1, 2], [1, 2, 2, 3]])
DIRECTED = edge_list(4, [[0, 2, 1, 3], [1, 0, 2, 2]], directed=True)


def weigh(edges: EdgeList) -> EdgeList:
    return EdgeList(edges.num_nodes, edges.pairs, edges.directed, np.arange(1.0, edges.num_pairs + 1))


def works(method: Method, edges: EdgeList) -> bool:
    """Whether a method takes such a graph; what it says of labels, which are not there, comes later."""
    try:
        choose_pairs(method, edges, 2, {}, data=object() if method.learns else None, seed=0, device="cpu")
    except (ValueError, TypeError, AttributeError) as error:
        return not ("directed" in str(error) or "weights" in str(error))
    return True


def row(method: Method) -> list[str]:
    needs_weights = method.reads_weights and not works(method, UNDIRECTED)
    return [
        f"`{method.name}`",
        method.summary.replace("``", "`"),
        "needed" if needs_weights else _mark(method.reads_weights),
        _mark(works(method, weigh(DIRECTED) if method.reads_weights else DIRECTED)),
        "needed" if method.learns else "–",
        _mark(method.kind == "rank"),
        _mark("cuda" in method.devices),
        "1-WIS" if method.name == "wis" else _mark(method.scores is not None),
        method.source.replace("|", "\\|"),
    ]


def _mark(holds: bool) -> str:
    return "yes" if holds else "–"


def table() -> str:
    rows = [HEAD, ["---"] * len(HEAD), *(row(method) for method in wis.methods())]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def test_the_table_is_that_of_the_registry() -> None:
    page = PAGE.read_text(encoding="utf-8")
    written = "".join(line + "\n" for line in page.splitlines() if line.startswith("|"))
    assert written == table(), f"write this table to {PAGE.name}:\n\n{table()}"
