"""Cases of separation ranks, and the GNN in plain Python integers."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np

from wis.graphs.edge_list import EdgeList

HERE = Path(__file__).parent / "separation_rank.csv"


class Case(NamedTuple):
    """One row of ``separation_rank.csv``: arguments, and the row itself."""

    graph: nx.Graph
    subset: list[int]
    depth: int
    target: int | None
    width: int
    row: dict[str, str]


def read_cases(path: Path) -> Iterator[Case]:
    """The rows of a table of separation ranks."""
    with path.open() as file:
        for row in csv.DictReader(file):
            graph = nx.empty_graph(int(row["n"]))
            graph.add_edges_from(tuple(map(int, edge.split("-"))) for edge in row["edges"].split())
            target = int(row["t"]) if row["t"] else None
            yield Case(graph, [*map(int, row["I"].split())], int(row["L"]), target, int(row["D"]), row)


def neighbours(edges: EdgeList) -> list[list[int]]:
    """Every vertex with those it takes in: itself, and its (in-)neighbours."""
    lists = [[v] for v in range(edges.num_nodes)]
    for tail, head in edges.pairs.T.tolist():
        lists[head].append(tail)
        if not edges.directed:
            lists[tail].append(head)
    return lists


def forward(edges: EdgeList, weights: Sequence[Any], inputs: Sequence[Any], target: int | None, one: Any = 1) -> Any:
    """The GNN's output by its definition, for any numbers: lists of lists of rows, a list for the output."""
    *matrices, output = weights
    state = [list(x) for x in inputs]
    for matrix in matrices:
        mapped = [[sum((w * h for w, h in zip(row, x, strict=True)), one * 0) for row in matrix] for x in state]
        state = [
            [prod((mapped[j][d] for j in near), start=one) for d in range(len(matrix))] for near in neighbours(edges)
        ]
    last = [prod(column, start=one) for column in zip(*state, strict=True)] if target is None else state[target]
    return sum((w * h for w, h in zip(output, last, strict=True)), one * 0)


def partitions(num_nodes: int) -> Iterator[list[int]]:
    """All subsets of the vertices, the empty and the whole one included."""
    for chosen in product((False, True), repeat=num_nodes):
        yield [v for v in range(num_nodes) if chosen[v]]


def random_graph(num_nodes: int, share: float, seed: int) -> nx.Graph:
    """A random graph, isolated vertices included."""
    return nx.gnp_random_graph(num_nodes, share, seed=seed)


def relabelled(graph: nx.Graph, rng: np.random.Generator) -> tuple[nx.Graph, Callable[[int], int]]:
    """The graph with its vertices numbered anew, and where each vertex has gone."""
    names = rng.permutation(len(graph)).tolist()
    copy = nx.empty_graph(len(graph))
    copy.add_edges_from((names[u], names[v]) for u, v in graph.edges)
    return copy, names.__getitem__
