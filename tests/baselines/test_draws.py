"""Races against draws made one by one."""

from __future__ import annotations

import numpy as np
import pytest
from wis.baselines.draws import draw_order, draw_weighted

RATES = np.array([4.0, 1.0, 2.0, 0.5])


def test_drawn_last_goes_first():
    trials = 4000
    first = np.bincount([draw_order(RATES, np.random.default_rng(seed))[-1] for seed in range(trials)], minlength=4)
    share = RATES / RATES.sum()
    assert (np.abs(first - trials * share) < 4.5 * np.sqrt(trials * share * (1 - share))).all()


@pytest.mark.parametrize("num_keep", range(5))
def test_both_draw_the_same_edges_from_one_state(num_keep):
    order = draw_order(RATES, np.random.default_rng(3))
    kept, weights = draw_weighted(RATES, num_keep, np.random.default_rng(3))
    assert set(np.flatnonzero(kept)) == set(order[4 - num_keep :].tolist())
    assert np.array_equal(weights > 0, kept)


def test_weights_do_not_depend_on_the_unit_of_the_rates():
    _, weights = draw_weighted(RATES, 3, np.random.default_rng(5))
    _, scaled = draw_weighted(RATES * 1024, 3, np.random.default_rng(5))
    assert np.array_equal(weights, scaled)


@pytest.mark.parametrize("num_keep", [1, 2, 3])
def test_factors_are_1_on_average(num_keep):
    factors = np.array([draw_weighted(RATES, num_keep, np.random.default_rng(seed))[1] for seed in range(20_000)])
    spread = factors.std(axis=0) / np.sqrt(len(factors))
    assert (np.abs(factors.mean(axis=0) - 1) < 4.5 * spread).all()
    assert (spread < 0.1).all()


def test_what_is_kept_whole_keeps_its_weights():
    assert draw_weighted(RATES, 4, np.random.default_rng(1))[1].tolist() == [1.0] * 4


@pytest.mark.parametrize("num_keep", [1, 30, 59, 60])
def test_rates_of_any_size(num_keep):
    """Forty powers of ten apart, as similarities exp(-d^2) may be."""
    rates = np.logspace(-40, 0, 60)
    kept, factors = draw_weighted(rates, num_keep, np.random.default_rng(2))
    assert np.isfinite(factors).all()
    assert (factors[kept] >= 1).all()
    assert (factors[~kept] == 0).all()


def test_no_edges():
    assert draw_order(np.zeros(0), np.random.default_rng(0)).tolist() == []
    kept, weights = draw_weighted(np.zeros(0), 0, np.random.default_rng(0))
    assert kept.tolist() == weights.tolist() == []


@pytest.mark.parametrize("num_keep", [0, 1, 2, 3, 4])
def test_rates_too_small_for_numbers_are_drawn_last_and_at_random(num_keep):
    rates = np.array([1.0, 1e-320, 0.0, 0.5])
    orders = [draw_order(rates, np.random.default_rng(seed)).tolist() for seed in range(40)]
    assert {tuple(sorted(order[:2])) for order in orders} == {(1, 2)}
    assert len({order[0] for order in orders}) == 2
    kept, factors = draw_weighted(rates, num_keep, np.random.default_rng(1))
    assert kept.sum() == num_keep
    assert np.isfinite(factors).all()
