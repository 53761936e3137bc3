import math

import pytest
import torch

pytest.importorskip("trl")
from trl import RLOOTrainer

from wis.lm.kl.live import PREFIX, KLMonitor


def _weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


def _lines(trainer):
    return [line for line in trainer.state.log_history if f"{PREFIX}/sequence" in line]


def test_watching_logs_and_does_not_change_training(make_trainer):
    plain = make_trainer(beta=0.1)
    plain.train()
    watched = make_trainer(beta=0.1)
    monitor = KLMonitor(every=1)
    monitor.attach(watched)
    watched.train()
    torch.testing.assert_close(_weights(plain), _weights(watched), rtol=0, atol=0)
    assert monitor.seconds > 0

    first, second = _lines(watched)
    # Before the first update the policy is the reference: no KL, so no gradient of it either.
    assert first[f"{PREFIX}/sequence"] == pytest.approx(0, abs=1e-5)
    assert second[f"{PREFIX}/sequence"] > 0
    assert second[f"{PREFIX}/sequence_low"] < second[f"{PREFIX}/sequence"] < second[f"{PREFIX}/sequence_high"]
    assert second[f"{PREFIX}/beyond_clamp"] == 0
    assert 0 < second[f"{PREFIX}/cosine"] <= 1 + 1e-6
    assert second[f"{PREFIX}/ratio"] > 0
    # One of the two inputs never gets a reward: the lower end of β · std is 0, and its share is counted.
    assert second[f"{PREFIX}/effective_beta_p10"] <= second[f"{PREFIX}/effective_beta_median"] < 0.1
    assert 0 < second[f"{PREFIX}/dead_share"] <= 1


def test_without_division_by_std_beta_is_that_of_the_settings(make_trainer):
    trainer = make_trainer(beta=0.1, scale_rewards="none", steps=1)
    KLMonitor().attach(trainer)
    trainer.train()
    assert _lines(trainer)[0][f"{PREFIX}/effective_beta_median"] == pytest.approx(0.1)


def test_one_token_outputs_have_an_unbiased_gradient(make_trainer):
    # With one token an output, the token ratio is the prefix ratio.
    trainer = make_trainer(beta=0.1, max_completion_length=1, steps=3)
    KLMonitor(every=1).attach(trainer)
    trainer.train()
    last = _lines(trainer)[-1]
    assert last[f"{PREFIX}/cosine"] == pytest.approx(1, abs=1e-5)
    assert last[f"{PREFIX}/ratio"] == pytest.approx(1, abs=1e-5)


def test_gradients_are_measured_every_so_many_steps(make_trainer):
    trainer = make_trainer(beta=0.1, steps=3)
    KLMonitor(every=2).attach(trainer)
    trainer.train()
    assert [f"{PREFIX}/cosine" in line for line in _lines(trainer)] == [True, False, True]


def test_a_fault_ends_the_watching_and_not_the_run(make_trainer):
    trainer = make_trainer(beta=0.1)
    monitor = KLMonitor()
    monitor.attach(trainer)
    monitor._measure = lambda inputs: 1 / 0
    with pytest.warns(UserWarning, match="no longer watched: division"):
        trainer.train()
    assert trainer.state.global_step == 2
    assert not _lines(trainer)


def test_what_cannot_be_watched_is_refused(make_trainer):
    with pytest.raises(ValueError, match="beta is 0"):
        KLMonitor().attach(make_trainer())
    with pytest.raises(TypeError, match="must be a GRPOTrainer, got RLOOTrainer"):
        KLMonitor().attach(make_trainer(RLOOTrainer))
    with pytest.raises(TypeError, match="got int"):
        KLMonitor().attach(3)


def test_evaluation_is_not_counted(make_trainer):
    trainer = make_trainer(beta=0.1, steps=1)
    monitor = KLMonitor()
    monitor.attach(trainer)
    trainer.evaluate()
    assert not monitor._divergences
    assert math.isclose(monitor._trainer.beta, 0.1)
