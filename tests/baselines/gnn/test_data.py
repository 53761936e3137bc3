"""What a labelled graph becomes, and which graphs are refused."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data
from wis.baselines.gnn.data import UNSEEN, TrainingData
from wis.baselines.gnn.sparse import SparseFeatures

from tests.baselines.gnn.graphs import two_groups
from wis.machine import find_device


def test_labels_are_seen_where_training_may_look():
    data = two_groups()
    ready = TrainingData.from_pyg(data)
    assert torch.equal(ready.train_labels != UNSEEN, data.train_mask)
    assert torch.equal(ready.train_labels[data.train_mask], data.y[data.train_mask])
    assert torch.equal(ready.val, data.val_mask.nonzero().flatten())
    assert torch.equal(ready.test, data.test_mask.nonzero().flatten())
    assert (ready.num_features, ready.num_classes) == (100, 2)


def test_features_are_sparse_where_mostly_zero():
    data = two_groups()
    assert isinstance(TrainingData.from_pyg(data).features, SparseFeatures)
    data.x = torch.eye(60)[:, :8]
    data.x[:, 0] = 1
    assert torch.equal(TrainingData.from_pyg(data).features, data.x)


def test_another_graph_s_edges_are_prepared_alike():
    data, other = two_groups(), two_groups()
    other.edge_index = other.edge_index[:, 7:]
    other.edge_weight = torch.rand(other.num_edges, generator=torch.Generator().manual_seed(0))
    moved, fresh = TrainingData.from_pyg(data).with_edges_of(other), TrainingData.from_pyg(other)
    assert torch.equal(moved.graph.edge_index, fresh.graph.edge_index)
    assert torch.equal(moved.graph.edge_weight, fresh.graph.edge_weight)
    assert TrainingData.from_pyg(other).with_edges_of(data).graph.edge_weight is None
    assert torch.equal(moved.train_labels, fresh.train_labels)
    other.num_nodes = 61
    with pytest.raises(ValueError, match="data must have 60 vertices, as these have, got 61"):
        moved.with_edges_of(other)


def test_no_pyg_graph_is_refused():
    with pytest.raises(TypeError, match=r"data.edge_weight must be a tensor \[E\], got list"):
        TrainingData.from_pyg(broken(edge_weight=[1.0] * two_groups().num_edges))
    with pytest.raises(TypeError, match="data must be a PyG Data, got ndarray"):
        TrainingData.from_pyg(torch.zeros(3).numpy())


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int32])
def test_labels_of_any_integer_type_are_taken(dtype):
    data = two_groups()
    data.y = data.y.to(dtype)
    assert torch.equal(TrainingData.from_pyg(data).labels, two_groups().y)


def broken(**changes):
    data = two_groups()
    for key, value in changes.items():
        if value is None:
            del data[key]
        else:
            data[key] = value
    return data


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": None}, "data has no x"),
        ({"y": None}, "data has no y"),
        ({"val_mask": None}, "data has no val_mask"),
        ({"x": torch.ones(60)}, r"data.x must be a dense matrix \[n, f\], got shape \[60\]"),
        ({"y": torch.ones(60)}, r"data.y must be integer \[60\], got torch.float32 .*\(regression\) are not served"),
        ({"y": torch.ones(60, 4)}, r"got torch.float32 of shape \[60, 4\]: several labels a vertex \(multi-label\)"),
        ({"y": torch.ones(60, 1, dtype=torch.int64)}, r"; flatten it: data.y = data.y.flatten\(\)"),
        ({"metric": "f1"}, "data.metric must be 'accuracy' or 'roc_auc', got 'f1'"),
        ({"metric": "roc_auc", "y": torch.arange(60)}, "data.metric is 'roc_auc', which needs two classes, .* has 60"),
        (
            {"metric": "roc_auc", "val_mask": two_groups().val_mask & (two_groups().y == 1)},
            "data.val_mask selects vertices of one class only, and there is no ROC-AUC",
        ),
        ({"test_mask": torch.zeros(60, dtype=torch.bool)}, "data.test_mask selects no vertex"),
        ({"train_mask": torch.ones(60, 10, dtype=torch.bool)}, r"choose one split, such as train_mask\[:, 0\]"),
        ({"y": torch.zeros(0, dtype=torch.int64), "x": torch.zeros(0, 3), "num_nodes": 0}, "data.y has no label"),
        ({"x": torch.full((60, 2), torch.inf)}, "data.x has 120 values that are not finite; set them"),
        (
            {"edge_weight": torch.full((two_groups().num_edges,), torch.nan)},
            "data.edge_weight has [0-9]+ values",
        ),
        ({"test_mask": torch.ones(60, dtype=torch.bool)}, "data.train_mask and data.test_mask share [0-9]+ vertices"),
        ({"y": torch.full((60,), -1)}, "data.y has no label: all are negative"),
        ({"y": torch.arange(60) - 1}, "selects vertices with a negative label"),
    ],
)
def test_incomplete_data_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        TrainingData.from_pyg(broken(**changes))


def test_unknown_device_is_refused():
    with pytest.raises(ValueError, match="device must be 'auto', 'cpu' or 'cuda', got 'tpu'"):
        TrainingData.from_pyg(two_groups(), "tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_is_a_promise():
    assert find_device("auto") == torch.device("cpu")
    with pytest.raises(RuntimeError, match="device='cuda' was asked for"):
        TrainingData.from_pyg(two_groups(), "cuda")


def test_edges_of_any_integer_type_give_the_same_outputs():
    """In 32 bits target * n + source would wrap, and sums would be over the edges of other vertices."""
    n = 70_000
    generator = torch.Generator().manual_seed(0)
    edges, part = torch.randint(n, (2, 500), generator=generator), torch.arange(n) % 3
    masks = {f"{name}_mask": part == i for i, name in enumerate(("train", "val", "test"))}
    x = torch.rand(n, 2, generator=generator)
    outputs = []
    for dtype in (torch.int64, torch.int32):
        ready = TrainingData.from_pyg(Data(x=x, edge_index=edges.to(dtype), y=torch.arange(n) % 2, **masks))
        outputs.append((ready.graph.sum(x), ready.graph.mean(x), ready.graph.normalised_sum(x)))
    for one, other in zip(*outputs, strict=True):
        assert torch.equal(one, other)
    expected = torch.zeros(n, 2).index_add(0, edges[1], x[edges[0]])
    torch.testing.assert_close(outputs[0][0], expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"edge_weight": torch.ones(7)}, r"data.edge_weight must be \[[0-9]+\], one number an edge, got \[7\]"),
        ({"edge_weight": torch.ones(two_groups().num_edges, 1)}, "one number an edge"),
        ({"edge_weight": torch.ones(2 * two_groups().num_edges)}, "one number an edge"),
        (
            {"edge_weight": torch.full((two_groups().num_edges,), 1e300, dtype=torch.float64)},
            r"data.edge_weight has [0-9]+ values that are not finite; .*: models compute in torch.float32",
        ),
        (
            {"x": torch.full((60, 2), 1e39, dtype=torch.float64)},
            "data.x has 120 values .*: models compute in torch.float32",
        ),
        (
            {"edge_index": torch.tensor([[0, 60], [1, 2]])},
            "data.edge_index has vertices from 0 to 60; the graph has 60",
        ),
        ({"edge_index": torch.tensor([[0, -1], [1, 2]])}, "data.edge_index has vertices from -1 to 2"),
        ({"edge_index": torch.tensor([[0, 1], [1, 2], [2, 3]])}, r"must be integer \[2, E\], got .* \[3, 2\]"),
        ({"edge_index": torch.tensor([[0.0], [1.0]])}, r"must be integer \[2, E\], got torch.float32"),
    ],
)
def test_edges_that_are_none_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        TrainingData.from_pyg(broken(**changes))
    if "x" not in changes:
        with pytest.raises(ValueError, match=message):
            TrainingData.from_pyg(two_groups()).with_edges_of(broken(**changes))
