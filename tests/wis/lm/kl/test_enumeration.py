import math

import pytest
import torch

from wis.lm.kl import KLConfiguration
from wis.lm.kl.enumeration import (
    Case,
    aggregation_factor,
    expect,
    expect_inputs,
    make_case,
    objectives,
    value_gradient,
)


def _worked():
    case = make_case(0, num_tokens=4, length=1, ends=False)
    policy = torch.tensor([[0.4, 0.3, 0.2, 0.1]], dtype=torch.float64).log()
    return Case(policy, policy.flip(1), policy, policy, case.outputs, case.rows, case.mask, case.rewards)


def test_the_case_that_can_be_done_by_hand():
    case = _worked()
    gradient = objectives(case)["reverse"].flatten()
    assert gradient.tolist() == pytest.approx([0.3719, -0.0153, -0.1724, -0.1843], abs=5e-5)
    k3 = expect(KLConfiguration(coefficient=1.0), case).gradient.flatten()
    assert k3.tolist() == pytest.approx([0.3, 0.1, -0.1, -0.3], abs=1e-12)
    assert k3.tolist() == pytest.approx(objectives(case)["forward"].flatten().tolist(), abs=1e-12)


@pytest.mark.parametrize("ends", [False, True])
def test_probabilities_sum_to_one_and_rows_are_prefixes(ends):
    case = make_case(1, num_tokens=3, length=4, ends=ends)
    assert case.probabilities(case.policy).sum().item() == pytest.approx(1)
    assert case.rows.max() == 1 + 3 + 9 + 27 - 1
    assert bool((case.rows[:, 0] == 0).all())
    assert bool(case.mask.all()) != ends


def test_outputs_that_differ_by_padding_only_have_one_reward():
    case = make_case(2)
    shown = [tuple(row[mask].tolist()) for row, mask in zip(case.outputs, case.mask, strict=True)]
    for output in set(shown):
        rewards = {reward for reward, other in zip(case.rewards.tolist(), shown, strict=True) if other == output}
        assert len(rewards) == 1


def test_the_value_gradient_is_that_of_the_objective_without_a_penalty():
    case = make_case(3)
    plain = KLConfiguration(coefficient=0.0, aggregation="sum")
    found = expect(plain, case, rewards=case.rewards).gradient
    torch.testing.assert_close(-found, value_gradient(case))


@pytest.mark.parametrize("aggregation", ["sum", "token-mean", "constant"])
def test_the_aggregation_factor_is_the_size_of_the_policy_gradient(aggregation):
    case = make_case(3)
    configuration = KLConfiguration(coefficient=0.0, aggregation=aggregation)
    found = expect(configuration, case, rewards=case.rewards).gradient
    torch.testing.assert_close(-found, value_gradient(case) * aggregation_factor(configuration, case))


def test_the_variance_is_that_of_sampled_gradients():
    case = make_case(4, num_tokens=2, length=3)
    found = expect(KLConfiguration(estimator="k1", placement="reward", aggregation="sum"), case)
    weights = case.probabilities(case.rollout)
    each = torch.zeros(len(weights), *case.policy.shape, dtype=torch.float64)
    for row in range(len(weights)):
        each[row].index_add_(0, case.rows[row], found.samples[row] / weights[row])
    spread = (weights[:, None, None] * (each - found.gradient).square()).sum()
    assert found.variance == pytest.approx(spread.item())


def test_total_variation_of_equal_policies_is_zero():
    case = make_case(5)
    same = Case(case.policy, case.policy, case.policy, case.policy, case.outputs, case.rows, case.mask, case.rewards)
    for name in ("reverse", "forward", "partial reverse", "partial forward"):
        assert objectives(same)[name].norm().item() == pytest.approx(0, abs=1e-12)
    assert math.isfinite(objectives(same)["variation"].norm())


@pytest.mark.parametrize("aggregation", ["sum", "token-mean", "sequence-mean-token-mean", "constant"])
@pytest.mark.parametrize("scaling", ["none", "group"])
def test_inputs_of_a_batch_are_apart_unless_its_std_is_shared(aggregation, scaling):
    case = make_case(2, drift=0.3)
    made = KLConfiguration(
        coefficient=0.5, estimator="k1", placement="both", baseline="mean", scaling=scaling, aggregation=aggregation
    )
    rewards = torch.stack([case.rewards, 3 * case.rewards])
    found = expect_inputs(made, case, rewards)
    for gradient, own in zip(found, rewards, strict=True):
        torch.testing.assert_close(gradient, expect(made, case, rewards=own).gradient)


def test_a_shared_std_divides_all_inputs():
    case = make_case(2)
    plain = KLConfiguration(coefficient=0.0, baseline="mean", aggregation="sum")
    rewards = torch.stack([case.rewards, 3 * case.rewards])
    share = case.probabilities(case.policy)
    mean, second = ((share * rewards**power).sum() / 2 for power in (1, 2))
    batch = KLConfiguration(**(vars(plain) | {"scaling": "batch"}))
    std = (second - mean**2).sqrt() + 1e-4
    torch.testing.assert_close(expect_inputs(batch, case, rewards), expect_inputs(plain, case, rewards) / std)
