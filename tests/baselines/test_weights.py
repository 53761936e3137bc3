"""Weights near the ends of float64, by every method that reads weights."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from wis.baselines.weights import summable

import wis
from tests.baselines.test_resistance import from_networkx
from wis.calls import choose_pairs
from wis.graphs.edge_list import EdgeList
from wis.registry import find_method

METHODS = [method.name for method in wis.methods() if method.reads_weights]
GRAPH = from_networkx(nx.gnm_random_graph(40, 120, seed=1))
WEIGHTS = np.random.default_rng(0).uniform(0.5, 2, 120)


def chosen(method: str, weights: np.ndarray, num_keep: int = 60) -> tuple[np.ndarray, np.ndarray | None]:
    edges = EdgeList(GRAPH.num_nodes, GRAPH.pairs, weights=weights)
    return choose_pairs(find_method(method), edges, num_keep, {}, seed=3)


@pytest.mark.parametrize("power", [-1030, 1022])
@pytest.mark.parametrize("method", METHODS)
def test_the_unit_of_weights_decides_nothing(method, power):
    """Sums of the large ones, and one over the small ones, are infinite."""
    kept, factors = chosen(method, WEIGHTS)
    kept_too, factors_too = chosen(method, np.ldexp(WEIGHTS, power))
    assert np.array_equal(kept, kept_too)
    if factors is not None:
        # Below 2**-1022 numbers have fewer digits.
        assert np.allclose(factors, factors_too, rtol=1e-12, atol=0)


@pytest.mark.parametrize("method", ["dspar", "dspar-reweighted", "disparity", "spanning-forest", "threshold"])
def test_edges_of_next_to_no_weight_go_first(method):
    """Similarities exp(-d^2) are as small as that: beside one of weight 1, most of 1e-310 are never drawn."""
    heavy = np.arange(120) % 2 == 0
    kept, factors = chosen(method, np.where(heavy, WEIGHTS, 1e-310), 90)
    assert kept[heavy].sum() >= 55
    assert factors is None or np.isfinite(factors).all()


@pytest.mark.parametrize("method", ["dspar", "dspar-reweighted", "local", "spanning-forest", "threshold"])
def test_the_largest_beside_the_smallest(method):
    weights = np.resize([5e-324, 1e-310, 1.0, 1e308], 120)
    kept, factors = chosen(method, weights, 30)
    assert kept.sum() == 30
    assert factors is None or np.isfinite(factors).all()


def test_summable_changes_no_digit():
    assert summable(WEIGHTS) is WEIGHTS
    assert summable(np.zeros(0)).tolist() == []
    for power in (-1000, 1022):
        moved = summable(np.ldexp(WEIGHTS, power))
        assert np.array_equal(moved / moved[0], WEIGHTS / WEIGHTS[0])
        assert np.isfinite(moved.sum() + (1 / moved).sum())
    far = summable(np.array([5e-324, 1.7e308]))
    assert far[0] > 0
    assert np.isfinite(1 / far[0])
