import numpy as np
import pytest

from wis.lm import RewardTracker, compare_rewards


def _tracker(rewards, keys=None):
    return RewardTracker.from_rewards(rewards, keys)


def test_the_unit_of_a_reward_does_not_matter():
    rewards = np.random.default_rng(0).normal(size=(30, 6)) + np.arange(30)[:, None]
    found = compare_rewards(_tracker(rewards), _tracker(5 + 1000 * rewards))
    assert found.ratio == pytest.approx(1)
    assert (found.ratio_low, found.ratio_high) == (pytest.approx(1), pytest.approx(1))
    # By definition: the spread within an input over that of all.
    expected = np.sqrt(rewards.var(1, ddof=1).mean() / rewards.var(ddof=1))
    assert found.first == pytest.approx(expected)
    assert found.second == pytest.approx(expected)


def test_a_reward_that_only_tells_inputs_apart_is_flat():
    rng = np.random.default_rng(1)
    flat = np.arange(50)[:, None] + 0.01 * rng.normal(size=(50, 8))
    steep = rng.normal(size=(50, 8))
    found = compare_rewards(_tracker(steep), _tracker(flat))
    assert found.ratio_low > 50
    assert found.first_higher == 1
    assert "interval" in str(found)


def test_inputs_are_matched_by_key():
    first = _tracker([[0, 1], [0, 0], [1, 3]], ["a", "b", "c"])
    second = _tracker([[5, 9], [0, 2], [1, 1]], ["c", "a", "d"])
    found = compare_rewards(first, second)
    assert found.inputs == 2
    assert found.first_zero == 0


def test_the_interval_covers():
    # The true ratio is 2: both have total variance 1, and 0.8 and 0.2 of it within inputs.
    rng, covered = np.random.default_rng(2), 0
    for seed in range(40):
        a, b = (
            np.sqrt(within) * rng.normal(size=(100, 6)) + np.sqrt(1 - within) * rng.normal(size=(100, 1))
            for within in (0.8, 0.2)
        )
        found = compare_rewards(_tracker(a), _tracker(b), seed=seed)
        covered += found.ratio_low < 2 < found.ratio_high
    assert covered >= 33


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (_tracker([[0, 1]], ["a"]), _tracker([[0, 1]], ["b"]), "share 0 inputs"),
        (_tracker([[0, 1], [1, 0]]), _tracker([[1, 1], [1, 1]]), "second gives all outputs the same reward"),
    ],
)
def test_nothing_to_compare(first, second, message):
    with pytest.raises(ValueError, match=message):
        compare_rewards(first, second)


def test_trackers_only():
    with pytest.raises(TypeError, match="second must be a RewardTracker, got list"):
        compare_rewards(_tracker([[0, 1]]), [[0, 1]])
