"""The CUDA engine in Numba's simulator, against the oracle: run by ``test_cuda.py``, in a process of its own.

    NUMBA_ENABLE_CUDASIM=1 pytest tests/wis/engine/cuda/simulated.py

A simulated thread is a Python thread, so that graphs are small; keys, pool and rounds are made so small that they
overflow all the same. All blocks of a grid run at once (``grid.py``), so that barriers between blocks are tested too.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numba import cuda

from tests import naive
from tests.strategies import FAMILIES, edge_list, family, task
from tests.wis.engine.cuda import grid
from wis import machine
from wis.engine import rank
from wis.engine import walk_counts as counts
from wis.engine.cuda import device, host, keys
from wis.engine.degrees import cuda as degrees
from wis.engine.graph_walks import cuda as graph_walks
from wis.engine.triangles import cuda as triangles
from wis.engine.triangles import listing as triangle_listing
from wis.engine.triangles.apexes import make_arcs
from wis.engine.triangles.state import AT_TAIL, BEGIN
from wis.engine.walks import cuda as walks
from wis.graphs.device_edges import DeviceEdgeList
from wis.graphs.edge_list import EdgeList

ENGINES = {2: degrees, 3: triangles}


@pytest.fixture(autouse=True)
def whole_grids(monkeypatch):
    """All blocks of a grid at once, three of them where as many run as the device holds."""
    grid.install(monkeypatch)
    monkeypatch.setattr(device, "resident_blocks", lambda *arguments: 3)
    monkeypatch.setattr(device, "_SIMULATED_THREADS", 2)


@pytest.fixture(autouse=True)
def nothing_is_zero_by_chance(monkeypatch):
    """Memory that is not asked to be zero holds what a GPU may leave there: anything."""
    empty = torch.empty

    def filled(*arguments, **options) -> torch.Tensor:
        tensor = empty(*arguments, **options)
        return tensor.fill_(torch.iinfo(tensor.dtype).max - 5)

    monkeypatch.setattr(torch, "empty", filled)


@pytest.fixture
def small(monkeypatch):
    """Keys of one or two pairs, few candidates, a pool of one, and few rounds a launch."""

    def shrink(points: int, candidates: int, max_pool: int) -> None:
        monkeypatch.setattr(keys, "POINTS", points)
        monkeypatch.setattr(host, "_CANDIDATES", candidates)
        monkeypatch.setattr(host, "_MAX_POOL", max_pool)
        monkeypatch.setattr(host, "_ROUNDS", 3)

    return shrink


def random_graph(rng: np.random.Generator, max_nodes: int = 8, max_edges: int = 18, directed: bool = False) -> EdgeList:
    num_nodes = int(rng.integers(2, max_nodes + 1))
    return edge_list(num_nodes, rng.integers(num_nodes, size=(2, int(rng.integers(1, max_edges)))), directed)


def prepare(edges: EdgeList, family: host.Family, depth: int):
    return host._prepare(task(edges, depth), family, torch.device("cpu"))


def check(engine, edges: EdgeList, depth: int, is_target=None, **options) -> None:
    order = engine.removal_order(task(edges, depth, is_target=is_target, **options))
    targets = None if is_target is None else np.flatnonzero(is_target).tolist()
    expected = naive.removal_order(
        edges.num_nodes, edges.pairs, depth,
        targets=targets, directed=edges.directed, objective="graph" if engine is graph_walks else "vertex", **options,
    )  # fmt: skip
    assert order.dtype == np.int64
    assert order.tolist() == expected.tolist()


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(6))
def test_orders(depth, seed):
    check(ENGINES.get(depth, walks), random_graph(np.random.default_rng([seed, depth])), depth)


@pytest.mark.parametrize("depth", [2, 3])
@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_families(name, depth):
    check(ENGINES[depth], family(name, 7), depth)


@pytest.mark.parametrize("depth", [2, 3])
def test_walks_at_small_depths(depth):
    check(walks, random_graph(np.random.default_rng(depth)), depth)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("depth", [2, 3, 4, 5])
@pytest.mark.parametrize("engine", [walks, graph_walks])
def test_directed_graphs_and_graph_prediction(engine, depth, directed):
    if engine is walks and not directed:
        return
    for seed in range(3 if depth < 5 else 1):
        edges = random_graph(np.random.default_rng([seed, depth, directed, 3]), 7, 14, directed)
        check(engine, edges, depth)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("engine", [walks, graph_walks])
@pytest.mark.parametrize("seed", range(4))
def test_their_options(engine, directed, seed, small):
    rng = np.random.default_rng([seed, directed, 4])
    small(points=1 + seed % 2, candidates=2 + seed, max_pool=seed)
    edges = random_graph(rng, 6, 12, directed)
    check(
        engine, edges, int(rng.integers(2, 5)),
        is_target=None if seed == 0 else rng.random(edges.num_nodes) < 0.6,
        priority=rng.permutation(edges.num_pairs),
        chunk=1 if seed < 3 else 2,
        limit=int(rng.integers(edges.num_pairs // 2, edges.num_pairs + 1)),
    )  # fmt: skip


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("seed", range(6))
def test_targets_priority_and_limit(depth, seed, small):
    rng = np.random.default_rng([seed, depth, 1])
    small(points=2, candidates=3, max_pool=2)
    edges = random_graph(rng)
    check(
        ENGINES.get(depth, walks), edges, depth,
        is_target=rng.random(edges.num_nodes) < 0.5,
        priority=rng.permutation(edges.num_pairs),
        limit=int(rng.integers(edges.num_pairs + 1)),
    )  # fmt: skip


@pytest.mark.parametrize("depth", [3, 4])
@pytest.mark.parametrize("seed", range(6))
def test_keys_that_are_cut(depth, seed, small):
    small(points=1, candidates=1 + seed, max_pool=seed % 2)
    check(ENGINES.get(depth, walks), random_graph(np.random.default_rng([seed, depth, 2])), depth)


@pytest.mark.parametrize("chunk", [2, 100])
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_chunks(depth, chunk, small):
    small(points=1, candidates=4, max_pool=4)
    check(ENGINES.get(depth, walks), random_graph(np.random.default_rng([depth, chunk])), depth, chunk=chunk)


def test_a_round_removes_what_does_not_touch(monkeypatch):
    monkeypatch.setattr(host, "_ROUNDS", 1)
    edges = edge_list(12, np.arange(12).reshape(6, 2).T)
    run = prepare(edges, triangles._FAMILY, 3)
    removed: list[int] = []
    order = host._remove_in_rounds(run, 1, 6, removed.append)
    assert order.tolist() == list(range(6))
    assert removed == [6, 0]  # all in the first round; the second one finds nothing to do


def test_a_round_passes_over_what_fell(monkeypatch):
    monkeypatch.setattr(host, "_ROUNDS", 1)
    edges = edge_list(6, [[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])  # a cycle: every other edge, in canonical order
    run = prepare(edges, triangles._FAMILY, 3)
    removed: list[int] = []
    order = host._remove_in_rounds(run, 1, 6, removed.append)
    assert order.tolist() == naive.removal_order(6, edges.pairs, 3).tolist()
    assert removed[0] == 3


def test_triangle_listing():
    edges = random_graph(np.random.default_rng(3), 9, 30)
    arcs = make_arcs(edges)
    listed = triangle_listing.list_triangles(edges, arcs)
    run = prepare(edges, triangles._FAMILY, 3)
    start, found = run.graph.triangle_start.numpy(), run.graph.triangle.numpy()
    np.testing.assert_array_equal(start, listed.start)
    for e in range(edges.num_pairs):
        row = arcs.place[edges.pairs[0, e], BEGIN]
        apexes = arcs.arcs[row + listed.entries[start[e] : start[e + 1], AT_TAIL]] // 2
        assert sorted(found[start[e] : start[e + 1], 0].tolist()) == sorted(apexes.tolist())
        for w, one, other in found[start[e] : start[e + 1]].tolist():
            ends = {frozenset(edges.pairs[:, one].tolist()), frozenset(edges.pairs[:, other].tolist())}
            assert ends == {frozenset((int(x), w)) for x in edges.pairs[:, e]}


@pytest.mark.parametrize("depth", [2, 3, 4, 5, 6])
def test_values(depth):
    edges = random_graph(np.random.default_rng(depth), 9, 25)
    engine = ENGINES.get(depth, walks)
    run = prepare(edges, engine._FAMILY, depth)
    assert run.graph.value.tolist() == counts.closed_walks(edges, depth).tolist()


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("num_nodes", [1, 4])
def test_graph_without_edges(depth, num_nodes):
    engine = ENGINES.get(depth, walks)
    edges = edge_list(num_nodes, [[], []])
    for chunk in (1, 3):
        order = engine.removal_order(task(edges, depth, chunk=chunk))
        assert order.tolist() == []


def test_memory(monkeypatch):
    monkeypatch.setattr(machine, "free_bytes", lambda place: 100)
    edges = edge_list(3, [[0, 1], [1, 2]])
    with pytest.raises(MemoryError, match=r"needs 0\.0 GiB of GPU memory, 0\.0 GiB are free; use device='cpu'"):
        triangles.removal_order(task(edges, 3))


@pytest.mark.parametrize("objective", ["vertex", "graph"])
@pytest.mark.parametrize("directed", [False, True])
def test_as_a_device_of_the_method(objective, directed):
    edges = random_graph(np.random.default_rng(8), 7, 12, directed)
    on_device = DeviceEdgeList(edges.num_nodes, torch.from_numpy(edges.pairs.copy()), directed)
    for depth in (2, 3, 4):
        options = {"depth": depth, "objective": objective}
        expected = naive.removal_order(edges.num_nodes, edges.pairs, directed=directed, **options)
        assert rank.rank(edges, device="cuda", **options).tolist() == expected.tolist()
        assert rank.rank(on_device, device="cuda", **options).tolist() == expected.tolist()
    assert "pairs" not in vars(on_device)  # the pairs have not been copied to the host


@pytest.mark.parametrize("depth", [2, 3])
def test_pairs_of_a_round_may_share_what_is_no_target(depth):
    edges = edge_list(9, np.stack([np.zeros(8, dtype=np.int64), np.arange(1, 9)]))  # a star
    check(ENGINES[depth], edges, depth, is_target=np.arange(9) > 0)
    check(ENGINES[depth], edges, depth, is_target=np.arange(9) > 4)


def test_is_the_simulator():
    assert device.is_simulated()
    assert cuda.is_available()


@cuda.jit
def _wait_in_turns(arrived, is_skewed):
    everyone = cuda.cg.this_grid()
    for turn in range(5):
        cuda.atomic.add(arrived, turn, 1)
        everyone.sync()
        if arrived[turn] != cuda.gridDim.x * cuda.blockDim.x:
            arrived[5] = 1
        if is_skewed and cuda.threadIdx.x == 0:
            cuda.syncthreads()
        else:
            cuda.syncthreads()


def test_barriers_of_the_grid_hold_all_blocks():
    arrived = torch.zeros(6, dtype=torch.int64)
    device.launch(_wait_in_turns, 4, 2, arrived, 0)
    assert arrived.tolist() == [8, 8, 8, 8, 8, 0]


def test_threads_at_different_barriers_are_found():
    with pytest.raises(RuntimeError, match="threads wait at different barriers"):
        device.launch(_wait_in_turns, 1, 2, torch.zeros(6, dtype=torch.int64), 1)


@cuda.jit
def _fail_in_one_thread(array):
    if cuda.grid(1) == 3:
        array[len(array)] = 0
    cuda.syncthreads()


def test_errors_of_a_thread_are_raised():
    with pytest.raises(IndexError, match="out of bounds"):
        device.launch(_fail_in_one_thread, 2, 2, torch.zeros(1, dtype=torch.int64))
