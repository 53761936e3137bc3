import numpy as np
import pytest

from wis.lm import binary_std_interval, bounded_std_interval

RANGE = (0.0, 1.0)


def _coverage(draw, truth, samples, *, level, binary, support=RANGE, repeats=4000):
    rng = np.random.default_rng(7)
    x = draw(rng, (repeats, samples))
    if binary:
        low, high = binary_std_interval(x.sum(1), samples, level=level)
    else:
        low, high = bounded_std_interval(x.mean(1), x.var(1, ddof=1), samples, support=support, level=level)
    return float(((low <= truth + 1e-12) & (truth <= high + 1e-12)).mean())


@pytest.mark.parametrize("samples", [2, 8, 10, 64])
@pytest.mark.parametrize("p", [0.001, 0.01, 0.1, 0.5, 0.97])
def test_binary_interval_covers_at_least_at_its_level(p, samples):
    covered = _coverage(lambda rng, s: rng.random(s) < p, np.sqrt(p * (1 - p)), samples, level=0.9, binary=True)
    assert covered >= 0.9 - 3 * np.sqrt(0.09 / 4000)


def test_binary_interval_is_not_needlessly_wide():
    covered = _coverage(lambda rng, s: rng.random(s) < 0.1, 0.3, 1000, level=0.9, binary=True)
    assert 0.88 <= covered <= 0.94


@pytest.mark.parametrize("samples", [2, 10, 101])
@pytest.mark.parametrize("p", [0.01, 0.3])
def test_bounded_interval_covers_rare_rewards(p, samples):
    covered = _coverage(
        lambda rng, s: (rng.random(s) < p) * 1.0, np.sqrt(p * (1 - p)), samples, level=0.9, binary=False
    )
    assert covered >= 0.9 - 3 * np.sqrt(0.09 / 4000)


@pytest.mark.parametrize("samples", [3, 10, 101])
def test_bounded_interval_covers_skewed_rewards_in_any_range(samples):
    def draw(rng, shape):
        return 4 * rng.beta(0.2, 3.0, shape) - 1

    truth = 4 * np.sqrt(0.2 * 3 / (3.2**2 * 4.2))
    covered = _coverage(draw, truth, samples, level=0.9, binary=False, support=(-1.0, 3.0))
    assert covered >= 0.9 - 3 * np.sqrt(0.09 / 4000)


@pytest.mark.parametrize("std", [0.05, 0.2, 0.45])
@pytest.mark.parametrize("samples", [10, 100, 10_000])
def test_bounded_interval_is_narrower_than_maurer_and_pontil(std, samples):
    low, high = bounded_std_interval(0.5, std**2, samples, support=RANGE, level=0.95)
    reach = np.sqrt(2 * np.log(2 / 0.05) / (samples - 1))
    assert high - low <= min(std + reach, 0.5) - max(std - reach, 0.0) + 1e-12


def test_intervals_shrink_to_the_truth():
    low, high = binary_std_interval(100_000, 1_000_000)
    assert low < 0.3 < high
    assert high - low < 0.002
    low, high = bounded_std_interval(0.1, 0.09, 1_000_000, support=RANGE)
    assert low < 0.3 < high
    assert high - low < 0.01


def test_binary_interval_reference_values():
    # No success in 10: p <= 1 - 0.025^(1/10) = 0.3085, so std <= sqrt(0.3085 * 0.6915).
    low, high = binary_std_interval([0, 10, 5], 10)
    assert low[:2] == pytest.approx([0, 0])
    assert high == pytest.approx([0.46187, 0.46187, 0.5], abs=1e-4)
    # Clopper-Pearson for 5 of 10 is (0.1871, 0.8129).
    assert low[2] == pytest.approx(np.sqrt(0.18709 * 0.81291), abs=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: binary_std_interval(3, 2), "successes must lie"),
        (lambda: binary_std_interval(0, 0), "successes must lie"),
        (lambda: binary_std_interval(0, 5, level=1.0), "level"),
        (lambda: binary_std_interval(0, 5, width=-1), "width"),
        (lambda: bounded_std_interval(0, 0, 1, support=RANGE), "at least two"),
        (lambda: bounded_std_interval(0, 0, 5, support=(1, 0)), "support"),
        (lambda: bounded_std_interval(float("nan"), 0, 5, support=RANGE), "finite"),
        (lambda: bounded_std_interval(0, -1, 5, support=RANGE), "must not be negative"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
