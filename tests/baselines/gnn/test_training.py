from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from wis.baselines.gnn.data import TrainingData
from wis.baselines.gnn.models import build
from wis.baselines.gnn.protocol import MODEL_NAMES, Protocol
from wis.baselines.gnn.sparse import SparseFeatures
from wis.baselines.gnn.training import Outcome, predict, seeded, train

from tests.baselines.gnn.graphs import random_labels, two_groups


@pytest.fixture
def double_precision():
    """Adam turns rounding into steps where a gradient is zero (biases before BatchNorm): less of it, the same test."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_model_can_learn_the_training_vertices_by_heart(name):
    data = two_groups()
    data.y = torch.randint(0, 4, (60,), generator=torch.Generator().manual_seed(1))
    data.x = torch.eye(60)
    ready = TrainingData.from_pyg(data)
    torch.manual_seed(0)
    model = build(name, 60, 4)
    train(model, ready, Protocol(lr=0.01, weight_decay=0, epochs=250))
    right = predict(model, ready).argmax(dim=1) == data.y
    assert right[data.train_mask].all()


def test_one_forward_pass_an_epoch_measures_what_separate_passes_measure():
    ready = TrainingData.from_pyg(random_labels())
    assert isinstance(ready.features, SparseFeatures)
    torch.manual_seed(0)
    model = build("gcn", 100, 2)
    protocol = Protocol(lr=1e-3, epochs=30)
    twin, passes = copy.deepcopy(model), []
    model.register_forward_hook(lambda *_: passes.append(1))
    shared = train(model, ready, protocol)
    assert len(passes) == 31
    twin.same_in_training = False
    twin.register_forward_hook(lambda *_: passes.append(1))
    separate = train(twin, ready, protocol)
    assert len(passes) == 31 + 60
    assert shared == separate
    assert shared.best_epoch > 1
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def facts(result):
    return result.test_score, result.val_score, result.best_epoch, result.epochs


def plain_training(model, data, protocol, batches=None):
    """The same training in the usual way: dense features, message passing, a pass for each of the three masks.

    An epoch has a step for each of the ``batches``, or one on the whole graph.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=protocol.lr, weight_decay=protocol.weight_decay)
    best = Outcome(float("nan"), -1, 0, 0)
    for epoch in range(1, protocol.epochs + 1):
        model.train()
        for part in batches or [data]:
            optimizer.zero_grad()
            out = model(part.x, part.edge_index)
            loss = nn.functional.cross_entropy(out[part.train_mask], part.y[part.train_mask])
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = model(data.x, data.edge_index).argmax(dim=1) == data.y
        val, test = (float(right[mask].double().mean()) for mask in (data.val_mask, data.test_mask))
        best = Outcome(test, val, epoch, epoch) if val > best.val_score else best
    return Outcome(best.test_score, best.val_score, best.best_epoch, protocol.epochs, float(loss.detach()))


@pytest.mark.parametrize("name", MODEL_NAMES)
@pytest.mark.usefixtures("pyg_masks")
def test_training_equals_a_plain_pyg_loop(name, double_precision):
    data = random_labels()
    data.x = data.x.double()
    protocol = Protocol(lr=1e-3, epochs=15)
    torch.manual_seed(0)
    model = build(name, 100, 2)
    plain = copy.deepcopy(model)
    ready = TrainingData.from_pyg(data)
    with seeded(3, torch.device("cpu")):
        ours = train(model, ready, protocol)
    with seeded(3, torch.device("cpu")):
        theirs = plain_training(plain, data, protocol)
    torch.testing.assert_close(predict(model, ready), plain.eval()(data.x, data.edge_index), atol=1e-5, rtol=1e-5)
    assert facts(ours) == facts(theirs)
    assert ours.final_loss == pytest.approx(theirs.final_loss, rel=1e-6)


class Scripted(nn.Module):
    """Gives validation accuracies by a script; its one parameter moves, so that training can go on."""

    def __init__(self, data, accuracies, same_in_training):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.same_in_training = same_in_training
        self.data, self.accuracies, self.measured = data, accuracies, -1 if same_in_training else 0

    def forward(self, x, graph):
        logits = torch.nn.functional.one_hot(1 - self.data.labels, 2).float() + self.weight
        if self.same_in_training or not self.training:
            at = max(self.measured, 0)
            num_right = round(self.accuracies[at] * len(self.data.val))
            right = self.data.val[:num_right]
            logits = logits.index_copy(0, right, nn.functional.one_hot(self.data.labels[right], 2).float())
            self.measured += 1
        return logits


@pytest.mark.parametrize("same_in_training", [True, False])
def test_early_stopping_counts_epochs_in_a_row_without_improvement(same_in_training):
    ready = TrainingData.from_pyg(two_groups())
    script = [0.25, 0.5, 0.5, 0.25, 0.75, 0.5, 0.75, 0.5, 1.0, 1.0]
    model = Scripted(ready, script, same_in_training)
    assert facts(train(model, ready, Protocol(epochs=10, patience=2))) == (0.0, 0.75, 5, 8)
    model = Scripted(ready, script, same_in_training)
    assert facts(train(model, ready, Protocol(epochs=10))) == (0.0, 1.0, 9, 10)


def test_on_best_sees_the_parameters_that_were_measured():
    ready = TrainingData.from_pyg(random_labels())
    for name in MODEL_NAMES:
        torch.manual_seed(0)
        model, kept = build(name, 100, 2), []
        best = train(model, ready, Protocol(epochs=12), on_best=lambda m=model, k=kept: k.append(copy.deepcopy(m)))
        right = predict(kept[-1], ready).argmax(dim=1) == ready.labels
        assert float(right[ready.val].double().mean()) == best.val_score
        assert float(right[ready.test].double().mean()) == best.test_score


def test_penalty_and_further_parameters_are_learned():
    ready = TrainingData.from_pyg(two_groups())
    mask = torch.ones(5, requires_grad=True)
    train(build("gcn", 100, 2), ready, Protocol(epochs=5), parameters=[mask], penalty=lambda: mask.abs().sum())
    assert torch.allclose(mask, torch.full((5,), 1 - 5 * 5e-3), atol=1e-4)


@pytest.mark.gpu
@pytest.mark.parametrize("name", MODEL_NAMES)
def test_gpu_gives_the_outputs_of_the_cpu(name):
    ready = [TrainingData.from_pyg(two_groups(), device) for device in ("cpu", "cuda")]
    torch.manual_seed(0)
    model = build(name, 100, 2)
    on_cpu = predict(model, ready[0])
    torch.testing.assert_close(predict(model.cuda(), ready[1]).cpu(), on_cpu, atol=1e-5, rtol=1e-4)
