import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wis.lm import RewardTracker


@pytest.fixture
def rewards():
    return np.random.default_rng(0).random((50, 10))


def test_matrix_statistics(rewards):
    tracker = RewardTracker.from_rewards(rewards, support=(0, 1))
    np.testing.assert_allclose(tracker.mean(), rewards.mean(1))
    np.testing.assert_allclose(tracker.std(), rewards.std(1, ddof=1))
    assert tracker.counts.tolist() == [10] * 50
    assert tracker.keys == list(range(50))
    summary = tracker.summary(thresholds=[0.3])
    assert summary.p10_std == pytest.approx(np.quantile(rewards.std(1, ddof=1), 0.1))
    assert summary.below[0].estimate == (rewards.std(1, ddof=1) < 0.3).mean()
    assert summary.below[0].surely <= summary.below[0].estimate <= summary.below[0].possibly


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 0.25, 1.0])), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_stream_gives_the_statistics_of_its_groups(stream):
    tracker = RewardTracker(support=(0, 1))
    cut = len(stream) // 3
    for part in (stream[:cut], stream[cut : 2 * cut], stream[2 * cut :]):
        tracker.update([key for key, _ in part], [reward for _, reward in part])
    for i, key in enumerate(tracker.keys):
        group = np.array([reward for name, reward in stream if name == key])
        assert tracker.counts[i] == len(group)
        assert tracker.mean()[i] == pytest.approx(group.mean())
        if len(group) > 1:
            assert tracker.std()[i] == pytest.approx(group.std(ddof=1), abs=1e-12)
            assert tracker.is_zero()[i] == (len(set(group)) == 1)
            pairs = [(x, y) for n, x in enumerate(group) for y in group[n + 1 :]]
            ends = [x == y and x in (group.min(), group.max()) for x, y in pairs]
            assert tracker.zero_group_probability(2)[i] == pytest.approx(np.mean(ends))
        else:
            assert np.isnan(tracker.std()[i])


def test_merging_processes_equals_one_process(rewards, tmp_path):
    whole = RewardTracker.from_rewards(rewards)
    parts = [RewardTracker(), RewardTracker(), RewardTracker()]
    for part, columns in zip(parts, (slice(0, 1), slice(1, 6), slice(6, 10)), strict=True):
        part.update(range(50), rewards[:, columns])
    parts[1].save(tmp_path / "part.npz")
    merged = parts[0]
    merged.merge(RewardTracker.load(tmp_path / "part.npz"))
    merged.merge(RewardTracker.from_state_dict(parts[2].state_dict()))
    np.testing.assert_allclose(merged.std(), whole.std())
    np.testing.assert_allclose(merged.zero_group_probability(4), whole.zero_group_probability(4))
    assert merged.summary().metrics().keys() == whole.summary().metrics().keys()


def test_keys_survive_saving(tmp_path):
    tracker = RewardTracker(support=(-1, 1), binary=True, level=0.9)
    tracker.update(["é", 3, "3"], [[1, -1], [1, 1], [-1, -1]])
    tracker.save(tmp_path / "t.npz")
    again = RewardTracker.load(tmp_path / "t.npz")
    assert again.keys == ["é", 3, "3"]
    assert repr(again) == repr(tracker)
    np.testing.assert_array_equal(again.interval(), tracker.interval())


def test_zero_is_not_near_zero_and_not_float_noise():
    third = np.float32(0.1) + np.float32(0.2)
    noisy = [third, np.float32(0.3), np.float32(0.3), np.nextafter(np.float32(0.3), np.float32(1))]
    tracker = RewardTracker.from_rewards([noisy, [0.3, 0.3, 0.3, 0.301], [0, 0, 0, 1], [0.2] * 4])
    assert tracker.is_zero().tolist() == [True, False, False, True]
    summary = tracker.summary()
    assert summary.fraction_zero == 0.5
    assert summary.fraction_near_zero == 0.25


def test_zero_groups_of_a_binary_reward():
    # p = 0.01, G = 8: p^8 + 0.99^8 = 0.923.
    rewards = np.zeros((1, 100_000))
    rewards[0, :1000] = 1
    tracker = RewardTracker.from_rewards(rewards, support=(0, 1), binary=True)
    assert tracker.zero_group_probability(8)[0] == pytest.approx(0.923, abs=5e-4)
    few = RewardTracker.from_rewards([[0, 0, 0, 1]], support=(0, 1), binary=True)
    assert few.zero_group_probability(2)[0] == pytest.approx(0.5)
    # One input alone: the mixture is all at its own p.
    assert few.zero_group_probability(8)[0] == pytest.approx(0.75**8 + 0.25**8, abs=0.06)


def test_groups_larger_than_the_samples():
    # p ~ Beta(.3, 3), 8 samples: the truth is .565 at G = 16 and .471 at 32, the plug-in value .685 and .668.
    rng = np.random.default_rng(0)
    p = rng.beta(0.3, 3, 20_000)
    tracker = RewardTracker.from_rewards(rng.random((20_000, 8)) < p[:, None], support=(0, 1), binary=True)
    shares = dict(tracker.summary(group_sizes=[8, 16, 32]).zero_groups)
    assert shares[8] == pytest.approx(np.mean(p**8 + (1 - p) ** 8), abs=0.005)
    assert shares[16] == pytest.approx(np.mean(p**16 + (1 - p) ** 16), abs=0.01)
    assert shares[32] == pytest.approx(np.mean(p**32 + (1 - p) ** 32), abs=0.02)
    assert shares[8] > shares[16] > shares[32]


def test_groups_larger_than_the_samples_of_other_rewards_are_unknown(rewards):
    tracker = RewardTracker.from_rewards(rewards, support=(0, 1))
    assert np.isnan(tracker.zero_group_probability(16)).all()
    assert [size for size, _ in tracker.summary().zero_groups] == [2, 4, 8]
    assert "groups of 16" not in str(tracker.summary())


def test_what_is_a_lower_bound_is_told_as_one():
    # 3 of the 10 pairs of these tie, at .5: only ties at the lowest and the highest are counted.
    rewards = [[0.0, 0.5, 0.5, 0.5, 1.0]]
    other = RewardTracker.from_rewards(rewards, support=(0, 1)).summary(group_sizes=[2])
    assert other.zero_groups == ((2, 0.0),)
    assert other.zero_groups_are_bounds
    assert "groups of 2 without spread: at least 0.0% expected" in str(other)
    binary = RewardTracker.from_rewards([[0, 0, 0, 1]], support=(0, 1), binary=True).summary(group_sizes=[2])
    assert not binary.zero_groups_are_bounds
    assert "groups of 2 without spread: 50.0% expected" in str(binary)


def test_share_of_small_std_where_intervals_say_nothing():
    # Half the inputs never succeed, half do at p = 1/2: with 8 samples few intervals exclude a std of 0.2.
    rng = np.random.default_rng(2)
    p = np.repeat([0.0, 0.5], 500)
    tracker = RewardTracker.from_rewards(rng.random((1000, 8)) < p[:, None], support=(0, 1), binary=True)
    (below,) = tracker.summary(thresholds=[0.2]).below
    assert (below.surely, below.possibly) == (0, 0.655)
    assert below.mixture == pytest.approx(0.5, abs=0.02)
    assert tracker.summary(thresholds=[0.2]).metrics()["reward_std/mixture_below_0.2"] == below.mixture


def test_a_stream_of_new_inputs_is_kept_as_it_comes():
    tracker, rng = RewardTracker(), np.random.default_rng(3)
    rewards = rng.random((300, 2))
    for start in range(0, 300, 7):
        tracker.update(range(start, min(start + 7, 300)), rewards[start : start + 7])
    np.testing.assert_allclose(tracker.mean(), rewards.mean(1))
    assert tracker.state_dict()["table"].shape == (7, 300)


def test_zero_group_estimate_is_unbiased():
    p, size, rng = 0.3, 4, np.random.default_rng(1)
    tracker = RewardTracker.from_rewards(rng.random((20_000, 6)) < p, support=(0, 1), binary=True)
    assert tracker.zero_group_probability(size).mean() == pytest.approx(p**size + (1 - p) ** size, abs=0.006)


def test_intervals_of_binary_rewards_are_those_of_counts():
    tracker = RewardTracker.from_rewards([[0] * 10, [5] * 10, [0] * 5 + [5] * 5], support=(0, 5), binary=True)
    low, high = tracker.interval()
    assert high.tolist() == pytest.approx([5 * 0.46187, 5 * 0.46187, 2.5], abs=1e-3)
    assert low.tolist() == pytest.approx([0, 0, 5 * 0.38998], abs=1e-3)


def test_no_range_no_interval(rewards):
    low, high = RewardTracker.from_rewards(rewards).interval()
    assert np.isnan(low).all()
    assert np.isnan(high).all()
    assert "surely" not in str(RewardTracker.from_rewards(rewards).summary())


def test_restart_forgets_the_old_policy():
    tracker = RewardTracker(support=(0, 1))
    tracker.update(["a", "b"], [[0, 1], [0, 0]])
    tracker.update(["a"], [[1, 1, 1]], restart=True)
    assert tracker.counts.tolist() == [3, 2]
    assert tracker.mean().tolist() == [1.0, 0.0]


def test_inputs_with_one_sample_are_counted_apart():
    tracker = RewardTracker()
    tracker.update(["a", "a", "b"], [0.0, 1.0, 1.0])
    assert tracker.summary().inputs == 1
    assert tracker.summary().too_few == 1


def test_rounding_at_the_ends_of_the_range_is_forgiven():
    tracker = RewardTracker(support=(0, 0.1), binary=True)
    tracker.update(["a"], np.array([[0.1, 0.0]], dtype=np.float32))
    assert tracker.std()[0] == pytest.approx(0.1 / np.sqrt(2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RewardTracker.from_rewards([[1.0, np.nan]]), "finite, got nan at"),
        (lambda: RewardTracker.from_rewards([[1.0, -np.inf]]), "finite, got -inf at"),
        (lambda: RewardTracker.from_rewards([[1.0], [2.0]]), "at least two"),
        (lambda: RewardTracker.from_rewards([[1.0, 2.0], [1.0]]), "groups of different sizes"),
        (lambda: RewardTracker.from_rewards([1.0, 2.0]), r"\[inputs, samples\]"),
        (lambda: RewardTracker.from_rewards([[0, 1]] * 2, keys=["a", "a"]), "distinct"),
        (lambda: RewardTracker.from_rewards([[0, 2]], support=(0, 1)), "between 0 and 1"),
        (lambda: RewardTracker.from_rewards([[0, 0.5]], support=(0, 1), binary=True), "0 or 1"),
        (lambda: RewardTracker(binary=True), "support"),
        (lambda: RewardTracker(support=(1, 1)), "support"),
        (lambda: RewardTracker(support=1), "support must be two numbers"),
        (lambda: RewardTracker(support=(0, 1, 2)), "support must be two numbers"),
        (lambda: RewardTracker(level=95), "level"),
        (lambda: RewardTracker().update(["a"], [[0, 1], [1, 0]]), "one row a key"),
        (lambda: RewardTracker().summary(), "no input has two samples"),
        (lambda: RewardTracker().zero_group_probability(1), "group_size"),
        (lambda: RewardTracker(support=(0, 1)).mixture(), "needs binary rewards"),
        (lambda: RewardTracker(support=(0, 1), binary=True).mixture(), "successes is empty"),
        (lambda: RewardTracker().merge(RewardTracker(support=(0, 1))), "cannot merge"),
        (lambda: RewardTracker.from_state_dict({"format": 9}), "format"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_bad_keys_and_files(tmp_path):
    with pytest.raises(TypeError, match="string or an integer"):
        RewardTracker().update([("a",)], [0.0])
    with pytest.raises(TypeError, match="for one input pass"):
        RewardTracker().update("ab", [[0.0, 1.0], [1.0, 1.0]])
    with pytest.raises(TypeError, match="other must be a RewardTracker, got str"):
        RewardTracker().merge("a")
    with pytest.raises(TypeError, match="group_size must be an integer"):
        RewardTracker().zero_group_probability(2.5)
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(ValueError, match="not a saved RewardTracker"):
        RewardTracker.load(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match="not a saved RewardTracker"):
        RewardTracker.load(tmp_path / "other.npz")


def test_a_refused_update_changes_nothing():
    tracker = RewardTracker(support=(0, 1))
    tracker.update(["a"], [[0, 1]])
    with pytest.raises(ValueError, match="between"):
        tracker.update(["b", "a"], [[0, 1], [0, 7]])
    assert tracker.keys == ["a"]
    assert tracker.counts.tolist() == [2]


def test_torch_rewards_are_taken():
    import torch

    tracker = RewardTracker.from_rewards(torch.tensor([[0.0, 1.0]], requires_grad=True))
    assert tracker.std()[0] == pytest.approx(np.sqrt(0.5))


def test_import_is_light():
    code = "import sys, wis.lm; sys.exit(any(m in sys.modules for m in ('torch', 'trl', 'transformers', 'pandas')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_summary_without_intervals_is_otherwise_the_same(rewards):
    tracker = RewardTracker.from_rewards(rewards, support=(0, 1))
    fast = tracker.summary(intervals=False)
    assert fast.metrics() == tracker.summary().metrics()
    assert np.isnan(fast.below[0].surely)
