import networkx as nx
import numpy as np
import pytest

from tests.strategies import edge_list
from tests.wis.interactions.cases import forward
from wis.graphs.load import load_graph
from wis.interactions.modular import MODULUS
from wis.interactions.values import draw_weights, values


@pytest.mark.parametrize("target", [None, 0, 3])
@pytest.mark.parametrize(("depth", "width", "input_width"), [(1, 2, 3), (2, 3, 1), (3, 2, 2), (4, 1, 2)])
def test_values_are_those_of_the_definition(depth: int, width: int, input_width: int, target: int | None) -> None:
    edges = load_graph(nx.lollipop_graph(3, 2)).edges
    _check(edges, np.array([True, False, True, False, False]), depth, width, input_width, target)


def test_values_of_a_directed_graph_follow_its_edges() -> None:
    edges = edge_list(4, [[0, 1, 2, 3, 0], [1, 2, 0, 2, 3]], directed=True)
    _check(edges, np.array([True, True, False, False]), 3, 2, 2, 2)


def test_values_with_an_isolated_vertex_and_with_none_at_all() -> None:
    _check(edge_list(3, [[0], [1]]), np.array([False, True, True]), 3, 2, 2, None)
    weights = draw_weights(np.random.default_rng(0), 2, 3, 3)
    found = values(edge_list(0, []), np.zeros(0, dtype=np.bool_), None, weights, np.empty((0, 3, 2), dtype=np.uint32))
    assert (found == int(weights.output.astype(object).sum()) % MODULUS).all()  # an empty product is 1


def _check(edges, inside, depth, width, input_width, target) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(depth)
    weights = draw_weights(rng, depth, width, input_width)
    inputs = rng.integers(MODULUS, size=(edges.num_nodes, input_width, 3), dtype=np.uint32)
    found = values(edges, inside, target, weights, inputs)
    plain = [weights.first.tolist(), *weights.later.tolist(), weights.output.tolist()]
    for a in range(3):
        for b in range(3):
            x = [inputs[v, :, a if inside[v] else b].tolist() for v in range(edges.num_nodes)]
            assert found[a, b] == forward(edges, plain, x, target) % MODULUS
