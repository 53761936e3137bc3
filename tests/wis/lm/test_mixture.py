import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from wis.lm import fit_mixture


def test_two_kinds_of_inputs_are_found():
    counts = np.random.default_rng(0).binomial(16, np.repeat([0.1, 0.8], [3000, 1000]))
    found = fit_mixture(counts, np.full(4000, 16))
    assert found.weights[found.grid < 0.4].sum() == pytest.approx(0.75, abs=0.02)
    assert found.weights @ found.grid == pytest.approx(counts.mean() / 16, abs=0.003)


def test_the_share_below_a_std_is_that_of_the_inputs():
    counts = np.random.default_rng(1).binomial(32, np.repeat([0.0, 0.3], 2000))
    found = fit_mixture(counts, np.full(4000, 32))
    assert found.share_below(0.3) == pytest.approx(0.5, abs=0.02)
    assert found.share_below(0.3, width=0.5) == pytest.approx(1, abs=0.02)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 8)), min_size=1, max_size=40))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_it_is_a_distribution_that_no_other_beats_by_much(pairs):
    successes, samples = np.array([(min(k, n), n) for k, n in pairs]).T
    found = fit_mixture(successes, samples)
    assert found.weights.sum() == pytest.approx(1)
    assert (found.weights >= 0).all()
    likelihood = binom.pmf(successes[:, None], samples[:, None], found.grid)
    # Towards any single p the log-likelihood rises by at most this much an input.
    assert ((likelihood / (likelihood @ found.weights)[:, None]).mean(0) <= 1 + 2e-3).all()


def test_larger_groups_have_spread_more_often():
    counts = np.random.default_rng(2).binomial(8, 0.2, size=500)
    found = fit_mixture(counts, np.full(500, 8))
    sizes = [found.zero_group_probability(counts, np.full(500, 8), size).mean() for size in (2, 4, 8, 16, 64)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[1] == pytest.approx(0.2**4 + 0.8**4, abs=0.03)


@pytest.mark.parametrize(
    ("successes", "samples", "message"),
    [([], [], "empty"), ([3], [2], "between 0 and samples"), ([0.5], [2], "whole numbers"), ([0], [0], "at least 1")],
)
def test_bad_counts(successes, samples, message):
    with pytest.raises(ValueError, match=message):
        fit_mixture(successes, samples)
