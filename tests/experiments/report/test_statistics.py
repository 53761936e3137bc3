"""Statistics against cases worked by hand, full enumeration, and other packages."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wis.experiments.report.statistics import (
    area,
    holm,
    lossless,
    lossless_interval,
    pairs_needed,
    rank_biserial,
    sign_flip_test,
    smallest_p,
    tie_classes,
)

SHARES = np.array([0.0, 0.25, 0.5, 1.0])


@settings(deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=2, max_size=7))
def test_sign_flips_are_all_tried(differences):
    flips = [np.mean(np.multiply(signs, differences)) for signs in itertools.product((1, -1), repeat=len(differences))]
    expected = np.mean(np.abs(flips) >= abs(np.mean(differences)) - 1e-9)
    assert sign_flip_test(differences) == pytest.approx(expected)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 272), st.integers(0, 272)), min_size=2, max_size=10))
def test_rounding_to_32_bits_decides_nothing(counts):
    """Accuracies of 272 vertices: what ties in counts ties in percentages."""
    wins = [ours - theirs for ours, theirs in counts]
    rounded = 100 * (np.float32(counts) / np.float32(272)).astype(float)
    assert sign_flip_test(rounded[:, 0] - rounded[:, 1]) == sign_flip_test(wins)
    assert rank_biserial(rounded[:, 0] - rounded[:, 1]) == pytest.approx(rank_biserial(wins), nan_ok=True)
    ours = [pair[0] for pair in counts]
    assert np.array_equal(tie_classes(rounded[:, 0]), np.unique(ours, return_inverse=True)[1])


def test_many_sign_flips_are_drawn_the_same_each_time():
    differences = np.random.default_rng(0).normal(0.4, 1, size=40)
    p = sign_flip_test(differences)
    assert p == sign_flip_test(differences)
    # ``scipy.stats.ttest_1samp(differences, 0).pvalue`` is 0.0118: for normal values the tests agree.
    assert 0.005 < p < 0.025


def test_a_pair_without_a_number_is_no_evidence():
    assert np.isnan(sign_flip_test([1, -1, 0.5, -0.2, 0.3, -0.4, 0.1, np.nan]))


def test_one_pair_tells_nothing():
    assert np.isnan(sign_flip_test([1.0]))


def test_smallest_p_is_reached_and_tells_how_many_pairs_are_needed():
    assert sign_flip_test([1.0, 2.0, 3.0, 4.0, 5.0]) == smallest_p(5, 1) == 0.0625
    assert [pairs_needed(comparisons, 0.05) for comparisons in (1, 3, 9)] == [6, 7, 9]


def test_holm_against_statsmodels():
    """``statsmodels.stats.multitest.multipletests([...], method="holm")[1]`` of statsmodels 0.15.0."""
    expected = [0.04, 0.09, 0.09, 0.025, 0.2]
    assert holm([0.01, 0.04, 0.03, 0.005, 0.2]).tolist() == pytest.approx(expected)


def test_what_was_not_tested_is_no_comparison():
    corrected = holm([0.02, np.nan, 0.9])
    assert corrected[[0, 2]].tolist() == pytest.approx([0.04, 0.9])
    assert np.isnan(corrected[1])


def test_rank_biserial_by_hand():
    """Ranks of 1, 2, 2, 4 are 1, 2.5, 2.5, 4; the negative one has rank 1."""
    assert rank_biserial([-1, 2, 2, 4, 0]) == pytest.approx((9 - 1) / 10)
    assert rank_biserial([3, 1]) == 1
    assert np.isnan(rank_biserial([0, 0]))


def test_area_by_hand():
    accuracies = np.array([[80.0, 80.0, 60.0, 40.0], [50.0] * 4])
    assert area(SHARES, accuracies).tolist() == pytest.approx([0.25 * 80 + 0.25 * 70 + 0.5 * 50, 50])


def test_largest_removal_without_loss_by_hand():
    """The full graph has mean 80 and standard error 1: what falls below 79 once is not made good by what follows."""
    full = np.array([79.0, 81.0])
    others = [[79.5, 79.0, 78.9], [78.0, 90.0, 90.0], [79.0, 79.0, 79.0]]
    found = [lossless(SHARES, np.column_stack([full, *([level] * 2 for level in levels)])) for levels in others]
    assert found == [0.5, 0.0, 1.0]
    assert np.isnan(lossless(SHARES, np.array([[80.0, 80.0, 80.0, 80.0]])))


def test_bootstrap_interval_by_hand():
    """Two runs are drawn as (a, a), (a, b) or (b, b), each of the outer two in a quarter of the samples.

    Of a alone nothing can go; of b alone everything.
    """
    runs = np.array([[80.0, 70.0, 60.0, 50.0], [80.0, 80.0, 80.0, 80.0]])
    assert lossless_interval(SHARES, runs) == (0.0, 1.0)
    assert lossless_interval(SHARES, runs[[1, 1]]) == (1.0, 1.0)
    assert np.isnan(lossless_interval(SHARES, runs[:1])).all()
