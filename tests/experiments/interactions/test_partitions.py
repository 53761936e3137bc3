from itertools import product

import networkx as nx
import pytest
from wis.experiments.interactions.partitions import orbits, sampled, small_graphs


def test_there_are_142_connected_graphs_of_two_to_six_vertices() -> None:
    graphs = small_graphs(6)
    assert len(graphs) == 142
    assert [sum(len(graph) == n for graph in graphs.values()) for n in range(2, 7)] == [1, 2, 6, 21, 112]
    assert len(small_graphs(3)) == 3


@pytest.mark.parametrize("graph", [nx.path_graph(4), nx.complete_graph(4), nx.cycle_graph(5), nx.bull_graph()])
def test_orbits_meet_every_target_and_partition_once(graph: nx.Graph) -> None:
    found = {(target, frozenset(subset)) for target, subset in orbits(graph)}
    matcher = nx.algorithms.isomorphism.GraphMatcher(graph, graph)
    symmetries = [*matcher.isomorphisms_iter()]
    vertices = frozenset(graph)
    for target, mask in product((None, *graph), range(1, 2 ** len(graph) - 1)):
        subset = frozenset(v for v in graph if mask >> v & 1)
        images = {
            (None if target is None else name[target], side)
            for name in symmetries
            for side in (frozenset(map(name.__getitem__, subset)), vertices - frozenset(map(name.__getitem__, subset)))
        }
        assert len(images & found) == 1


def test_orbits_of_the_complete_graph_are_sizes() -> None:
    assert [subset for target, subset in orbits(nx.complete_graph(5)) if target is None] == [[0], [0, 1]]
    assert {target for target, _ in orbits(nx.complete_graph(5))} == {None, 0}


def test_a_sample_is_the_same_for_the_same_seed_and_has_proper_subsets() -> None:
    found = [*sampled(9, 40, seed=3)]
    assert found == [*sampled(9, 40, seed=3)]
    assert found != [*sampled(9, 40, seed=4)]
    assert all(0 < len(subset) < 9 and subset == sorted({*subset}) for _, subset in found)
    assert [target is None for target, _ in found] == [True, False] * 20
