from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.loader import RandomNodeLoader
from torch_geometric.utils import subgraph
from wis.baselines.gnn import training
from wis.baselines.gnn.batches import RandomBatches
from wis.baselines.gnn.data import TrainingData
from wis.baselines.gnn.fit import fit
from wis.baselines.gnn.graph import Graph
from wis.baselines.gnn.models import build
from wis.baselines.gnn.protocol import MODEL_NAMES, Protocol
from wis.baselines.gnn.training import predict, seeded, train

from tests.baselines.gnn.graphs import random_labels, two_groups
from tests.baselines.gnn.test_training import double_precision, facts, plain_training  # noqa: F401

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", MODEL_NAMES)
@pytest.mark.usefixtures("pyg_masks")
def test_batches_equal_a_plain_pyg_loop(name, double_precision):  # noqa: F811
    data = random_labels()
    data.x = data.x.double()
    protocol = Protocol(lr=1e-3, epochs=4, batches=4)
    torch.manual_seed(0)
    model = build(name, 100, 2)
    plain, ready = copy.deepcopy(model), TrainingData.from_pyg(data)
    with seeded(3, CPU):
        ours = train(model, ready, protocol)
    with seeded(3, CPU):
        loader = RandomNodeLoader(data, num_parts=protocol.batches, shuffle=True)
        theirs = plain_training(plain, data, protocol, loader)
    torch.testing.assert_close(predict(model, ready), plain.eval()(data.x, data.edge_index), atol=1e-5, rtol=1e-5)
    assert (ours.test_score, ours.val_score, ours.best_epoch) == (
        theirs.test_score,
        theirs.val_score,
        theirs.best_epoch,
    )
    assert ours.final_loss == pytest.approx(theirs.final_loss, rel=1e-6)


@pytest.mark.parametrize("name", [*MODEL_NAMES, "own"])
def test_one_batch_is_the_whole_graph_bit_for_bit(name, monkeypatch):
    monkeypatch.setattr(training, "RandomBatches", None)  # calling it would be an error
    name = f"{__name__}:Net" if name == "own" else name
    whole, one = (
        fit(name, random_labels(), seed=3, device="cpu", protocol=protocol)
        for protocol in (Protocol(epochs=4), Protocol(epochs=4, batches=1))
    )
    assert (*facts(whole), whole.final_loss) == (*facts(one), one.final_loss)


class Net(nn.Module):
    """A model of a user's own, of plain message passing."""

    def __init__(self, num_features, num_classes):
        from torch_geometric.nn import GCNConv

        super().__init__()
        self.first, self.second = GCNConv(num_features, 8), GCNConv(8, num_classes)

    def forward(self, x, edge_index, edge_weight=None):
        return self.second(self.first(x, edge_index, edge_weight).relu(), edge_index, edge_weight)


@pytest.mark.parametrize("name", ["gcn", "resgcn", "own"])
def test_batches_come_from_the_seed(name):
    name = f"{__name__}:Net" if name == "own" else name
    found = [
        fit(name, random_labels(), seed=seed, device="cpu", protocol=Protocol(epochs=3, batches=5)).final_loss
        for seed in (0, 0, 1)
    ]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("sparse", [True, False])
def test_batches_are_the_induced_subgraphs_of_a_partition(sparse):
    data = two_groups()
    data.edge_weight = torch.arange(data.num_edges, dtype=torch.float32)
    data.x[:, 1] = torch.arange(60)  # tells which vertex it is
    if not sparse:
        data.x += 1
    ready = TrainingData.from_pyg(data)
    assert isinstance(ready.features, torch.Tensor) != sparse
    torch.manual_seed(0)
    seen = []
    for batch in RandomBatches(ready, 7):
        x = batch.features.dense if sparse else batch.features
        places = (x[:, 1] - int(not sparse)).long()
        assert torch.equal(x, data.x[places])
        assert torch.equal(batch.train_labels, ready.train_labels[places])
        edge_index, weight = subgraph(places, data.edge_index, data.edge_weight, relabel_nodes=True, num_nodes=60)
        expected = Graph(edge_index, len(places), weight)
        assert torch.equal(batch.graph.edge_index, expected.edge_index)
        assert torch.equal(batch.graph.edge_weight, expected.edge_weight)
        seen.append(places)
    assert [len(places) for places in seen] == [9] * 6 + [6]
    assert sorted(torch.cat(seen).tolist()) == list(range(60))


def test_as_many_edges_as_vertices_are_told_apart():
    vertex = torch.arange(12)
    third = vertex % 3
    data = Data(
        x=torch.eye(12) + 1, edge_index=torch.stack([vertex, (vertex + 1) % 12]), y=third,
        edge_weight=vertex.float(), train_mask=third == 0, val_mask=third == 1, test_mask=third == 2,
    )  # fmt: skip
    for batch in RandomBatches(TrainingData.from_pyg(data), 2):
        assert len(batch.features) == batch.graph.num_nodes == 6
        assert len(batch.graph.edge_weight) == batch.graph.edge_index.shape[1] < 6


def test_batches_without_training_vertices_and_single_vertices_are_left_out():
    data = two_groups(61)
    data.train_mask[:] = False
    data.train_mask[0] = True
    data.val_mask[0] = data.test_mask[0] = False
    ready = TrainingData.from_pyg(data)
    sizes = {len(batch.train_labels) for _ in range(40) for batch in RandomBatches(ready, 30)}
    assert sizes == {3}
    data.train_mask = ~(data.val_mask | data.test_mask)
    assert len(list(RandomBatches(TrainingData.from_pyg(data), 30))) <= 20


def test_what_cannot_be_cut_is_refused():
    ready = TrainingData.from_pyg(two_groups())
    with pytest.raises(ValueError, match="batches must be at most half the number of vertices, 60, .* got 31"):
        train(build("gcn", 100, 2), ready, Protocol(epochs=1, batches=31))
    with pytest.raises(ValueError, match="batches must be 1 where every pass has a graph of its own, got 2"):
        train(build("gcn", 100, 2), ready, Protocol(epochs=1, batches=2), graph=lambda: ready.graph)
    for count in (0, -1):
        with pytest.raises(ValueError, match="batches must"):
            Protocol(batches=count)
    with pytest.raises(TypeError, match="batches must be an integer"):
        Protocol(batches=1.5)
