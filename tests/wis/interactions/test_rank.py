from collections import defaultdict
from itertools import product
from math import comb
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

import wis
from tests.wis.interactions.cases import HERE, Case, forward, partitions, random_graph, read_cases, relabelled
from wis.graphs.load import load_graph
from wis.interactions.bounds import separation_rank_bounds
from wis.interactions.rank import SeparationRank, separation_rank


@pytest.mark.parametrize("case", [*read_cases(HERE)], ids=lambda case: f"{case.row['graph']}-{case.row['rank']}")
def test_thirty_known_ranks(case: Case) -> None:
    _check(case, seed=3)


def test_every_known_rank_with_a_fresh_seed(golden: Path) -> None:
    cases = [*read_cases(golden / "separation_rank.csv")]
    assert len(cases) == 333
    for case in cases:
        _check(case, seed=20)


def _check(case: Case, seed: int) -> None:
    graph, subset, depth, target, width, row = case
    found = separation_rank(graph, subset, depth, target, width=width, seed=seed)
    assert (found.rank, found.samples, found.resolved) == (int(row["rank"]), int(row["R"]), True)


@pytest.mark.parametrize("target", [None, 1])
def test_the_rank_is_that_of_the_complement_and_of_the_graph_relabelled(target: int | None) -> None:
    rng = np.random.default_rng(0)
    graph = nx.bull_graph()
    for subset in partitions(5):
        rank = separation_rank(graph, subset, 2, target, width=3, max_samples=64).rank
        rest = [v for v in graph if v not in subset]
        assert separation_rank(graph, rest, 2, target, width=3, max_samples=64, seed=1).rank == rank
        copy, name = relabelled(graph, rng)
        moved = None if target is None else name(target)
        assert separation_rank(copy, map(name, subset), 2, moved, width=3, max_samples=64).rank == rank


@pytest.mark.parametrize("seed", range(12))
def test_a_single_vertex_has_the_binomial_rank(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 9))
    graph = random_graph(n, 0.4, seed)
    for depth, width, target in product((2, 3), (2, 3), (None, int(rng.integers(n)))):
        v = int(rng.integers(n))
        if graph.degree(v) == 0:
            continue
        index = wis.walk_index(graph, [v], depth, target)
        expected = comb(width + index - 1, index)
        found = separation_rank(graph, [v], depth, target, width=width, max_samples=256)
        assert found.rank == min(expected, 256)
        assert found.resolved == (expected < 256)


@pytest.mark.parametrize(
    ("graph", "depths"),
    [(nx.path_graph(2), (1, 2, 3)), (nx.path_graph(3), (1, 2)), (nx.complete_graph(3), (1, 2))],
)
def test_the_rank_is_the_rational_rank_of_the_coefficients(graph: nx.Graph, depths: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    for depth, target in product(depths, (None, 0)):
        sizes = (2, 2, 2)[:depth]
        weights = [rng.integers(-999, 999, (width, 2)).tolist() for width in sizes] + [rng.integers(1, 999, 2).tolist()]
        polynomial = _output(graph, weights, target)
        for subset in partitions(len(graph)):
            rank = _rational_rank(_coefficients(polynomial, subset))
            assert separation_rank(graph, subset, depth, target).rank == rank, (depth, target, subset)


class _Polynomial(dict[tuple[int, ...], int]):
    """Exponents of all variables → coefficient."""

    def __mul__(self, other: Any) -> "_Polynomial":
        if isinstance(other, int):
            return _Polynomial({powers: other * c for powers, c in self.items() if other})
        total: defaultdict[tuple[int, ...], int] = defaultdict(int)
        for (p, c), (q, d) in product(self.items(), other.items()):
            total[tuple(map(sum, zip(p, q, strict=True)))] += c * d
        return _Polynomial(total)

    __rmul__ = __mul__

    def __add__(self, other: "_Polynomial") -> "_Polynomial":
        return _Polynomial({p: self.get(p, 0) + other.get(p, 0) for p in {*self, *other}})


def _output(graph: nx.Graph, weights: list[Any], target: int | None) -> _Polynomial:
    """The GNN as a polynomial: variables 2 v and 2 v + 1 are the input of v."""
    variables = np.eye(2 * len(graph), dtype=int).tolist()
    inputs = [[_Polynomial({tuple(variables[2 * v + d]): 1}) for d in range(2)] for v in range(len(graph))]
    one = _Polynomial({(0,) * (2 * len(graph)): 1})
    return forward(load_graph(graph).edges, weights, inputs, target, one)


def _coefficients(polynomial: _Polynomial, subset: list[int]) -> list[list[int]]:
    """A row for every monomial of the subset's inputs, a column for every one of the others'."""
    rows: defaultdict[tuple[int, ...], dict[tuple[int, ...], int]] = defaultdict(dict)
    columns: set[tuple[int, ...]] = set()
    for powers, coefficient in polynomial.items():
        inner = tuple(p for i, p in enumerate(powers) if i // 2 in subset)
        outer = tuple(p for i, p in enumerate(powers) if i // 2 not in subset)
        rows[inner][outer] = coefficient
        columns.add(outer)
    return [[row.get(column, 0) for column in columns] for row in rows.values()]


def _rational_rank(matrix: list[list[int]]) -> int:
    """Bareiss: elimination in integers, every division exact."""
    rank, last = 0, 1
    for column in range(len(matrix[0])):
        pivot = next((i for i in range(rank, len(matrix)) if matrix[i][column]), None)
        if pivot is None:
            continue
        matrix[rank], matrix[pivot] = matrix[pivot], matrix[rank]
        top = matrix[rank]
        for i in range(rank + 1, len(matrix)):
            row = matrix[i]
            matrix[i] = [(top[column] * x - row[column] * y) // last for x, y in zip(row, top, strict=True)]
        last = top[column]
        rank += 1
    return rank


def test_edge_cases() -> None:
    apart = nx.empty_graph(3)
    assert separation_rank(apart, [0], 3, 0).rank == 1
    assert [separation_rank(apart, [0], 3, width=width).rank for width in (1, 2, 5)] == [1, 2, 5]
    assert separation_rank(nx.complete_graph(4), [0, 1], 1, width=4).rank == 4  # L = 1, graph
    assert separation_rank(nx.complete_graph(4), [0, 1], 1, 0, width=4).rank == 4
    assert separation_rank(nx.path_graph(3), [], 2).rank == 1
    assert separation_rank(nx.path_graph(3), [0, 1, 2], 2).rank == 1
    assert separation_rank(nx.empty_graph(0), [], 2).rank == 1
    assert separation_rank(nx.path_graph(4), [0, 1], 2, 1, width=3, input_width=1).rank == 1
    assert separation_rank(nx.path_graph(4), [0, 0, 1, 1], 2, 1).rank == 4


def test_what_is_too_large_for_the_samples_is_said_to_be_at_least_so_large() -> None:
    found = separation_rank(nx.complete_graph(4), [0, 1], 3, max_samples=20)
    assert (found.rank, found.samples, found.resolved, str(found)) == (20, 20, False, "at least 20")
    assert str(separation_rank(nx.path_graph(4), [0, 1], 2, 1)) == "4"
    assert SeparationRank(7, 64, True, 0.0).rank == 7


def test_the_chance_of_an_error_is_that_of_schwartz_and_zippel() -> None:
    # P2, L = 1, t = 0: inputs take part twice, the one matrix twice, the output once: degree 5.
    found = separation_rank(nx.path_graph(2), [0], 1, 0)
    assert found.samples == 6
    assert found.error == 6 * 5 / (2**31 - 1)


def test_what_follows_the_edges_does_not_matter() -> None:
    """As many edges as vertices: the attribute may belong to either, and neither is asked for."""
    cycle = torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])
    data = Data(edge_index=cycle, num_nodes=6, time=torch.arange(6))
    assert separation_rank(data, [0], 2).rank == separation_rank(cycle, [0], 2, num_nodes=6).rank


def test_directed_graphs_walk_along_the_edges() -> None:
    both = np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    for target, subset in product((None, 1), ([0], [0, 2], [0, 1])):
        directed = separation_rank(both, subset, 2, target, directed=True)
        assert directed.rank == separation_rank(nx.path_graph(4), subset, 2, target).rank
    one_way = np.array([[0], [1]])
    assert wis.walk_index(one_way, [0], 3, 1, directed=True) == 1  # the boundary is where the edge ends
    assert separation_rank(one_way, [0], 3, 1, width=5, directed=True).rank == 5
    assert separation_rank(one_way, [0], 3, 0, directed=True).rank == 1


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([0], 0), {}, ValueError, "depth must be at least 1, got 0"),
        (([0], 2), {"width": 0}, ValueError, "width must be at least 1, got 0"),
        (([0], 2), {"input_width": 1.5}, TypeError, "input_width must be an integer, got 1.5"),
        (([9], 2), {}, ValueError, "subset has vertex 9; the graph has 4 vertices"),
        ((3, 2), {}, TypeError, "subset must be a collection of vertex indices, got 3"),
        (([0], 2, 4), {}, ValueError, "target has vertex 4"),
        (([0], 2), {"max_samples": 0}, ValueError, "max_samples must be at least 1, got 0"),
        (([0], 25), {}, OverflowError, "depth=25 is too large for this graph"),
        (([0], 2), {"width": 10**5}, ValueError, "there is room for n .* give a smaller graph"),
        (([0], 3), {"width": 9, "max_samples": 10**6}, ValueError, "10000.* samples takes about .* multiplications"),
    ],
)
def test_bad_input(arguments: Any, options: Any, error: type[Exception], message: str) -> None:
    graph = nx.complete_graph(4) if "max_samples" in options else nx.path_graph(4)
    with pytest.raises(error, match=message):
        separation_rank(graph, *arguments, **options)
    with pytest.raises(ValueError, match="subset tells vertices by their numbers, and .* number 0 .* called 2"):
        separation_rank(nx.Graph([(2, 1), (1, 0)]), [0], 3)


def test_a_graph_that_is_too_large_is_told_what_it_would_take() -> None:
    with pytest.raises(ValueError, match=r"500 vertices and 124750 edges at depth=2, width=40 and 1024 samples takes"):
        separation_rank(nx.complete_graph(500), [0, 1], 2, width=40)


def test_the_walk_index_never_rises_when_an_edge_goes() -> None:
    rng = np.random.default_rng(5)
    for seed in range(20):
        graph = random_graph(7, 0.5, seed)
        subset = [v for v in graph if rng.random() < 0.5]
        for depth, target in product((1, 2, 3), (None, 0)):
            before = wis.walk_index(graph, subset, depth, target)
            for edge in [*graph.edges]:
                fewer = graph.copy()
                fewer.remove_edge(*edge)
                assert wis.walk_index(fewer, subset, depth, target) <= before


def test_ranks_and_bounds_of_random_graphs_agree() -> None:
    rng = np.random.default_rng(6)
    for seed in range(40):
        graph = random_graph(int(rng.integers(2, 8)), 0.5, seed)
        subset = [v for v in graph if rng.random() < 0.5]
        depth, width = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        for input_width, target in product((width, 1 + seed % 3), (None, 0)):
            options = {"width": width, "input_width": input_width}
            found = separation_rank(graph, subset, depth, target, max_samples=128, **options)
            bounds = separation_rank_bounds(graph, subset, depth, target, **options)
            assert bounds.contradicted_by(found.rank, found.resolved) == []
