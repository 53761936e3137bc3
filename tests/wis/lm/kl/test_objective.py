"""The loss against plain loops, its refusals, and its limits."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wis.lm.kl import Batch, KLConfiguration, KLDivergedError, objective
from wis.lm.kl.configuration import choices

CHOICES = {name: values for name, values in choices().items() if name != "estimator"}


def _batch(seed, *, outputs=4, tokens=5, group_size=2, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    parts = [-torch.rand(outputs, tokens, generator=generator, dtype=dtype) for _ in range(4)]
    lengths = torch.randint(1, tokens + 1, (outputs,), generator=generator)
    mask = torch.arange(tokens) < lengths[:, None]
    rewards = torch.randn(outputs, generator=generator, dtype=dtype)
    log_probs, reference, old, rollout = parts
    return Batch(log_probs.requires_grad_(), reference, mask, rewards, old=old, rollout=rollout, group_size=group_size)


@st.composite
def configurations(draw):
    chosen = {name: draw(st.sampled_from(values)) for name, values in CHOICES.items()}
    chosen |= {"estimator": draw(st.sampled_from(["k1", "k2", "k3", "abs"])), "coefficient": 0.7}
    chosen |= {"ratio_differentiated": draw(st.booleans()), "penalty_after_scaling": draw(st.booleans())}
    chosen |= {
        "ratio_clip": draw(st.sampled_from([None, (0.8, 1.2)])),
        "value_clamp": draw(st.sampled_from([None, 0.1])),
        "std_floor": draw(st.sampled_from([1e-4, 0.5])),
    }
    try:
        return KLConfiguration(**chosen)
    except ValueError:
        return KLConfiguration(**(chosen | {"level": "token"}))


def _k(name, d, clamp):
    value = {"k1": d, "k2": d * d / 2, "k3": math.exp(-d) - 1 + d, "abs": abs(d)}[name]
    return value if clamp is None else max(-clamp, min(clamp, value))


def _naive(c, b):
    """Value of the penalty, shaped rewards and advantages, by loops over outputs and tokens."""
    lp, ref, old, roll = (x.detach().numpy() for x in (b.log_probs, b.reference, b.old, b.rollout))
    rewards, mask = b.rewards.numpy(), b.mask.numpy()
    n, lengths = len(lp), mask.sum(1)
    width = lp.shape[1]
    under = {"on-policy": lp, "old-policy": old, "rollout-engine": roll}[c.sampler]
    logs = [[lp[i, t] - under[i, t] for t in range(lengths[i])] for i in range(n)]

    def ratio(i, t):
        row = logs[i]
        log = {"none": 0, "token": row[t], "prefix": sum(row[: t + 1]), "sequence": sum(row)}
        log["geometric"] = sum(row) / len(row)
        return math.exp(log[c.ratio])

    def aggregate(values):
        totals = [sum(row) for row in values]
        if c.aggregation == "sum":
            return sum(totals) / n
        if c.aggregation == "sequence-mean-token-mean":
            return sum(total / length for total, length in zip(totals, lengths, strict=True)) / n
        return sum(totals) / lengths.sum() if c.aggregation == "token-mean" else sum(totals) / n / width

    def held(value):
        return value if c.ratio_clip is None else min(max(value, c.ratio_clip[0]), c.ratio_clip[1])

    gap = lp - ref
    if c.level == "token":
        penalty = aggregate(
            [
                [held(ratio(i, t)) * _k(c.estimator, gap[i, t], c.value_clamp) for t in range(lengths[i])]
                for i in range(n)
            ]
        )
    else:
        whole = [_k(c.estimator, gap[i, : lengths[i]].sum(), c.value_clamp) for i in range(n)]
        penalty = sum(held(ratio(i, 0)) * whole[i] for i in range(n)) / n
    penalty = c.coefficient * penalty if c.in_loss else 0.0

    charged_gap = old - ref if c.penalty_policy == "old" else gap
    charge = np.zeros_like(lp)
    for i in range(n if c.in_reward else 0):
        if c.level == "token":
            for t in range(lengths[i]):
                charge[i, t] = c.coefficient * _k(c.estimator, charged_gap[i, t], c.value_clamp)
        else:
            whole = _k(c.estimator, charged_gap[i, : lengths[i]].sum(), c.value_clamp)
            charge[i, lengths[i] - 1] = c.coefficient * whole
    returned = np.zeros_like(lp)
    for i, t in itertools.product(range(n), range(width)):
        if c.returns == "full" or c.level == "sequence":
            returned[i, t] = charge[i].sum()
        else:
            returned[i, t] = charge[i, t:].sum() if c.returns == "to-go" else charge[i, t]
    totals = rewards - (0 if c.penalty_after_scaling else charge.sum(1))
    compared = totals if c.returns == "full" or c.level == "sequence" else rewards
    advantages = np.zeros_like(lp)
    for i, t in itertools.product(range(n), range(width)):
        if not mask[i, t]:
            continue
        group = range(i - i % b.group_size, i - i % b.group_size + b.group_size)
        value = rewards[i] - (0 if c.penalty_after_scaling else returned[i, t])
        others = [j for j in group if c.baseline == "mean" or j != i]
        if c.baseline != "none":
            value -= np.mean([compared[j] for j in others])
        if c.scaling != "none":
            value /= np.std([totals[j] for j in (group if c.scaling == "group" else range(n))], ddof=1) + c.std_floor
        advantages[i, t] = value - (returned[i, t] if c.penalty_after_scaling else 0)
    shaped = -charge
    for i in range(n):
        shaped[i, lengths[i] - 1] += rewards[i]
    return penalty, shaped, advantages


@settings(max_examples=150, deadline=None)
@given(configuration=configurations(), seed=st.integers(0, 10_000))
def test_parts_of_the_loss_are_those_of_plain_loops(configuration, seed):
    batch = _batch(seed)
    found = objective(configuration, batch)
    penalty, shaped, advantages = _naive(configuration, batch)
    assert found.penalty.item() == pytest.approx(penalty, rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(found.shaped_rewards.numpy(), shaped, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.advantages.numpy(), advantages, rtol=1e-7, atol=1e-10)


@settings(max_examples=50, deadline=None)
@given(configuration=configurations(), seed=st.integers(0, 10_000))
def test_padding_is_never_read(configuration, seed):
    batch = _batch(seed)
    padding = ~batch.mask
    soiled = {
        name: torch.where(padding, torch.nan, getattr(batch, name)) for name in ("reference", "old", "rollout")
    } | {"log_probs": torch.where(padding, -torch.inf, batch.log_probs.detach()).requires_grad_()}
    dirty = dataclasses.replace(batch, **soiled)
    for one in (batch, dirty):
        objective(configuration, one).loss.backward()
    torch.testing.assert_close(dirty.log_probs.grad, batch.log_probs.grad, rtol=0, atol=0)
    assert bool((batch.log_probs.grad[padding] == 0).all())


def _of_lengths(lengths, rewards, gap=0.0):
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    log_probs = torch.full(mask.shape, -1.0, dtype=torch.float64)
    return Batch(log_probs, log_probs - gap, mask, torch.tensor(rewards, dtype=torch.float64))


@pytest.mark.parametrize("returns", ["full", "to-go", "none"])
@pytest.mark.parametrize("baseline", ["mean", "leave-one-out"])
@pytest.mark.parametrize("scaling", ["none", "group", "batch"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rewards_that_tie_give_no_advantage_to_the_tail_of_the_longest_output(returns, baseline, scaling, dtype):
    batch = _of_lengths([1, 3, 5], [0.7, 0.7, 0.7])
    batch = dataclasses.replace(batch, rewards=batch.rewards.to(dtype), log_probs=batch.log_probs.to(dtype))
    made = KLConfiguration(
        coefficient=0.0, estimator="k1", placement="reward", returns=returns, baseline=baseline, scaling=scaling,
        std_floor=1e-9,
    )  # fmt: skip
    assert bool((objective(made, batch).advantages == 0).all())


def test_a_baseline_is_over_all_outputs_of_the_group_whatever_their_lengths():
    # Each token has Δ = 0.1, so the outputs' KL is 0.1, 0.2 and 0.3, and β is 1.
    batch = _of_lengths([1, 2, 3], [1.0, 0.0, 0.5], gap=0.1)
    shaped = [0.9, -0.2, 0.2]
    full = KLConfiguration(coefficient=1.0, estimator="k1", placement="reward", baseline="leave-one-out")
    found = objective(full, batch).advantages
    # TRL's RLOO and verl's rloo: the shaped reward less the mean of the others', the same at every token.
    expected = [shaped[0] - 0.0, shaped[1] - 0.55, shaped[2] - 0.35]
    for row, value, length in zip(found.tolist(), expected, (1, 2, 3), strict=True):
        assert row == pytest.approx([value] * length + [0] * (3 - length))
    # OpenRLHF's rloo: the reward less the mean of the others', and then each token less what is still to come.
    found = objective(dataclasses.replace(full, returns="to-go"), batch).advantages
    rewards = [1 - 0.25, 0 - 0.75, 0.5 - 0.5]
    expected = [[0.1], [0.2, 0.1], [0.3, 0.2, 0.1]]
    for row, reward, charges in zip(found.tolist(), rewards, expected, strict=True):
        assert row[: len(charges)] == pytest.approx([reward - charge for charge in charges])
    # NeMo-RL's reinforce_plus_plus charges each token with its own.
    found = objective(dataclasses.replace(full, returns="none", baseline="mean"), batch).advantages
    assert found[2].tolist() == pytest.approx([0.5 - 0.5 - 0.1] * 3)


def test_a_penalty_that_joins_later_is_not_in_the_baseline():
    batch = _of_lengths([1, 2, 3], [1.0, 0.0, 0.5], gap=0.1)
    # OpenRLHF's group_norm: std 0.5 of the rewards.
    made = KLConfiguration(
        coefficient=1.0, estimator="k1", placement="reward", returns="full", baseline="mean", scaling="group",
        std_floor=1e-9, penalty_after_scaling=True,
    )  # fmt: skip
    found = objective(made, batch).advantages
    assert found[:, 0].tolist() == pytest.approx([1 - 0.1, -1 - 0.2, 0 - 0.3])
    assert found[2].tolist() == pytest.approx([-0.3] * 3)


def test_the_floor_is_added_to_the_std():
    batch = _of_lengths([1, 1], [0.0, 2.0])
    for floor in (1e-9, 1.0):
        made = KLConfiguration(coefficient=0.0, baseline="mean", scaling="group", std_floor=floor)
        assert objective(made, batch).advantages[1, 0].item() == pytest.approx(1 / (math.sqrt(2) + floor))


def test_the_policy_gradient_is_advantage_times_ratio():
    batch = _batch(0)
    configuration = KLConfiguration(coefficient=0.0, ratio="token", sampler="old-policy", aggregation="sum")
    found = objective(configuration, batch)
    found.loss.backward()
    ratio = torch.where(batch.mask, (batch.log_probs.detach() - batch.old).exp(), 0)
    torch.testing.assert_close(batch.log_probs.grad, -ratio * found.advantages / 4)


def test_the_clip_is_ppos():
    # Ratio 2: a positive advantage has no gradient left, a negative one has; at ratio 1/2 the other way round.
    for log_ratio, reward, alive in ((0.7, 1.0, False), (0.7, -1.0, True), (-0.7, 1.0, True), (-0.7, -1.0, False)):
        log_probs = torch.tensor([[log_ratio - 1]], requires_grad=True)
        batch = Batch(log_probs, torch.zeros(1, 1), torch.ones(1, 1), torch.tensor([reward]), old=-torch.ones(1, 1))
        settings_ = {"coefficient": 0.0, "ratio": "token", "ratio_clip": (0.8, 1.2), "sampler": "old-policy"}
        objective(KLConfiguration(**settings_), batch).loss.backward()
        assert bool(log_probs.grad.abs().sum() > 0) == alive


def test_half_precision_is_computed_in_single():
    batch = _batch(1, dtype=torch.bfloat16)
    found = objective(KLConfiguration(), batch)
    assert found.loss.dtype == torch.float32
    found.loss.backward()
    assert batch.log_probs.grad.dtype == torch.bfloat16


def test_full_needs_the_vocabulary():
    with pytest.raises(ValueError, match="needs vocabulary and reference_vocabulary"):
        objective(KLConfiguration(estimator="full"), _batch(0))

    full = torch.zeros(4, 5, 3)
    wrong = dataclasses.replace(_batch(0), vocabulary=full, reference_vocabulary=full[:, :4])
    with pytest.raises(ValueError, match=r"reference_vocabulary must have the shape .* \[4, 5, 3\], got \[4, 4, 3\]"):
        objective(KLConfiguration(estimator="full"), wrong)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reference": torch.zeros(4, 4)}, r"reference must have the shape of log_probs, \[4, 5\], got \[4, 4\]"),
        ({"old": torch.zeros(3, 5)}, "old must have the shape"),
        ({"rewards": torch.zeros(4, 1)}, r"rewards must have one number an output, \[4\], got \[4, 1\]"),
        ({"rewards": torch.zeros(1)}, r"rewards must have one number an output, \[4\], got \[1\]"),
        ({"weights": torch.ones(4, 5)}, r"weights must have one number an output, \[4\], got \[4, 5\]"),
        ({"log_probs": torch.zeros(4)}, r"log_probs must have the shape \[outputs, tokens\], got \[4\]"),
        ({"mask": torch.zeros(4, 5)}, "at least one token, got none at output 0; leave such outputs out"),
        ({"rewards": torch.tensor([0, 1, torch.nan, 1])}, "rewards must be finite numbers"),
        ({"weights": torch.tensor([0.5, 1, -0.5, 0])}, "weights must be finite and not negative"),
        ({"group_size": 3}, "group_size must divide the 4 outputs, got 3"),
    ],
)
def test_wrong_batches_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        objective(KLConfiguration(), dataclasses.replace(_batch(0), **changes))


@pytest.mark.parametrize(
    ("configuration", "what"),
    [
        (KLConfiguration(estimator="k3"), "the loss"),
        (KLConfiguration(estimator="k1", ratio="sequence", sampler="old-policy"), "the importance ratio"),
    ],
)
def test_a_diverged_run_is_named(configuration, what):
    batch = dataclasses.replace(_batch(0, dtype=torch.float32), log_probs=torch.full((4, 5), -200.0))
    far = dataclasses.replace(batch, reference=torch.zeros(4, 5), old=torch.full((4, 5), -400.0))
    with pytest.raises(KLDivergedError, match=f"{what} is no longer finite.*the run has diverged"):
        objective(configuration, far)


def test_a_reference_that_rules_a_token_out_is_named():
    reference = torch.zeros(4, 5)
    reference[2, 0] = -torch.inf
    with pytest.raises(KLDivergedError, match=r"log-ratio .* \(first at output 2, token 0\)"):
        objective(KLConfiguration(), dataclasses.replace(_batch(0), reference=reference))


@pytest.mark.gpu
def test_the_gpu_finds_the_same():
    batch = _batch(0)
    moved = {f.name: getattr(batch, f.name) for f in dataclasses.fields(batch)}
    moved = {name: value.detach().cuda() if isinstance(value, torch.Tensor) else value for name, value in moved.items()}
    configuration = KLConfiguration(estimator="k1", placement="both", ratio="prefix", sampler="old-policy")
    loss = objective(configuration, Batch(**moved)).loss
    assert loss.item() == pytest.approx(objective(configuration, batch).loss.item())
