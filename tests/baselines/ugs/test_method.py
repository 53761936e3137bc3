from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch_geometric.data import Data
from wis.baselines.gnn.graph import Graph
from wis.baselines.gnn.models import build
from wis.baselines.gnn.protocol import MODEL_NAMES
from wis.baselines.ugs import method as ugs

import wis
from wis.graphs.edge_list import EdgeList


def communities(num_nodes=120, seed=0):
    """Four classes told by their features, each vertex with about six neighbours of its class and three of others.

    Returns the graph, its pairs and a mask of the pairs between classes, which only do harm.
    """
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(num_nodes) % 4
    same = y.unsqueeze(0) == y.unsqueeze(1)
    chance = torch.where(same, 3 / (num_nodes / 4), 1.5 / (num_nodes * 3 / 4))
    columns = (torch.rand(num_nodes, num_nodes, generator=generator) < chance).nonzero().t()
    edges = EdgeList.from_columns(columns.numpy(), num_nodes)
    part = torch.randperm(num_nodes, generator=generator) % 5
    pairs = torch.tensor(edges.pairs)
    data = Data(
        x=torch.randn(num_nodes, 4, generator=generator) + 4 * torch.nn.functional.one_hot(y),
        edge_index=torch.cat([pairs, pairs.flip(0)], dim=1),
        y=y,
        train_mask=part < 3,
        val_mask=part == 3,
        test_mask=part == 4,
    )
    return data, edges, (y[pairs[0]] != y[pairs[1]]).numpy()


def mean_position(order, of):
    """0 if they are removed first, 0.5 if at random."""
    return np.flatnonzero(of[order]).mean() / len(order)


def test_edges_that_do_harm_are_removed_first():
    data, edges, harmful = communities()
    options = {"seed": 0, "device": "cpu", "epochs": 12, "lr": 0.002, "weight_decay": 1e-3}
    order = ugs.rank(edges, data=data, prune=0.25, **options)
    assert sorted(order) == list(range(edges.num_pairs))
    assert mean_position(order, harmful) < 0.4
    order = ugs.rank(edges, data=data, form="original", prune=0.3, **options)
    assert mean_position(order, harmful) < 0.35


@pytest.mark.parametrize("form", ["edge-mask", "original"])
@pytest.mark.parametrize("model", MODEL_NAMES)
def test_the_loss_decides_where_penalties_are_small(model, form):
    data, edges, harmful = communities()
    noise = torch.randn(120, 4, generator=torch.Generator().manual_seed(1))
    data.x = noise + torch.nn.functional.one_hot(data.y)
    options = {"prune": 0.25, "limit": 1, "epochs": 20, "lr": 0.005, "weight_decay": 0.0, "s1": 1e-5}
    order = ugs.rank(edges, data=data, seed=0, device="cpu", model=model, form=form, **options)
    assert mean_position(order, harmful) < 0.43  # at random 0.5, with a standard deviation of 0.02


def test_hidden_is_the_width_of_the_model(monkeypatch):
    from wis.baselines.ugs import masks

    widths = []

    def spy(*arguments):
        model = build(*arguments)
        widths.append(model.head.in_features)
        return model

    monkeypatch.setattr(masks, "build", spy)
    data, edges, _ = communities()
    options = {"data": data, "seed": 0, "device": "cpu", "epochs": 1, "limit": 1}
    wide = ugs.rank(edges, form="original", hidden=512, **options)
    assert sorted(wide) == list(range(edges.num_pairs))
    ugs.rank(edges, model="gin", hidden=8, **options)
    ugs.rank(edges, **options)
    ugs.rank(edges, model="resgcn", **options)
    assert widths == [512, 8, 64, 128]


@pytest.mark.parametrize("form", ["edge-mask", "original"])
@pytest.mark.parametrize("model", ["gin", "resgcn"])
def test_every_model_can_learn_masks(model, form):
    data, edges, _ = communities()
    options = {"seed": 0, "device": "cpu", "epochs": 2, "prune": 0.5, "form": form}
    order = ugs.rank(edges, data=data, model=model, **options)
    assert sorted(order) == list(range(edges.num_pairs))
    assert not np.array_equal(order, ugs.rank(edges, data=data, **options))


@pytest.mark.parametrize("form", ["edge-mask", "original"])
def test_seed_decides_the_order(form):
    data, edges, _ = communities()
    options = {"form": form, "prune": 0.5, "epochs": 4, "device": "cpu"}
    first, second, other = (ugs.rank(edges, data=data, seed=seed, **options) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_weights_and_labels_give_the_mask_its_gradient():
    data, edges, _ = communities()
    graph = Graph(data.edge_index, 120)
    mask = torch.ones(edges.num_pairs, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(0)
    for name in ("gcn", "gin"):  # ResGCN's softmax weights have no gradient, by definition
        model = build(name, 4, 4).double().eval()

        def loss(m, model=model):
            logits = model(data.x.double(), graph.reweighted(m.repeat(2)))
            return torch.nn.functional.cross_entropy(logits[data.train_mask], data.y[data.train_mask])

        gradient = torch.autograd.grad(loss(mask), mask)[0]
        for pair in (0, 17, edges.num_pairs - 1):
            step = torch.zeros_like(mask)
            step[pair] = 1e-6
            numeric = (loss(mask + step) - loss(mask - step)).item() / 2e-6
            assert numeric == pytest.approx(float(gradient[pair]), rel=1e-4, abs=1e-9)


class Spy:
    """Watches the rounds, and interrupts one of them."""

    def __init__(self, monkeypatch, fail_at=None):
        from wis.baselines.ugs.masks import MaskLearner

        self.rounds, self.sizes, self.weights = [], [], []
        learn = MaskLearner.learn

        def spy(learner, pairs, directed, number, kept_weights, advance):
            if number == fail_at:
                raise KeyboardInterrupt
            self.rounds.append(number)
            self.sizes.append(pairs.shape[1])
            self.weights.append({name: int(mask.sum()) for name, mask in kept_weights.items()})
            return learn(learner, pairs, directed, number, kept_weights, advance)

        monkeypatch.setattr(MaskLearner, "learn", spy)


@pytest.mark.parametrize("form", ["edge-mask", "original"])
def test_resuming_trains_only_what_is_missing_and_gives_the_same_order(form, monkeypatch, tmp_path):
    data, edges, _ = communities()
    options = {"data": data, "form": form, "prune": 0.25, "seed": 3, "epochs": 3, "device": "cpu"}
    with monkeypatch.context() as patch:
        whole = Spy(patch)
        expected = ugs.rank(edges, **options)
    path = tmp_path / "ugs.npz"
    with monkeypatch.context() as patch:
        Spy(patch, fail_at=2)
        with pytest.raises(KeyboardInterrupt):
            ugs.rank(edges, checkpoint=path, **options)
    with monkeypatch.context() as patch:
        rest = Spy(patch)
        order = ugs.rank(edges, checkpoint=path, **options)
    assert np.array_equal(order, expected)
    assert rest.rounds == whole.rounds[2:]
    assert rest.weights == whole.weights[2:]
    with monkeypatch.context() as patch:
        nothing = Spy(patch)
        assert np.array_equal(ugs.rank(edges, checkpoint=path, **options), expected)
    assert nothing.rounds == []
    assert [file.name for file in tmp_path.iterdir()] == ["ugs.npz"]


def test_checkpoint_of_another_run_is_refused(tmp_path):
    data, edges, _ = communities()
    options = {"prune": 0.5, "epochs": 1, "device": "cpu", "checkpoint": tmp_path / "ugs.npz"}
    ugs.rank(edges, data=data, seed=1, **options)
    with pytest.raises(ValueError, match="belongs to another graph, seed or choice of options"):
        ugs.rank(edges, data=data, seed=2, **options)
    with pytest.raises(ValueError, match="belongs to another"):
        ugs.rank(edges, data=data, seed=1, model="gin", **options)
    with pytest.raises(ValueError, match="belongs to another"):
        ugs.rank(edges, data=data, seed=1, hidden=32, **options)
    data.y = 3 - data.y
    with pytest.raises(ValueError, match="belongs to another"):
        ugs.rank(edges, data=data, seed=1, **options)
    for name in ("ugs.txt", "no/ugs.npz"):
        with pytest.raises(ValueError, match="checkpoint"):  # before there is a graph
            wis.Sparsify(method="ugs", checkpoint=tmp_path / name)
    with pytest.raises(ValueError, match="checkpoint needs a seed"):
        ugs.rank(edges, data=data, **options)
    with pytest.raises(ValueError, match=r"must end in \.npz"):
        ugs.rank(edges, data=data, seed=1, prune=0.5, checkpoint=tmp_path / "ugs.json")
    with pytest.raises(ValueError, match="folder that does not exist"):
        ugs.rank(edges, data=data, seed=1, prune=0.5, checkpoint=tmp_path / "no" / "ugs.npz")


def test_checkpoint_of_another_metric_or_model_is_another(tmp_path, monkeypatch):
    data, edges, _ = communities()
    usual = ugs._fingerprint(edges, data, ("gcn",), 1)
    data.metric = "accuracy"
    assert ugs._fingerprint(edges, data, ("gcn",), 1) == usual
    data.metric = "roc_auc"  # what early stopping goes by
    assert ugs._fingerprint(edges, data, ("gcn",), 1) != usual
    found = []
    for version in ("1", "2"):
        monkeypatch.setattr(ugs.own, "fingerprint", lambda name, version=version: version)
        found.append(ugs._fingerprint(edges, data, ("own_models:Net",), 1))
    assert found[0] != found[1]


def test_rounds_remove_the_stated_shares(monkeypatch):
    data, edges, _ = communities()
    m = edges.num_pairs
    spy = Spy(monkeypatch)
    ugs.rank(edges, data=data, seed=0, device="cpu", epochs=1)
    assert spy.sizes == [m - round(0.05 * k * m) for k in range(20)]
    spy = Spy(monkeypatch)
    ugs.rank(edges, data=data, seed=0, device="cpu", epochs=1, form="original")
    assert spy.sizes[:20] == [m - round((1 - 0.95**k) * m) for k in range(20)]
    left = [sum(kept.values()) for kept in spy.weights[1:20]]
    total = 4 * 64 + 2 * 64 * 64 + 64 * 4
    assert left[0] == total - round(0.2 * total)
    assert left[1] == left[0] - round(0.2 * left[0])


def test_within_a_round_smaller_masks_go_first(monkeypatch):
    from wis.baselines.gnn.training import Outcome
    from wis.baselines.ugs import masks

    data, edges, _ = communities()
    sizes = np.random.default_rng(0).permutation(edges.num_pairs) / edges.num_pairs - 0.5

    def learn(learner, pairs, directed, number, kept_weights, advance):
        at = np.flatnonzero((edges.pairs[:, None] == pairs[..., None]).all(0).any(0))
        return masks.LearnedMasks(sizes[at], {}, Outcome(0, 0, 1, 1))

    monkeypatch.setattr(masks.MaskLearner, "learn", learn)
    order = ugs.rank(edges, data=data, seed=0, prune=0.1)
    assert np.array_equal(order, np.argsort(np.abs(sizes), kind="stable"))


def test_limit_leaves_out_rounds_but_not_the_first_removals(monkeypatch):
    data, edges, _ = communities()
    options = {"data": data, "seed": 0, "prune": 0.25, "epochs": 3, "device": "cpu"}
    whole = ugs.rank(edges, **options)
    spy = Spy(monkeypatch)
    limit = edges.num_pairs // 2
    part = ugs.rank(edges, limit=limit, **options)
    assert spy.rounds == [0, 1]
    assert np.array_equal(part[:limit], whole[:limit])
    assert sorted(part) == list(range(edges.num_pairs))


def test_directed_pairs_are_masked_one_by_one(monkeypatch):
    data, edges, _ = communities()
    directed = EdgeList.from_columns(data.edge_index.numpy(), 120, directed=True)
    assert directed.num_pairs == 2 * edges.num_pairs
    order = ugs.rank(directed, data=data, seed=0, prune=0.5, epochs=2, device="cpu")
    assert sorted(order) == list(range(directed.num_pairs))


def test_graph_without_pairs_has_an_empty_order():
    data, _, _ = communities()
    edges = EdgeList.from_columns(np.zeros((2, 0), dtype=np.int64), 120)
    assert ugs.rank(edges, data=data, seed=0).shape == (0,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"model": "gcnn"},
            "model must be among gcn, gin, resgcn, gat, sage, or package.module:Class .*, got 'gcnn'",
        ),
        ({"form": "wis"}, "form must be 'edge-mask' or 'original', got 'wis'"),
        ({"prune": 0}, "prune must be above 0 and at most 1, got 0"),
        ({"prune_weights": 1.5}, "prune_weights must be above 0 and at most 1"),
        ({"s1": -1.0}, r"s1 must be finite and at least 0, got -1\.0"),
        ({"hidden": 0}, "hidden must be at least 1, got 0"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    data, edges, _ = communities()
    with pytest.raises(ValueError, match=message):
        ugs.rank(edges, data=data, seed=0, **options)


def test_incomplete_data_are_refused():
    data, edges, _ = communities()
    bigger = EdgeList.from_columns(edges.pairs, 121)
    with pytest.raises(ValueError, match="data has 120 vertices, but the graph has 121"):
        ugs.rank(bigger, data=data, seed=0)
    del data.train_mask
    with pytest.raises(ValueError, match="data has no train_mask"):
        ugs.rank(edges, data=data, seed=0)
    with pytest.raises(TypeError, match="data must be a PyG Data, got NoneType"):
        ugs.rank(edges, data=None, seed=0)


def test_listing_methods_and_datasets_loads_no_heavy_library():
    code = "import sys, wis.baselines.ugs, wis.experiments.datasets.catalogue as d; d.datasets(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "wis.baselines.gnn.protocol" in loaded
    assert not {"torch", "torch_geometric", "numba", "pandas", "sklearn"} & set(loaded)
