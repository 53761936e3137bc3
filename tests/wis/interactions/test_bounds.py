import math
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from tests.wis.interactions.cases import HERE, Case, neighbours, partitions, random_graph, read_cases
from wis.interactions.bounds import MEASURED, PAPER, PROVED, separation_rank_bounds
from wis.interactions.setting import find_setting, walks_to


@pytest.mark.parametrize("case", [*read_cases(HERE)], ids=lambda case: f"{case.row['graph']}-{case.row['rank']}")
def test_bounds_of_thirty_cases(case: Case) -> None:
    _check(case)


def test_bounds_of_every_case(golden: Path) -> None:
    for case in read_cases(golden / "separation_rank.csv"):
        _check(case)


def _check(case: Case) -> None:
    graph, subset, depth, target, width, row = case
    bounds = separation_rank_bounds(graph, subset, depth, target, width=width)
    assert bounds.min_cut.integer is not None
    assert bounds.polynomial.integer is not None
    assert bounds.walk_index == int(row["WI"])
    assert bounds.admissible_walks == int(row["rho_adm"])
    assert bounds.num_cut == int(row["mincut"])
    assert min(bounds.min_cut.integer, bounds.polynomial.integer) == int(row["upper_int"])
    assert bounds.binomial.integer == int(row["lower_int"])
    assert bounds.paper_lower.nats == pytest.approx(float(row["paper_lower_nats"]), abs=1e-6)
    assert bounds.paper_upper.nats == pytest.approx(float(row["paper_upper_nats"]), abs=1e-6)
    assert bounds.contradicted_by(int(row["rank"])) == []


def test_every_bound_says_whose_it_is() -> None:
    bounds = separation_rank_bounds(nx.path_graph(3), [0], 2)
    assert (bounds.paper_upper.standing, bounds.paper_lower.standing) == (PAPER, PAPER)
    assert (bounds.min_cut.standing, bounds.polynomial.standing) == (PROVED, PROVED)
    assert bounds.binomial.standing == MEASURED


def test_a_rank_beyond_a_bound_contradicts_it() -> None:
    bounds = separation_rank_bounds(nx.path_graph(2), [0], 2, 0)  # the rank is 3
    assert bounds.contradicted_by(3) == []
    assert bounds.contradicted_by(2) == ["paper_lower", "binomial"]
    assert bounds.contradicted_by(2, resolved=False) == []
    assert bounds.contradicted_by(4, resolved=False) == ["polynomial"]
    assert bounds.contradicted_by(257) == ["paper_upper", "min_cut", "polynomial"]


def test_large_bounds_are_given_by_their_logarithm() -> None:
    graph = nx.complete_graph(24)
    bounds = separation_rank_bounds(graph, range(12), 3, width=3)
    assert bounds.walk_index == 24**3
    assert bounds.paper_upper.nats == pytest.approx(math.log(3) * (4 * 24**3 + 1))
    assert (bounds.paper_upper.integer, bounds.min_cut.integer) == (None, None)
    assert bounds.polynomial.nats == pytest.approx(12 * math.log(math.comb(24**3 + 2, 2)), rel=1e-9)


def test_the_cheapest_cut_is_the_cheapest_of_all_sides() -> None:
    """Against every way to put the inputs' matrices and the indices on sides, for L = 1 and 2."""
    for seed in range(10):
        graph = random_graph(3, 0.6, seed)
        for subset in partitions(3):
            for depth, target in ((1, 0), (2, 0), (2, None)):
                bounds = separation_rank_bounds(graph, subset, depth, target, width=3, input_width=2)
                setting = find_setting(graph, subset, depth, target, 3, 2, None, None)
                lists = neighbours(setting.edges)
                roots = range(3) if target is None else [target]
                children = [j for i in roots for j in lists[i]]
                assert bounds.min_cut.integer == _cheapest(children, lists, setting.inside, depth), (subset, depth)


def _cheapest(children: list[int], lists: list[list[int]], inside: np.ndarray, depth: int) -> int:
    """Least size of a cut below an index with these children: whole on either side, or cut and each child free."""
    sides = (True, False)
    whole = (math.prod(_below(j, lists, inside, depth - 1, side) for j in children) for side in sides)
    cut = 3 * math.prod(min(_below(j, lists, inside, depth - 1, side) for side in sides) for j in children)
    return min(*whole, cut)


def _below(vertex: int, lists: list[list[int]], inside: np.ndarray, layer: int, side: bool) -> int:
    """Least size of a cut below a matrix that is on a side, at the index of a vertex in a layer."""
    if layer == 0:
        return 1 if inside[vertex] == side else 2
    whole = math.prod(_below(j, lists, inside, layer - 1, side) for j in lists[vertex])
    cut = 3 * math.prod(min(_below(j, lists, inside, layer - 1, s) for s in (True, False)) for j in lists[vertex])
    return min(whole, cut)


def test_admissible_sets_are_the_best_of_all_pairs() -> None:
    for seed in range(15):
        graph = random_graph(5, 0.5, seed)
        subset = [0, 1 + seed % 4]
        for target in (None, 2):
            setting = find_setting(graph, subset, 2, target, 2, None, None, None)
            counts = walks_to(setting.edges, target)
            next(counts)
            assert separation_rank_bounds(graph, subset, 2, target).admissible_walks == _most(
                graph, subset, next(counts)
            )


def _most(graph: nx.Graph, subset: list[int], walks: np.ndarray) -> int:
    closed = [{v, *graph[v]} for v in graph]
    best = 0
    for chosen in partitions(len(graph)):
        one = {v for v in chosen if v in subset}
        other = {v for v in chosen if v not in subset}
        common = [k for k in graph if closed[k] & one and closed[k] & other]
        if all(len(closed[k] & one) == len(closed[k] & other) == 1 for k in common):
            best = max(best, sum(int(walks[k]) for k in common))
    return best


def test_too_many_vertices_at_the_boundary() -> None:
    with pytest.raises(ValueError, match="all subsets of the 30 vertices next to the boundary; at most 24"):
        separation_rank_bounds(nx.complete_graph(30), [0], 2)
    assert separation_rank_bounds(nx.path_graph(200), [0], 2).walk_index == 5


def test_powers_that_wrap_are_refused() -> None:
    with pytest.raises(OverflowError, match="depth=40 is too large"):
        separation_rank_bounds(nx.path_graph(3), [0], 40)
