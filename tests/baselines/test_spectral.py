"""Both laws of the spectral baselines: probabilities, weights, and the guarantee on the quadratic form."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from wis.baselines import spectral
from wis.baselines.resistance import effective_resistances

from tests.baselines.test_resistance import dense_laplacian, from_networkx
from tests.strategies import edge_list
from wis.graphs.edge_list import EdgeList

# A triangle with a pendant edge: resistances 2/3, 2/3, 2/3 and 1.
KITE = edge_list(4, [[0, 0, 1, 2], [1, 2, 2, 3]])
RESISTANCE = np.array([2 / 3, 2 / 3, 2 / 3, 1.0])


@pytest.fixture
def solved(monkeypatch):
    """The kite's resistances at hand, so that many draws cost little."""
    assert np.allclose(effective_resistances(KITE), RESISTANCE)
    monkeypatch.setattr(spectral, "effective_resistances", lambda edges, **_: RESISTANCE)


def test_first_draw_in_proportion_to_resistance(solved):
    counts = np.bincount([spectral.rank(KITE, seed=s)[-1] for s in range(6000)], minlength=4)
    share = np.array([2, 2, 2, 3]) / 9
    assert (np.abs(counts - 6000 * share) < 5 * np.sqrt(6000 * share)).all()


def test_second_draw_is_without_replacement(solved):
    orders = np.array([spectral.rank(KITE, seed=s) for s in range(6000)])
    after_bridge = orders[orders[:, -1] == 3, -2]
    counts = np.bincount(after_bridge, minlength=4)
    assert counts[3] == 0
    assert (np.abs(counts[:3] - len(after_bridge) / 3) < 5 * math.sqrt(len(after_bridge) / 3)).all()


def test_budget_of_the_selection_is_that_of_the_race():
    edges = from_networkx(nx.barabasi_albert_graph(300, 4, seed=0))
    order = spectral.rank(edges, seed=8)
    for num_keep in (0, 1, 100, edges.num_pairs):
        kept, weights = spectral.reweighted(edges, num_keep, seed=8)
        assert kept.sum() == num_keep
        assert sorted(np.flatnonzero(kept)) == sorted(order[len(order) - num_keep :])
        assert ((weights > 0) == kept).all()


@pytest.mark.parametrize("num_keep", [2, 3, 4])
def test_the_laplacian_is_that_of_the_graph_on_average(solved, num_keep):
    factors = np.array([spectral.reweighted(KITE, num_keep, seed=seed)[1] for seed in range(4000)])
    spread = factors.std(axis=0) / np.sqrt(len(factors))
    assert (np.abs(factors.mean(axis=0) - 1) <= 4.5 * spread).all()


def draw_weights(rates: np.ndarray, num_draws: int, seed: int) -> np.ndarray:
    """What multiplies the weights after a number of draws that is chosen beforehand, in proportion to the rates."""
    probability = rates / rates.sum()
    return np.random.default_rng(seed).multinomial(num_draws, probability) / (num_draws * probability)


@pytest.mark.parametrize("epsilon", [0.5, 0.25])
@pytest.mark.parametrize("name", ["clique", "two cliques and a bridge", "random"])
def test_guarantee_on_the_quadratic_form(name, epsilon):
    graph = {
        "clique": nx.complete_graph(80),
        "two cliques and a bridge": nx.barbell_graph(40, 0),
        "random": nx.gnp_random_graph(100, 0.3, seed=0),
    }[name]
    edges = from_networkx(graph)
    num_draws = math.ceil(4 * edges.num_nodes * math.log(edges.num_nodes) / epsilon**2)
    values, vectors = np.linalg.eigh(dense_laplacian(edges))
    root = vectors[:, 1:] / np.sqrt(values[1:])  # one component: one zero eigenvalue
    for resistance in (effective_resistances(edges), effective_resistances(edges, solver="cg", k=64, seed=0)):
        for seed in range(5):
            weights = draw_weights(resistance, num_draws, seed)
            form = np.linalg.eigvalsh(root.T @ dense_laplacian(edges, weights) @ root)
            assert 1 - epsilon <= form.min()
            assert form.max() <= 1 + epsilon


def clique_with_a_heavy_path() -> EdgeList:
    """The clique of 40 with weights of 1e-3, but 1 along a path through all vertices."""
    edges = from_networkx(nx.complete_graph(40))
    weights = np.where(edges.pairs[1] - edges.pairs[0] == 1, 1.0, 1e-3)
    return EdgeList(40, edges.pairs, weights=weights)


def relative_eigenvalues(edges: EdgeList, factors: np.ndarray) -> np.ndarray:
    """Those of the new Laplacian relative to the graph's, without that of the constants."""
    values, vectors = np.linalg.eigh(dense_laplacian(edges, edges.weights))
    root = vectors[:, 1:] / np.sqrt(values[1:])
    return np.linalg.eigvalsh(root.T @ dense_laplacian(edges, edges.weights * factors) @ root)


def test_weights_count_in_the_laplacian():
    edges = clique_with_a_heavy_path()
    with_weights, without = [], []
    for seed in range(10):
        kept, factors = spectral.reweighted(edges, 400, seed=seed)
        assert kept.sum() == 400
        with_weights.append(relative_eigenvalues(edges, factors))
        # What came out while weights were not read: draws by the resistances of the clique.
        _, blind = spectral.reweighted(EdgeList(40, edges.pairs), 400, seed=seed)
        without.append(relative_eigenvalues(edges, blind))
    assert np.min(with_weights) > 0.65
    assert np.max(with_weights) < 1.35
    assert np.min(without) < 0.05
    assert np.max(without) > 1.5


def test_draws_in_proportion_to_weight_times_resistance():
    kite = EdgeList(4, KITE.pairs, weights=np.array([1.0, 2.0, 4.0, 0.1]))
    # In the triangle, 1 ohm is parallel to 1/2 + 1/4, and so on; the bridge is 1.
    rates = np.array([1 / (1 + 4 / 3), 2 / (2 + 4 / 5), 4 / (4 + 2 / 3), 1.0])
    assert np.allclose(kite.weights * effective_resistances(kite), rates)
    first = np.bincount([spectral.rank(kite, seed=seed)[-1] for seed in range(2000)], minlength=4)
    share = rates / rates.sum()
    assert (np.abs(first - 2000 * share) < 4.5 * np.sqrt(2000 * share * (1 - share))).all()


def test_uniform_draws_break_the_guarantee():
    # The bridge of two cliques is what resistances are for: uniform draws of the same number miss it.
    edges = from_networkx(nx.barbell_graph(40, 0))
    uniform = np.ones(edges.num_pairs)
    missed = [(draw_weights(uniform, 500, seed) == 0)[~_within_cliques(edges)].all() for seed in range(20)]
    kept = [(draw_weights(effective_resistances(edges), 500, s) > 0)[~_within_cliques(edges)].all() for s in range(20)]
    assert sum(missed) > 10
    assert all(kept)


def _within_cliques(edges):
    return (edges.pairs < 40).all(axis=0) | (edges.pairs >= 40).all(axis=0)


def test_directed_is_refused_by_name():
    edges = edge_list(3, [[0, 1], [1, 2]], directed=True)
    with pytest.raises(ValueError, match=r"^method 'spectral' .* undirected .* directed=False"):
        spectral.rank(edges)
    with pytest.raises(ValueError, match=r"^method 'spectral-reweighted' .* undirected .* directed=False"):
        spectral.reweighted(edges, 1)
