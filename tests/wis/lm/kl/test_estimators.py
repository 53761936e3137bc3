import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wis.lm.kl import KLConfiguration
from wis.lm.kl.estimators import estimate, full_divergence

FORMULAS = {
    "k1": lambda d: d,
    "k2": lambda d: d * d / 2,
    "k3": lambda d: math.exp(-d) - 1 + d,
    "abs": abs,
}
SLOPES = {
    "k1": lambda d: 1.0,
    "k2": lambda d: d,
    "k3": lambda d: 1 - math.exp(-d),
    "abs": lambda d: math.copysign(1, d),
}


def _value_and_slope(difference, **settings):
    point = torch.tensor(difference, dtype=torch.float64, requires_grad=True)
    value = estimate(KLConfiguration(**settings), point)
    return value.item(), torch.autograd.grad(value, point)[0].item()


@pytest.mark.parametrize("name", FORMULAS)
@given(difference=st.floats(-20, 20).filter(lambda d: abs(d) > 1e-6))
def test_values_and_slopes(name, difference):
    value, slope = _value_and_slope(difference, estimator=name)
    assert value == pytest.approx(FORMULAS[name](difference), rel=1e-9, abs=1e-10)
    assert slope == pytest.approx(SLOPES[name](difference), rel=1e-9, abs=1e-10)


def test_k3_is_exact_where_it_is_small():
    # e^−Δ − 1 + Δ, term by term, would lose all digits.
    assert _value_and_slope(1e-9, estimator="k3")[0] >= 0
    assert _value_and_slope(1e-4, estimator="k3")[0] == pytest.approx(5e-9 - 1e-12 / 6, rel=1e-6)


@given(difference=st.floats(-20, 20), name=st.sampled_from(["k1", "k3", "abs"]))
def test_straight_through_has_the_value_of_the_one_and_the_slope_of_the_other(difference, name):
    value, slope = _value_and_slope(difference, estimator=name, straight_through=True)
    assert value == pytest.approx(_value_and_slope(difference, estimator=name)[0], abs=1e-9)
    assert slope == pytest.approx(difference)


def test_clamps_hold_the_value_and_end_the_gradient():
    held = {"estimator": "k3", "difference_clamp": 20.0, "value_clamp": 10.0}
    assert _value_and_slope(-5.0, **held) == (10.0, 0.0)
    assert _value_and_slope(-2.0, **held)[1] == pytest.approx(1 - math.exp(2))
    # π < .073 ref is beyond: e^−Δ − 1 + Δ = 10.
    assert _value_and_slope(math.log(0.0729), **held)[1] == 0
    assert _value_and_slope(math.log(0.0745), **held)[1] != 0


def test_full_divergence_is_the_sum_over_the_vocabulary():
    p, q = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.25, 0.5, 0.25])
    assert full_divergence(p.log(), q.log()).item() == pytest.approx(0.5 * math.log(2))
