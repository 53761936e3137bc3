from __future__ import annotations

import pytest
import torch
from wis.baselines.gnn.dropout import dropout


def draw(x, p, seed=0):
    torch.manual_seed(seed)
    return dropout(x, p, training=True)


@pytest.mark.parametrize("p", [0.25, 0.5, 0.75])
def test_elements_go_with_their_probability_and_the_others_are_scaled(p):
    x = torch.rand(997, 101) + 1
    dropped = draw(x, p) == 0
    # Six standard deviations of a binomial share.
    assert abs(float(dropped.float().mean()) - p) < 6 * (p * (1 - p) / x.numel()) ** 0.5
    torch.testing.assert_close(draw(x, p)[~dropped], x[~dropped] / (1 - p))


@pytest.mark.parametrize("lag", [1, 2, 4, 7, 8, 16, 101])
def test_elements_go_independently_of_those_that_share_their_draw(lag):
    dropped = (draw(torch.ones(400_000), 0.5) == 0).float()
    both = float((dropped[:-lag] * dropped[lag:]).mean())
    # 0.25, with a standard deviation of 0.0007.
    assert abs(both - 0.25) < 0.005


def test_every_byte_of_a_draw_drops_with_the_same_probability():
    # The sign bit included: a draw without it would never drop, or always keep, one element of eight.
    share = (draw(torch.ones(80_000), 0.5) == 0).view(-1, 8).float().mean(dim=0)
    assert float((share - 0.5).abs().max()) < 0.03


def test_gradients_go_where_elements_were_kept():
    x = torch.rand(50, 7, requires_grad=True)
    out = draw(x, 0.5)
    (gradient,) = torch.autograd.grad(out.sum(), x)
    torch.testing.assert_close(gradient, 2.0 * (out != 0))


def test_a_seed_gives_its_mask():
    x = torch.ones(300)
    assert torch.equal(draw(x, 0.5, seed=1), draw(x, 0.5, seed=1))
    assert not torch.equal(draw(x, 0.5, seed=1), draw(x, 0.5, seed=2))


def test_nothing_is_dropped_out_of_training_or_at_zero():
    x = torch.randn(30, 3)
    assert dropout(x, 0.5, training=False) is x
    assert torch.equal(draw(x, 0.0), x)


@pytest.mark.parametrize("p", [-0.5, 1.0, 0.3, 1 / 512])
def test_probabilities_that_bytes_cannot_decide_are_refused(p):
    with pytest.raises(ValueError, match=rf"p must be a multiple of 1/256 in \[0, 1\), got {p}"):
        dropout(torch.ones(3), p, training=True)
