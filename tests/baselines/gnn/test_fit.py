"""Models by name, trained and measured."""

from __future__ import annotations

import pytest
import torch
from wis.baselines.gnn.data import TrainingData
from wis.baselines.gnn.fit import fit
from wis.baselines.gnn.protocol import MODEL_NAMES, Protocol

from tests.baselines.gnn.graphs import two_groups


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_every_model_learns_the_two_groups(name):
    result = fit(name, two_groups(), seed=1, device="cpu", protocol=Protocol(epochs=60))
    assert result.val_score == 1
    assert result.test_score >= 11 / 12
    assert 1 <= result.best_epoch <= result.epochs == 60
    assert result.device == "cpu"
    assert result.train_seconds > 0
    assert result.inference_seconds > 0


def test_seed_decides_everything_and_leaves_the_caller_s_state_alone():
    data = two_groups()
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, second, other = (
        fit("resgcn", data, seed=seed, device="cpu", protocol=Protocol(epochs=8)) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert first.final_loss == second.final_loss != other.final_loss
    assert (first.val_score, first.best_epoch) == (second.val_score, second.best_epoch)


@pytest.mark.gpu
@pytest.mark.parametrize("name", MODEL_NAMES)
def test_every_model_learns_on_a_gpu(name):
    ready = TrainingData.from_pyg(two_groups(), "cuda")
    assert fit(name, ready, seed=0, protocol=Protocol(epochs=60)).val_score == 1
