from __future__ import annotations

import numpy as np
import pytest
import torch
from wis.experiments.sweep import work
from wis.experiments.sweep.plan import Plan
from wis.experiments.sweep.runs import expand

import wis
from wis.graphs.edge_list import EdgeList


@pytest.fixture
def read(monkeypatch):
    """How often an edge list was collected and hashed."""
    counts = {"from_columns": 0, "fingerprint": 0}
    from_columns, fingerprint = EdgeList.from_columns, EdgeList.fingerprint

    def count_edge_lists(*arguments, **options):
        counts["from_columns"] += 1
        return from_columns(*arguments, **options)

    def count_hashes(edges):
        counts["fingerprint"] += 1
        return fingerprint(edges)

    monkeypatch.setattr(EdgeList, "from_columns", count_edge_lists)
    monkeypatch.setattr(EdgeList, "fingerprint", count_hashes)
    return counts


def run_of(method: str, removed: float):
    plan = Plan("small", datasets=("digits",), methods=(method,), removed=(removed,), seeds=(0,), epochs=2)
    return expand(plan, "cpu")[0].run


def save_order(data, path) -> None:
    wis.removal_order(data, "random", seed=0).save(path)


def test_a_run_reads_the_graph_and_its_order_and_hashes_once(tmp_path, small_dataset, read):
    save_order(small_dataset, tmp_path / "order.npz")
    read.update(from_columns=0, fingerprint=0)
    half = work.RunTask(run_of("random", 0.5), tmp_path / "order.npz", None)
    assert work.execute_run(half).status == "ok"
    assert read == {"from_columns": 2, "fingerprint": 1}
    less = work.RunTask(run_of("random", 0.25), tmp_path / "order.npz", None)
    assert work.execute_run(less).status == "ok"
    assert read == {"from_columns": 2, "fingerprint": 1}


@pytest.mark.parametrize(("method", "removed"), [("dspar-reweighted", 0.5), ("random", 0.0), ("random", 1.0)])
def test_a_run_without_an_order_reads_the_graph_alone(small_dataset, read, method, removed):
    outcome = work.execute_run(work.RunTask(run_of(method, removed), None, None))
    assert outcome.status == "ok"
    assert outcome.pairs == round((1 - removed) * small_dataset.edge_index.shape[1] / 2)
    assert read == {"from_columns": 1, "fingerprint": 0}


def test_what_is_left_is_that_of_the_sparse_graph(small_dataset):
    """Computed from the pairs that stay, the same as from the sparse graph read anew."""
    from wis.baselines.metrics import Reference
    from wis.experiments.sweep.measure import bytes_of_edges, structure, what_is_kept
    from wis.experiments.sweep.receptive_field import receptive_field

    outcome = work.execute_run(work.RunTask(run_of("dspar-reweighted", 0.5), None, None))
    sparse = wis.sparsify(small_dataset, keep=0.5, method="dspar-reweighted", seed=0)
    before, after = (EdgeList.from_columns(data.edge_index.numpy(), data.num_nodes) for data in (small_dataset, sparse))
    pair = after.pair_of_columns(sparse.edge_index.numpy())
    weights = np.empty(after.num_pairs)
    weights[pair] = sparse.edge_weight.numpy()
    found = what_is_kept(Reference(before), after, small_dataset.y.numpy(), weights)
    assert outcome.kept == pytest.approx(found, rel=1e-5)
    assert structure(after) == {part: getattr(outcome, part) for part in ("pairs", "components", "isolated")}
    field = receptive_field(after, 3)
    assert field == {part: getattr(outcome, part) for part in field}
    assert outcome.graph_bytes == bytes_of_edges(sparse) == sparse.num_edges * (2 * 8 + 4)


@pytest.mark.parametrize("method", [method.name for method in wis.methods() if not method.learns])
def test_a_sweep_keeps_the_edges_that_sparsify_keeps_of_a_weighted_graph(tmp_path, small_dataset, monkeypatch, method):
    tail, head = small_dataset.edge_index
    weighted = small_dataset.clone()
    weighted.edge_weight = 0.5 + (torch.minimum(tail, head) * 7 + torch.maximum(tail, head) * 13) % 11
    monkeypatch.setattr(work, "read", lambda name, data_root: weighted)
    run, graph = run_of(method, 0.5), work.load_dataset("digits", None)
    path = None
    if run.sparsifier.has_order:
        path = tmp_path / "order.npz"
        assert work.compute_order(work.OrderTask(run.sparsifier, path, None, "cpu", graph=graph)).status == "ok"
    ours = graph.keep_pairs(*work._choose(work.RunTask(run, path, None), graph))
    theirs = wis.sparsify(weighted, keep=0.5, method=method, seed=run.sparsifier.seed)
    assert torch.equal(ours.edge_index, theirs.edge_index)
    assert torch.equal(ours.edge_weight, theirs.edge_weight)


@pytest.mark.parametrize("factors", [False, True])
def test_what_is_left_of_a_weighted_graph_is_compared_with_its_weights(small_dataset, monkeypatch, factors):
    from wis.baselines.metrics import compare

    tail, head = small_dataset.edge_index
    weighted = small_dataset.clone()
    weighted.edge_weight = 0.5 + (torch.minimum(tail, head) * 7 + torch.maximum(tail, head) * 13) % 11
    monkeypatch.setattr(work, "read", lambda name, data_root: weighted)
    work.dataset.cache_clear()
    work._measured.clear()
    graph = work.load_dataset("digits", None)
    stays = np.arange(graph.edges.num_pairs) % 2 == 0
    factor = np.linspace(1, 3, len(stays)) if factors else None
    run = run_of("dspar-reweighted" if factors else "random", 0.5)
    _, found = work._left(work.RunTask(run, None, None), graph, stays, factor, 3)
    before = graph.weighted_edges()
    after = EdgeList(
        before.num_nodes, before.pairs[:, stays], weights=before.weights[stays] * (factor[stays] if factors else 1)
    )
    expected = compare(before, after, labels=weighted.y.numpy())
    assert found["laplacian_error"] == expected["laplacian_error"]
    assert found["weight_kept"] == expected["weight_kept"]
    share = after.weights.sum() / before.weights.sum()
    assert found["weight_kept"] == pytest.approx(share)


def test_an_order_of_another_graph_fails_the_run(tmp_path, small_dataset):
    other = small_dataset.clone()
    other.edge_index = other.edge_index[:, (other.edge_index != 0).all(dim=0)]
    save_order(other, tmp_path / "order.npz")
    outcome = work.execute_run(work.RunTask(run_of("random", 0.5), tmp_path / "order.npz", None))
    assert outcome.status == "failed"
    assert "graph is not the one that this order was made from" in outcome.message


@pytest.mark.parametrize(
    ("text", "graphs"), [("wis", 2), ("wis:ties=random", 2), ("wis:depth=2", 1), ("wis:chunk=2", 1), ("teddy", 1)]
)
def test_kernels_for_dense_graphs_are_compiled_before_2_wis_is_timed(monkeypatch, text, graphs):
    seen = []
    monkeypatch.setattr(wis, "removal_order", lambda columns, *_, **__: seen.append(columns.shape[1]))
    monkeypatch.setattr(work, "_compiled", set())
    run = run_of(text, 0.5)
    work.compile_kernels(run.sparsifier)
    assert len(seen) == graphs
    assert seen[0] == 8
    assert graphs == 1 or seen[1] == 100 * 99
