"""Estimators of KL(π ‖ reference) from log-ratios of sampled tokens or outputs.

Source: Schulman, "Approximating KL divergence" (2020); gradients in Shah et al. (arXiv:2512.21852) and Tang and Munos
(arXiv:2506.09477).
"""

from __future__ import annotations

import torch
from torch import Tensor

from wis.lm.kl.configuration import KLConfiguration


def estimate(configuration: KLConfiguration, difference: Tensor) -> Tensor:
    """The estimator's value for each Δ, clamped as configured, differentiable.

    Parameters
    ----------
    configuration
        Names any estimator but ``full``.
    difference
        Δ = log π − log π_ref, of tokens or of outputs, any shape.
    """
    value = _formula(configuration.estimator, _held(difference, configuration.difference_clamp))
    value = _held(value, configuration.value_clamp)
    if not configuration.straight_through:
        return value
    slope = difference**2 / 2
    return slope - slope.detach() + value.detach()


def full_divergence(log_probs: Tensor, reference: Tensor) -> Tensor:
    """KL of each token's whole distribution: ``[…, V]`` to ``[…]``; a token that π never draws adds nothing."""
    probs = log_probs.exp()
    gap = torch.where(probs > 0, log_probs - reference, 0.0)
    return (probs * gap).sum(-1)


def _formula(name: str, difference: Tensor) -> Tensor:
    if name == "k1":
        return difference
    if name == "k2":
        return difference**2 / 2
    if name == "k3":
        return torch.expm1(-difference) + difference  # exact where Δ is small: no 1 + x − 1
    return difference.abs()


def _held(value: Tensor, bound: float | None) -> Tensor:
    return value if bound is None else value.clamp(-bound, bound)
