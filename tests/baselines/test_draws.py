"""Races against draws made one by one."""

from __future__ import annotations

import numpy as np
import pytest
from wis.baselines.draws import draw_order, draw_until

RATES = np.array([4.0, 1.0, 2.0, 0.5])


def test_drawn_last_goes_first():
    trials = 4000
    first = np.bincount([draw_order(RATES, np.random.default_rng(seed))[-1] for seed in range(trials)], minlength=4)
    share = RATES / RATES.sum()
    assert (np.abs(first - trials * share) < 4.5 * np.sqrt(trials * share * (1 - share))).all()


@pytest.mark.parametrize("num_keep", range(5))
def test_both_draw_the_same_edges_from_one_state(num_keep):
    order = draw_order(RATES, np.random.default_rng(3))
    kept, weights = draw_until(RATES, num_keep, np.random.default_rng(3))
    assert set(np.flatnonzero(kept)) == set(order[4 - num_keep :].tolist())
    assert np.array_equal(weights > 0, kept)


def test_weights_do_not_depend_on_the_unit_of_the_rates():
    _, weights = draw_until(RATES, 3, np.random.default_rng(5))
    _, scaled = draw_until(RATES * 1024, 3, np.random.default_rng(5))
    assert np.array_equal(weights, scaled)


@pytest.mark.parametrize("num_keep", [1, 2, 4])
def test_weights_are_shares_of_the_draws(num_keep):
    _, weights = draw_until(RATES, num_keep, np.random.default_rng(1))
    assert weights @ (RATES / RATES.sum()) == pytest.approx(1)


def test_no_edges():
    assert draw_order(np.zeros(0), np.random.default_rng(0)).tolist() == []
    kept, weights = draw_until(np.zeros(0), 0, np.random.default_rng(0))
    assert kept.tolist() == weights.tolist() == []
