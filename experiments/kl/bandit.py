"""A bandit to convergence, with exact gradients: where a penalty leads if nothing is sampled.

One token, 20 arms. What is aimed at, ref · exp(r/β) normalised, is known.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from wis.experiments.kl.arms import Arm, arm_loss

from wis.lm.kl.objective import Batch

ACTIONS = 20
BETA = 0.3
END_TIME = 1e6
DESCENT_STEPS, DESCENT_RATE = 2000, 0.5
FARTHEST = 20.0  # KL(ref ‖ π) beyond which the policy has left the reference for good


def run_bandit(arm: Arm, seeds: int, *, end_time: float = END_TIME) -> list[dict[str, Any]]:
    """Follow the gradient flow of the expected loss from the reference; all seeds at once, as groups of one batch.

    Returns
    -------
    list of dict
        One a seed: ``optimum`` is KL(π ‖ optimum), ``reference`` KL(π ‖ ref), both NaN where ``failed``: the policy has
        left the reference for good.
    """
    from scipy.integrate import solve_ivp

    reference, rewards = _draw(seeds)

    def descent(_: float, flat: NDArray[np.float64]) -> NDArray[np.float64]:
        logits = torch.from_numpy(flat).view(seeds, ACTIONS).requires_grad_()
        loss = arm_loss(arm, BETA, _batch(torch.log_softmax(logits, 1), reference, rewards))
        return -torch.autograd.grad(loss, logits)[0].flatten().numpy()

    def farthest(_: float, flat: NDArray[np.float64]) -> float:
        policy = torch.log_softmax(torch.from_numpy(flat).view(seeds, ACTIONS), 1)
        return 5 * FARTHEST - float(_divergence(reference, policy).max())

    farthest.terminal = True  # type: ignore[attr-defined]
    blocks = np.kron(np.eye(seeds), np.ones((ACTIONS, ACTIONS)))
    start = reference.flatten().numpy()
    if arm.penalty.estimator == "abs":  # its kink stops an implicit method
        end = start
        for _ in range(DESCENT_STEPS):
            end = end + DESCENT_RATE * descent(0, end)
    else:
        flow = solve_ivp(
            descent, (0, end_time), start, method="BDF", rtol=1e-6, atol=1e-9, jac_sparsity=blocks, events=farthest
        )
        end = flow.y[:, -1].copy()
    policy = torch.log_softmax(torch.from_numpy(end).view(seeds, ACTIONS), 1)
    optimum = torch.log_softmax(reference + rewards / BETA, 1)
    left = _divergence(reference, policy) > FARTHEST
    return [
        {
            "optimum": math.nan if left[seed] else float(_divergence(policy, optimum)[seed]),
            "reference": math.nan if left[seed] else float(_divergence(policy, reference)[seed]),
            "failed": bool(left[seed]),
        }
        for seed in range(seeds)
    ]


def _draw(seeds: int) -> tuple[Tensor, Tensor]:
    """Log-probabilities of the references and the rewards, ``[seeds, ACTIONS]``."""
    drawn = [
        torch.randn(2, ACTIONS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        for seed in range(seeds)
    ]
    reference, rewards = torch.stack(drawn, 1)
    return torch.log_softmax(reference, 1), rewards


def _batch(policy: Tensor, reference: Tensor, rewards: Tensor) -> Batch:
    """Every action of every seed once, with its probability."""
    return Batch(
        log_probs=policy.reshape(-1, 1),
        reference=reference.reshape(-1, 1),
        mask=torch.ones(policy.numel(), 1),
        rewards=rewards.flatten(),
        vocabulary=policy.repeat_interleave(ACTIONS, 0)[:, None],
        reference_vocabulary=reference.repeat_interleave(ACTIONS, 0)[:, None],
        group_size=ACTIONS,
        weights=policy.detach().exp().flatten(),
    )


def _divergence(policy: Tensor, other: Tensor) -> Tensor:
    return (policy.exp() * (policy - other)).sum(1)
