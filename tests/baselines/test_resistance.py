"""Effective resistances against the dense pseudo-inverse, by every solver."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from wis.baselines.resistance import effective_resistances, projections
from wis.baselines.resistance.amg import TooDenseError, VCycle
from wis.baselines.resistance.bridges import find_bridges
from wis.baselines.resistance.cg import least_eigenvalue, solve_block
from wis.baselines.resistance.laplacian import Laplacian
from wis.baselines.resistance.projections import Projections

from tests.strategies import edge_list, edge_lists, every_family
from wis.graphs.edge_list import EdgeList


def dense_laplacian(edges: EdgeList, weights: np.ndarray | None = None) -> np.ndarray:
    incidence = np.zeros((edges.num_pairs, edges.num_nodes))
    incidence[np.arange(edges.num_pairs), edges.pairs[0]] = 1.0
    incidence[np.arange(edges.num_pairs), edges.pairs[1]] = -1.0
    return incidence.T @ (incidence if weights is None else weights[:, None] * incidence)


def dense_resistances(edges: EdgeList) -> np.ndarray:
    inverse = np.linalg.pinv(dense_laplacian(edges, edges.weights), rcond=1e-13, hermitian=True)
    u, v = edges.pairs
    return inverse[u, u] + inverse[v, v] - 2 * inverse[u, v]


def weigh(edges: EdgeList, seed: int = 0, span: float = 1.0) -> EdgeList:
    """The same pairs with weights from ``10 ** -span`` to ``10 ** span``, times 7."""
    weights = 7 * 10 ** np.random.default_rng(seed).uniform(-span, span, edges.num_pairs)
    return EdgeList(edges.num_nodes, edges.pairs, edges.directed, weights)


def from_networkx(graph: nx.Graph) -> EdgeList:
    graph = nx.convert_node_labels_to_integers(graph)
    return edge_list(len(graph), np.array(graph.edges).T)


GRID = from_networkx(nx.grid_2d_graph(25, 40))
POWER_LAW = from_networkx(nx.barabasi_albert_graph(1200, 5, seed=1))
# Two components that share no size, a pendant path, and isolated vertices in between.
PATCHWORK = edge_list(
    60,
    np.concatenate(
        [POWER_LAW.pairs[:, (POWER_LAW.pairs < 30).all(axis=0)], [[40, 41, 42, 42, 3], [41, 42, 40, 43, 50]]], axis=1
    ),
)


@given(edge_lists(max_nodes=12, max_edges=40))
@settings(max_examples=150, deadline=None)
def test_exact_equals_the_dense_pseudo_inverse(edges):
    assert np.allclose(effective_resistances(edges), dense_resistances(edges), atol=1e-9)


@given(edge_lists(max_nodes=12, max_edges=40), st.integers(0, 9), st.sampled_from([0.5, 2.0]))
@settings(max_examples=100, deadline=None)
def test_exact_equals_the_dense_pseudo_inverse_with_weights(edges, seed, span):
    weighted = weigh(edges, seed, span)
    assert np.allclose(effective_resistances(weighted), dense_resistances(weighted), rtol=1e-8, atol=0)


@pytest.mark.parametrize("edges", [GRID, POWER_LAW, PATCHWORK], ids=["grid", "power law", "patchwork"])
def test_weights_times_resistances_sum_to_the_rank(edges):
    weighted = weigh(edges, span=2)
    graph = nx.Graph(edges.pairs.T.tolist())
    rank = len(graph) - nx.number_connected_components(graph)
    assert weighted.weights @ effective_resistances(weighted, solver="exact") == pytest.approx(rank, rel=1e-9)


@pytest.mark.parametrize("edges", [GRID, POWER_LAW, PATCHWORK], ids=["grid", "power law", "patchwork"])
@pytest.mark.parametrize("span", [0.7, 2.0])  # blocks of float32 and of float64
@pytest.mark.parametrize("solver", ["cg", "amg"])
def test_projections_estimate_the_resistances_with_weights(edges, span, solver):
    weighted = weigh(edges, 3, span)
    exact = dense_resistances(weighted)
    estimate = effective_resistances(weighted, solver=solver, k=256, seed=2)
    error = np.abs(estimate - exact) / exact
    assert np.median(error) < 0.04
    assert error.max() < 0.35
    assert (weighted.weights * estimate <= 1 + 1e-12).all()


@pytest.mark.parametrize("solver", ["exact", "cg", "amg"])
def test_the_unit_of_weights_is_that_of_conductance(solver):
    weighted = weigh(PATCHWORK)
    in_other_units = EdgeList(60, PATCHWORK.pairs, weights=weighted.weights * 2.0**70)
    resistance = effective_resistances(weighted, solver=solver, seed=1)
    assert np.array_equal(effective_resistances(in_other_units, solver=solver, seed=1) * 2.0**70, resistance)
    constant = EdgeList(60, PATCHWORK.pairs, weights=np.full(PATCHWORK.num_pairs, 4.0))
    unweighted = effective_resistances(PATCHWORK, solver=solver, seed=1)
    assert np.array_equal(effective_resistances(constant, solver=solver, seed=1) * 4, unweighted)


def test_bridges_have_the_resistance_of_themselves():
    weighted = weigh(PATCHWORK)
    bridge = find_bridges(PATCHWORK)
    for solver in ("exact", "cg", "amg"):
        resistance = effective_resistances(weighted, solver=solver, seed=0)
        assert np.array_equal(resistance[bridge], 1 / weighted.weights[bridge])


def test_exact_on_every_family():
    for edges in every_family((25, 90)):
        assert np.allclose(effective_resistances(edges, solver="exact"), dense_resistances(edges), atol=1e-9)


@pytest.mark.parametrize("edges", [GRID, POWER_LAW, PATCHWORK])
def test_exact_sums_to_the_rank(edges):
    # Foster (1949): the resistances of all edges sum to n minus the number of components.
    graph = sp.coo_array((np.ones(edges.num_pairs), tuple(edges.pairs)), (edges.num_nodes, edges.num_nodes))
    parts, _ = sp.csgraph.connected_components(graph, directed=False)
    resistance = effective_resistances(edges, solver="exact")
    assert resistance.sum() == pytest.approx(edges.num_nodes - parts, rel=1e-12)
    assert np.allclose(resistance, dense_resistances(edges), atol=1e-9)


def test_known_values():
    cycle = edge_list(6, [[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])
    clique = from_networkx(nx.complete_graph(10))
    assert np.allclose(effective_resistances(cycle), 5 / 6)
    assert np.allclose(effective_resistances(clique), 2 / 10)


@pytest.mark.parametrize("solver", ["exact", "cg", "amg"])
def test_bridges_are_exactly_one(solver):
    edges = PATCHWORK
    bridges = {tuple(sorted(pair)) for pair in nx.bridges(nx.Graph(edges.pairs.T.tolist()))}
    is_bridge = np.array([tuple(pair) in bridges for pair in edges.pairs.T.tolist()])
    resistance = effective_resistances(edges, solver=solver, seed=0)
    assert is_bridge.sum() == 3
    assert (resistance[is_bridge] == 1.0).all()
    assert (resistance[~is_bridge] < 1.0).all()


@given(edge_lists(max_nodes=12, max_edges=25))
@settings(max_examples=150, deadline=None)
def test_bridges_are_those_of_networkx(edges):
    graph = nx.Graph(edges.pairs.T.tolist())
    expected = {tuple(sorted(pair)) for pair in nx.bridges(graph)}
    found = edges.pairs[:, find_bridges(edges)]
    assert {tuple(pair) for pair in found.T.tolist()} == expected


@pytest.mark.parametrize("edges", [GRID, POWER_LAW, PATCHWORK], ids=["grid", "power law", "patchwork"])
@pytest.mark.parametrize("solver", ["cg", "amg"])
def test_projections_estimate_the_resistances(edges, solver):
    exact = dense_resistances(edges)
    estimate = effective_resistances(edges, solver=solver, k=256, seed=2)
    error = np.abs(estimate - exact) / exact
    # Plain projections have a standard error of sqrt(2 / 256) = 8.8% on every edge.
    assert np.median(error) < 0.03
    assert error.max() < 0.25


def test_projections_carry_no_bias():
    edges = from_networkx(nx.barabasi_albert_graph(60, 3, seed=4))
    exact = dense_resistances(edges)
    estimates = np.array([effective_resistances(edges, solver="cg", k=32, tol=1e-4, seed=s) for s in range(60)])
    spread = estimates.std(axis=0) / np.sqrt(len(estimates))
    assert (np.abs(estimates.mean(axis=0) - exact) < 5 * spread + 1e-4).all()


def test_error_falls_with_k():
    exact = dense_resistances(POWER_LAW)
    errors = [np.abs(effective_resistances(POWER_LAW, solver="cg", k=k, seed=0) - exact).mean() for k in (16, 256)]
    assert errors[1] < errors[0] / 3  # a quarter is expected


CYCLE = from_networkx(nx.cycle_graph(600))


@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-3, 1e-8])
@pytest.mark.parametrize("solver", ["cg", "amg"])
@pytest.mark.parametrize("edges", [GRID, POWER_LAW, CYCLE], ids=["grid", "power law", "cycle"])
def test_block_solver_has_the_error_it_was_told(edges, solver, tol):
    # A residual falls by a hundred on the cycle while a tenth of the differences across edges is still missing.
    laplacian = Laplacian.from_pairs(edges.num_nodes, edges.pairs)
    problem = Projections(laplacian, edges.pairs, tol, entropy=7)
    problem.choose(solver)
    rhs = problem.right_hand_sides(0, 5)
    assert rhs.dtype == (np.float32 if tol > 1e-5 else np.float64)
    expected = np.linalg.pinv(dense_laplacian(edges), hermitian=True) @ rhs
    solution, iterations, solved = solve_block(laplacian, rhs.copy(), tol, 2000, problem.precondition)
    assert solved
    assert iterations < (40 if solver == "amg" else 700)
    u, v = edges.pairs
    differences = expected[u] - expected[v]
    error = np.linalg.norm(solution[u] - solution[v] - differences, axis=0) / np.linalg.norm(differences, axis=0)
    # The estimate is a lower bound: a quarter more iterations are allowed for where convergence is slow.
    assert error.max() < 2 * tol


def test_work_memory_changes_nothing():
    laplacian = Laplacian.from_pairs(GRID.num_nodes, GRID.pairs)
    rhs = Projections(laplacian, GRID.pairs, 1e-2, entropy=7).right_hand_sides(0, 5)
    fresh, _, _ = solve_block(laplacian, rhs.copy(), 1e-2, 2000)
    work = np.full((4, *rhs.shape), np.nan, dtype=rhs.dtype)
    again, _, _ = solve_block(laplacian, rhs.copy(), 1e-2, 2000, work=work)
    assert np.array_equal(fresh, again)


def test_cycle_is_symmetric_and_close_to_the_inverse():
    laplacian = Laplacian.from_pairs(GRID.num_nodes, GRID.pairs)
    size = GRID.num_nodes
    centre = np.eye(size) - 1 / size
    cycle = np.empty((size, size))
    products = VCycle(laplacian, np.float64)(centre, cycle)
    assert np.allclose(products, np.einsum("ij,ij->j", centre, cycle))
    cycle = centre @ cycle
    assert np.allclose(cycle, cycle.T, atol=1e-12)
    values = np.sort(np.linalg.eigvals(cycle @ dense_laplacian(GRID)).real)[1:]  # without that of the constants
    assert values.min() > 0.3
    assert values.max() < 1.01


def test_multigrid_with_components_that_become_single_vertices():
    # Their coarse matrices are nothing but rounding errors, which must not be inverted.
    triangles = np.array([[0, 0, 1], [1, 2, 2]])
    many = [1000 + 3 * i + triangles for i in range(300)]
    clique = np.array(np.triu_indices(500, 1)) + 1900
    edges = edge_list(2400, np.concatenate([GRID.pairs, *many, clique], axis=1))
    exact = effective_resistances(edges, solver="exact")
    estimate = effective_resistances(edges, solver="amg", k=256, seed=1)
    assert np.median(np.abs(estimate - exact) / exact) < 0.05
    assert np.abs(estimate - exact).max() < 0.25


def test_auto_leaves_multigrid_to_graphs_without_hubs(monkeypatch):
    laplacian = Laplacian.from_pairs(POWER_LAW.num_nodes, POWER_LAW.pairs)
    with pytest.raises(TooDenseError):
        VCycle(laplacian, most_work=20)
    VCycle(Laplacian.from_pairs(GRID.num_nodes, GRID.pairs), most_work=20)
    monkeypatch.setattr(projections, "_SLOW", 1)
    monkeypatch.setattr(projections, "_MOST_WORK", 20)
    for edges, suits in ((POWER_LAW, False), (GRID, True)):
        problem = Projections(Laplacian.from_pairs(edges.num_nodes, edges.pairs), edges.pairs, 1e-2, entropy=0)
        problem.choose("auto")
        assert (problem.precondition is not None) == suits


def test_auto_takes_multigrid_where_gradients_are_slow():
    problem = Projections(Laplacian.from_pairs(GRID.num_nodes, GRID.pairs), GRID.pairs, 1e-6, entropy=0)
    problem.choose("auto")
    assert problem.precondition is not None
    problem = Projections(Laplacian.from_pairs(POWER_LAW.num_nodes, POWER_LAW.pairs), POWER_LAW.pairs, 1e-6, entropy=0)
    problem.choose("auto")
    assert problem.precondition is None


def test_result_does_not_depend_on_threads():
    import numba

    before = numba.get_num_threads()
    results = []
    for threads in {1, numba.config.NUMBA_NUM_THREADS}:
        numba.set_num_threads(threads)
        results.append(effective_resistances(POWER_LAW, solver="cg", k=100, seed=3))
    numba.set_num_threads(before)
    assert all(np.array_equal(results[0], other) for other in results)


def test_torch_backend_estimates_the_same_numbers():
    from wis.baselines.resistance.projections_torch import TorchProjections

    for edges, tol in ((POWER_LAW, 1e-3), (GRID, 1e-7), (weigh(POWER_LAW), 1e-3), (weigh(GRID, span=2), 1e-3)):
        weights = edges.weights
        laplacian = Laplacian.from_pairs(edges.num_nodes, edges.pairs, weights)
        on_cpu = Projections(laplacian, edges.pairs, tol, 11, weights).squares(2, 20)
        by_torch = TorchProjections(laplacian, edges.pairs, tol, 11, "cpu", weights).squares(2, 20)
        assert np.allclose(by_torch, on_cpu, rtol=100 * tol, atol=1e-3 * on_cpu.mean())


def test_the_whole_path_of_cuda_on_the_cpu(monkeypatch):
    from wis.baselines.resistance import projections_torch, solve

    class OnTheCpu(projections_torch.TorchProjections):
        def __init__(self, laplacian, pairs, tol, entropy, device, weights):
            assert device == "cuda"
            super().__init__(laplacian, pairs, tol, entropy, "cpu", weights)

    monkeypatch.setattr(projections_torch, "TorchProjections", OnTheCpu)
    monkeypatch.setattr(solve, "require_cuda", lambda: None)
    for edges in (POWER_LAW, GRID, PATCHWORK, weigh(POWER_LAW)):
        on_cpu = effective_resistances(edges, solver="cg", k=64, seed=1)
        by_torch = effective_resistances(edges, solver="cg", k=64, seed=1, device="cuda")
        assert np.allclose(by_torch, on_cpu, rtol=2e-2)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_is_a_promise():
    for edges in (POWER_LAW, edge_list(3, [[0, 1], [1, 2]])):  # nothing has to be solved for the second
        with pytest.raises(RuntimeError, match="device='cuda' was asked for"):
            effective_resistances(edges, device="cuda")


@pytest.mark.gpu
@pytest.mark.parametrize("edges", [POWER_LAW, weigh(POWER_LAW)], ids=["all the same", "weighted"])
def test_cuda_estimates_the_same_numbers(edges):
    on_cpu = effective_resistances(edges, solver="cg", k=64, seed=1)
    on_gpu = effective_resistances(edges, solver="cg", k=64, seed=1, device="cuda")
    assert np.allclose(on_gpu, on_cpu, rtol=1e-2)


@pytest.mark.parametrize("num_nodes", [0, 1, 5])
@pytest.mark.parametrize("solver", ["auto", "exact", "cg", "amg"])
def test_no_edges(num_nodes, solver):
    assert effective_resistances(edge_list(num_nodes, [[], []]), solver=solver).tolist() == []


def test_seed_decides():
    first, again, other = (effective_resistances(POWER_LAW, solver="cg", k=8, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"solver": "lu"}, ValueError, "solver must be one of 'auto', 'exact', 'cg', 'amg', got 'lu'"),
        ({"k": 0}, ValueError, "k must be at least 1"),
        ({"k": 2.5}, TypeError, "k must be an integer"),
        ({"tol": 1.0}, ValueError, "tol must be at least"),
        ({"tol": "fine"}, TypeError, "tol must be a number"),
        ({"solver": "exact", "device": "cuda"}, ValueError, "runs on the CPU only"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        effective_resistances(POWER_LAW, **options)


def test_directed_is_refused():
    with pytest.raises(ValueError, match="directed=False"):
        effective_resistances(edge_list(3, [[0, 1], [1, 2]], directed=True))


def test_missing_pyamg_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyamg", None)
    with pytest.raises(ImportError, match=r"pip install 'wis-graph\[pyamg\]'"):
        effective_resistances(GRID, solver="amg")


def ring_of_cliques(cliques: int, size: int, weight: float | None) -> tuple[EdgeList, np.ndarray]:
    """Cliques in a ring, two edges from each to the next, of some weight; and which edges these are."""
    random = np.random.default_rng(0)
    within = [np.array(np.triu_indices(size, 1)) + c * size for c in range(cliques)]
    links = np.array([
        (c * size + random.integers(size), (c + 1) % cliques * size + random.integers(size))
        for c in range(cliques)
        for _ in range(2)
    ]).T  # fmt: skip
    edges = EdgeList.from_columns(np.concatenate([*within, links], axis=1), cliques * size)
    between = edges.pairs[0] // size != edges.pairs[1] // size
    weights = None if weight is None else np.where(between, weight, 1.0)
    return EdgeList(edges.num_nodes, edges.pairs, weights=weights), between


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize(("size", "weight"), [(60, None), (20, 0.1), (20, 1e-6)])
def test_what_few_edges_join_is_solved_too(size, weight, device, monkeypatch):
    """Within cliques conjugate gradients are done after two steps, in which edges between them gain nothing."""
    from wis.baselines.resistance import projections_torch, solve

    class OnTheCpu(projections_torch.TorchProjections):
        def __init__(self, laplacian, pairs, tol, entropy, device, weights):
            super().__init__(laplacian, pairs, tol, entropy, "cpu", weights)

    monkeypatch.setattr(projections_torch, "TorchProjections", OnTheCpu)
    monkeypatch.setattr(solve, "require_cuda", lambda: None)
    edges, between = ring_of_cliques(30, size, weight)
    exact = effective_resistances(edges, solver="exact")
    estimate = effective_resistances(edges, solver="cg", k=512, seed=0, device=device)
    # The standard error of a single one is 6%; of the sum of 60 it is below 1%.
    assert estimate[between].sum() == pytest.approx(exact[between].sum(), rel=0.04)
    assert np.abs(estimate / exact - 1)[between].max() < 0.35


@pytest.mark.parametrize("weight", [None, 0.1, 1e-6])
def test_least_eigenvalue(weight):
    edges, _ = ring_of_cliques(6, 10, weight)
    # A component of its own, which has an eigenvalue of 0 of its own.
    pairs = np.concatenate([edges.pairs, 60 + np.array(np.triu_indices(5, 1))], axis=1)
    weights = None if weight is None else np.append(edges.weights, np.ones(10))
    laplacian = dense_laplacian(EdgeList(65, pairs), weights)
    scale = np.diag(laplacian) ** -0.5
    values = np.linalg.eigvalsh(scale[:, None] * laplacian * scale)
    assert least_eigenvalue(Laplacian.from_pairs(65, pairs, weights)) == pytest.approx(values[2], rel=1e-2)


@pytest.mark.parametrize("solver", ["exact", "cg", "amg"])
@pytest.mark.parametrize("weight", [1e-18, 1e-300])
def test_weights_that_rounding_errors_drown_are_told(solver, weight):
    edges, _ = ring_of_cliques(5, 6, weight)
    with pytest.raises(ArithmeticError, match=r"weights? .*; raise the smallest weights, or"):
        effective_resistances(edges, solver=solver)


def test_weights_far_apart_that_drown_nothing_are_taken():
    # The light edges lie beside heavy ones: what they carry is next to nothing, and they decide nothing.
    edges = EdgeList(4, np.array([[0, 0, 1, 1, 2], [1, 2, 2, 3, 3]]), weights=np.array([1.0, 1.0, 1e-30, 1.0, 1.0]))
    resistance = effective_resistances(edges, solver="exact")
    assert np.allclose(edges.weights * resistance, [0.75, 0.75, 1e-30, 0.75, 0.75])
