"""What rewards are divided by, against plain loops over TRL's formulas."""

import dataclasses
import math

import numpy as np
import pytest

from wis.lm.kl.divisors import divisors
from wis.lm.trained_reward import TrainedReward

GROUP = TrainedReward(("a",), (1.0,), False, "group", None, 0.0, 3)
NONE = math.nan
REWARDS = np.array([[0, 1, 2], [5, 5, 5], [1, NONE, 3], [NONE, NONE, 1]], dtype=np.float32).reshape(12, 1)


def test_of_the_group():
    assert divisors(GROUP, REWARDS)[:3] == pytest.approx([1 + 1e-4, 1e-4, math.sqrt(2) + 1e-4])
    assert np.isnan(divisors(GROUP, REWARDS)[3])  # one output has a reward: there is no advantage


def test_of_the_batch():
    known = REWARDS[~np.isnan(REWARDS)].astype(float)
    found = divisors(dataclasses.replace(GROUP, scaling="batch"), REWARDS)
    assert found[:3] == pytest.approx([known.std(ddof=1) + 1e-4] * 3)
    assert np.isnan(found[3])


def test_of_nothing():
    assert divisors(dataclasses.replace(GROUP, scaling="none"), REWARDS)[:3].tolist() == [1, 1, 1]


def test_weights_and_functions_without_a_number():
    # The sum is of the functions that gave one; an output without any has no reward.
    rewards = np.array([[1, NONE], [2, 1], [NONE, NONE]], dtype=np.float32)
    two = dataclasses.replace(GROUP, functions=("a", "b"), weights=(1.0, 2.0))
    assert divisors(two, rewards) == pytest.approx([np.std([1, 4], ddof=1) + 1e-4])


@pytest.mark.parametrize("weights", [(1.0, 1.0), (2.0, 0.5)])
def test_functions_that_are_normalised_apart(weights):
    rng = np.random.default_rng(0)
    rewards = rng.normal(size=(8, 2)).astype(np.float32)
    rewards[4:] = [1, 2]  # a group without any spread
    rewards[1, 0] = NONE
    trained = TrainedReward(("a", "b"), weights, True, "group", None, 0.0, 4)

    scaled = np.zeros((8, 2))
    for start in (0, 4):
        for k in range(2):
            known = [i for i in range(start, start + 4) if not math.isnan(rewards[i, k])]
            column = rewards[known, k].astype(float)
            for i in known:
                scaled[i, k] = (float(rewards[i, k]) - column.mean()) / (column.std(ddof=1) + 1e-4)
    totals = scaled @ weights
    advantages = (totals - totals.mean()) / (totals.std(ddof=1) + 1e-4)
    sums = np.nan_to_num(rewards.astype(float)) @ weights
    expected = [sums[:4].std(ddof=1) / advantages[:4].std(ddof=1), 0.0]
    assert divisors(trained, rewards) == pytest.approx(expected, rel=1e-6)


def test_one_function_normalised_by_itself_is_divided_twice():
    rewards = np.array([0, 1, 2, 0, 10, 20], dtype=np.float32)[:, None]
    apart = dataclasses.replace(GROUP, each_normalised=True)
    # Each group has std 1 after its own scaling, the batch of six then sqrt(4 / 5).
    batch = math.sqrt(4 / 5)
    assert divisors(apart, rewards) == pytest.approx([1 * batch, 10 * batch], rel=1e-3)
