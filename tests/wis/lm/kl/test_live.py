import math

import numpy as np
import pytest
import torch
from scipy.stats import t

pytest.importorskip("trl")
from trl import RLOOTrainer

from wis.lm.kl import KLConfiguration
from wis.lm.kl.live import DEAD, GROUP, PREFIX, KLMonitor, _unbiased, half_interval


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


def _logged_beta(make_trainer, rewards, **options):
    """The two numbers on β after one step, whose rewards of 2 inputs, 4 outputs each, are given."""
    functions = [lambda completions, column=column, **_: list(column) for column in rewards]
    trainer = make_trainer(beta=0.1, steps=1, more={"reward_funcs": functions}, **options)
    KLMonitor().attach(trainer)
    trainer.train()
    (line,) = _lines(trainer)
    return [line.get(f"{PREFIX}/effective_beta_{name}") for name in ("p10", "median")]


def test_the_std_that_beta_is_worth_is_the_one_that_divides(make_trainer):
    rewards = [0.0, 1.0, 0.0, 1.0, 0.0, 3.0, 0.0, 3.0]
    stds = [np.std(rewards[:4], ddof=1), np.std(rewards[4:], ddof=1)]
    of_groups = 0.1 * np.quantile(np.array(stds) + 1e-4, [0.1, 0.5])  # not the lower of two for the median
    assert _logged_beta(make_trainer, [rewards]) == pytest.approx(of_groups, rel=1e-6)
    of_the_batch = 0.1 * (np.std(rewards, ddof=1) + 1e-4)
    found = _logged_beta(make_trainer, [rewards], scale_rewards="batch")
    assert found == pytest.approx([of_the_batch] * 2, rel=1e-6)


def test_rewards_that_are_none_are_left_out(make_trainer):
    rewards = [0.0, None, 0.0, 1.0, None, None, None, 3.0]
    expected = 0.1 * (np.std([0, 0, 1], ddof=1) + 1e-4)
    assert _logged_beta(make_trainer, [rewards]) == pytest.approx([expected] * 2, rel=1e-6)
    # A function without a number for an output adds nothing to its sum.
    more = [1.0, 1.0, 1.0, 1.0, None, None, None, None]
    expected = 0.1 * (np.std([1, 1, 1, 2], ddof=1) + 1e-4)
    assert _logged_beta(make_trainer, [rewards, more]) == pytest.approx([expected] * 2, rel=1e-6)
    assert _logged_beta(make_trainer, [[None] * 8]) == [None, None]


def test_functions_normalised_apart_give_no_nan(make_trainer):
    rewards = [[0.0, 1.0, 0.0, 1.0, 0.0, 3.0, 0.0, 3.0], [0.0, 0.0, 5.0, 5.0, 1.0, 1.0, None, 2.0]]
    low, middle = _logged_beta(make_trainer, rewards, multi_objective_aggregation="normalize_then_sum")
    assert 0 < low <= middle < 1


def test_an_input_without_scored_outputs_is_dead(make_trainer):
    trainer = make_trainer(beta=0.1)
    monitor = KLMonitor()
    monitor.attach(trainer)
    trainer.model.train()
    rows = {"completion_ids": torch.zeros(8, 3)}
    monitor._rewards = torch.tensor([0, 1, math.nan, 0, math.nan, math.nan, math.nan, 1.0])[:, None]
    for first in (0, 2):  # groups of later generations are other ones
        batch = dict(rows)
        monitor._tag(batch)
        assert batch[DEAD].tolist() == [False] * 4 + [True] * 4
        assert batch[GROUP].tolist() == [first] * 4 + [first + 1] * 4


def test_the_interval_takes_groups_as_clusters():
    # Outputs of a group are copies: there are as many numbers as groups.
    values, groups = np.array([1.0, 2.0, 4.0]), np.arange(3)
    expected = t.ppf(0.975, 2) * values.std(ddof=1) / math.sqrt(3)
    assert half_interval(values, groups) == pytest.approx(expected)
    assert half_interval(np.repeat(values, 5), np.repeat(groups, 5)) == pytest.approx(expected)
    assert half_interval(np.array([1.0, 2.0]), np.zeros(2)) == math.inf


def test_the_interval_holds_where_outputs_of_an_input_are_alike():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(8), 4)
    held = [0, 0]
    for _ in range(2000):
        values = np.repeat(rng.normal(size=8), 4) + 0.3 * rng.normal(size=32)
        held[0] += abs(values.mean()) <= half_interval(values, groups)
        held[1] += abs(values.mean()) <= half_interval(values, np.arange(32))  # as if all were apart
    assert 0.93 < held[0] / 2000 < 0.97
    assert held[1] / 2000 < 0.75


def test_outputs_that_are_masked_are_left_out(make_trainer, recwarn):
    trainer = make_trainer(beta=0.1, steps=6, mask_truncated_completions=True)
    monitor = KLMonitor(every=1)
    monitor.attach(trainer)
    counted = []
    original = monitor._measure
    monitor._measure = lambda inputs: (counted.append(inputs["completion_mask"].bool().any(1)), original(inputs))
    trainer.train()
    assert not [w for w in recwarn if "no longer watched" in str(w.message)]
    assert not torch.cat(counted).all()
    assert torch.cat(counted).any()
    assert len(_lines(trainer)) == sum(bool(kept.any()) for kept in counted)
    for line in _lines(trainer):
        assert math.isfinite(line[f"{PREFIX}/sequence"])
        assert 0 <= line[f"{PREFIX}/beyond_clamp"] <= 1


def test_kl_and_clamp_are_over_the_outputs_and_tokens_that_are_trained_on(make_trainer):
    trainer = make_trainer(beta=0.1)
    monitor = KLMonitor()
    monitor.attach(trainer)
    monitor._probed = 0
    far, near = -4.0, math.log(2)  # K3 of e⁴ − 5 = 49.6, and of log 2 − 1/2
    for log_probs, mask in (
        ([[far, near, near], [far, far, far]], [[1, 1, 1], [0, 0, 0]]),
        ([[near, far, far], [far, far, far]], [[1, 0, 0], [0, 0, 0]]),
    ):
        monitor._log_probs = torch.tensor(log_probs)
        monitor._measure(
            {"completion_mask": torch.tensor(mask), "ref_per_token_logps": torch.zeros(2, 3), GROUP: torch.arange(2)}
        )
    found = monitor._summary()
    k3_far, k3_near = math.exp(4) - 5, math.log(2) - 0.5
    assert found["sequence"] == pytest.approx((k3_far + 3 * k3_near) / 2, rel=1e-6)
    assert found["beyond_clamp"] == pytest.approx(1 / 4)  # not the mean of 1/3 and 0


def test_a_line_of_evaluation_takes_nothing_from_the_lines_of_training(make_trainer):
    trainer = make_trainer(beta=0.1, steps=2, logging_steps=2, eval_strategy="steps", eval_steps=1)
    KLMonitor().attach(trainer)
    trainer.train()
    assert [line["step"] for line in _lines(trainer)] == [2]
    assert not any("eval_loss" in line for line in _lines(trainer))


def test_the_unbiased_term_is_divided_as_the_run_is():
    run = KLConfiguration(aggregation="constant", constant_length=7)
    assert (_unbiased(run).aggregation, _unbiased(run).constant_length) == ("constant", 7)


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
