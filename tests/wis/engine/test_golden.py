"""Against the outputs of the published implementation, where they are present."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import naive
from tests.strategies import edge_list
from wis.engine.rank import rank
from wis.engine.walk_counts import closed_walks
from wis.graphs.edge_list import EdgeList

GRAPHS = ("karate", "lesmis", "mixed_disc")


def load(golden: Path, name: str) -> tuple[dict[str, Any], EdgeList]:
    case = json.loads((golden / f"{name}.json").read_text())
    return case, edge_list(case["num_nodes"], case["edge_index"])


def without(edges: EdgeList, positions: list[int]) -> EdgeList:
    return EdgeList(edges.num_nodes, np.delete(edges.pairs, positions, axis=1))


def positions_of(edges: EdgeList, columns: list[list[int]]) -> list[int]:
    return [int(p) for p in edges.pair_of_columns(np.array(columns, dtype=np.int64).reshape(2, -1))]


@pytest.mark.parametrize("name", GRAPHS)
def test_walk_indices_after_the_first_removal(golden: Path, name: str) -> None:
    case, edges = load(golden, name)
    for order in case["orders"]:
        first = order["first_step"]
        for e, expected in zip(
            positions_of(edges, first["candidates"]), first["walk_index_after_removal"], strict=True
        ):
            assert list(closed_walks(without(edges, [e]), order["depth"])) == expected
            assert naive.walk_indices(edges.num_nodes, np.delete(edges.pairs, e, axis=1), order["depth"]) == expected


@pytest.mark.parametrize("name", ["karate", "mixed_disc"])
def test_one_wis_order_is_the_published_one(golden: Path, name: str) -> None:
    case, edges = load(golden, name)
    assert list(rank(edges, depth=2)) == positions_of(edges, case["one_wis_first_tie"])


@pytest.mark.parametrize("every", [13, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", GRAPHS)
def test_steps_are_among_the_tied_best(golden: Path, name: str, every: int) -> None:
    case, edges = load(golden, name)
    for depth in sorted({order["depth"] for order in case["orders"] if order["chunk"] == 1}):
        order = rank(edges, depth=depth)
        for step in range(0, edges.num_pairs, every):
            left = np.sort(order[step:])
            assert _is_best(EdgeList(edges.num_nodes, edges.pairs[:, left]), depth, int((left < order[step]).sum()))


@pytest.mark.parametrize("name", GRAPHS)
def test_ties_are_as_many_as_published_where_the_graphs_agree(golden: Path, name: str) -> None:
    """As long as both orders removed the same edges, their next step has the same number of tied candidates."""
    case, edges = load(golden, name)
    for published in case["orders"]:
        if published["chunk"] != 1:
            continue
        order = list(rank(edges, depth=published["depth"]))
        theirs = positions_of(edges, published["removed"])
        agreeing = [k for k in range(edges.num_pairs) if set(order[:k]) == set(theirs[:k])]
        for step in agreeing[:: max(1, len(agreeing) // 4)]:
            keys = _keys(without(edges, order[:step]), published["depth"])
            assert keys.count(max(keys)) == published["num_tied_for_best"][step]


def _keys(edges: EdgeList, depth: int) -> list[list[int]]:
    """The sorted tuple that the removal of each pair leaves."""
    return [sorted(closed_walks(without(edges, [e]), depth).tolist()) for e in range(edges.num_pairs)]


def _is_best(edges: EdgeList, depth: int, position: int) -> bool:
    keys = _keys(edges, depth)
    return keys[position] == max(keys)
