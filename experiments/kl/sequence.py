"""A tabular policy over outputs of up to 8 tokens, sampled gradients, and the exact regularised optimum.

Token 0 ends an output, so that lengths differ. Everything that is reported is exact: an enumeration of all outputs.
Staleness s draws outputs with the policy of s updates ago. All seeds go through one batch, each with its own table,
input and reward: no gradient leads from one to another.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from wis.experiments.kl.arms import Arm, arm_loss

from wis.lm.kl.enumeration import END, Case, make_case
from wis.lm.kl.objective import Batch

TOKENS, LENGTH = 3, 8
BETA = 0.1
OUTPUTS, GROUP = 64, 8
LEARNING_RATE = 0.03
FARTHEST = 30.0  # |Δ| of a token beyond which a run has diverged


@dataclass(frozen=True)
class Task:
    """One seed's reference, preferred tokens ``[LENGTH]``, and rewards and the optimum's log-probability of outputs."""

    case: Case
    preferred: Tensor
    rewards: Tensor
    optimum: Tensor


def make_task(seed: int) -> Task:
    """Draw a reference and a reward: the share of the 8 positions whose token, if there is one, is the preferred."""
    case = make_case(seed, num_tokens=TOKENS, length=LENGTH)
    case.reference[:, END] -= 2.5
    generator = torch.Generator().manual_seed(1000 + seed)
    preferred = torch.randint(1, TOKENS, (LENGTH,), generator=generator)
    rewards = _reward(preferred, case.outputs, case.mask)
    tokens = case.token_log_probs(case.reference)
    log_p = (tokens * case.mask).sum(1) + rewards / BETA
    # Rows that differ by padding only are one output: the reference's share of the padding keeps their sum right.
    return Task(case, preferred, rewards, log_p - torch.logsumexp(log_p + (tokens * ~case.mask).sum(1), 0))


def run_sequence(arm: Arm, seeds: int, staleness: int, *, steps: int) -> list[dict[str, Any]]:
    """Train from the reference by Adam, its rate falling to 0, so that what is left at the end is bias.

    Returns
    -------
    list of dict
        One a seed: KL to the ``optimum`` and to the ``reference`` and the expected ``reward``, NaN where it ``failed``.
    """
    tasks = [make_task(seed) for seed in range(seeds)]
    generator = torch.Generator().manual_seed(seeds)
    reference = torch.stack([task.case.reference for task in tasks])
    logits = reference.clone().requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    past = deque([logits.detach().clone()], maxlen=staleness + 1)
    failed = torch.zeros(seeds, dtype=torch.bool)
    for _ in range(steps):
        batch = _draw(tasks, logits, past[0], reference, generator)
        (gradient,) = torch.autograd.grad(seeds * arm_loss(arm, BETA, batch), logits)
        logits.grad = torch.where(failed[:, None, None], 0.0, gradient)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            gap = torch.log_softmax(logits, -1) - torch.log_softmax(reference, -1)
            failed |= gap.abs().amax((1, 2)) > FARTHEST
            logits[failed] = reference[failed]
        past.append(torch.where(failed[:, None, None], reference, logits.detach()))
    return [evaluate(task, table, bool(f)) for task, table, f in zip(tasks, logits.detach(), failed, strict=True)]


def evaluate(task: Task, logits: Tensor, failed: bool = False) -> dict[str, Any]:
    """Exact KL to the optimum and to the reference, and the expected reward; NaN where the run failed."""
    if failed:
        return {"optimum": math.nan, "reference": math.nan, "reward": math.nan, "failed": True}
    case = task.case
    weight = case.probabilities(logits)
    log_p = (case.token_log_probs(logits) * case.mask).sum(1)
    log_q = (case.token_log_probs(case.reference) * case.mask).sum(1)
    return {
        "optimum": float((weight * (log_p - task.optimum)).sum()),
        "reference": float((weight * (log_p - log_q)).sum()),
        "reward": float((weight * task.rewards).sum()),
        "failed": False,
    }


def _reward(preferred: Tensor, outputs: Tensor, mask: Tensor) -> Tensor:
    """Rewards of outputs ``[..., LENGTH]``."""
    return ((outputs == preferred) & mask).double().mean(-1)


def _draw(tasks: list[Task], logits: Tensor, sampler: Tensor, reference: Tensor, generator: torch.Generator) -> Batch:
    """Outputs that the samplers draw, with the log-probabilities of all policies; tables are ``[seeds, R, V]``."""
    seeds = torch.arange(len(tasks)).repeat_interleave(OUTPUTS)
    probabilities = torch.softmax(sampler, -1)
    index = torch.zeros(len(seeds), dtype=torch.int64)
    outputs, rows, start = [], [], 0
    for level in range(LENGTH):
        rows.append(start + index)
        outputs.append(torch.multinomial(probabilities[seeds, rows[-1]], 1, generator=generator)[:, 0])
        start, index = start + TOKENS**level, index * TOKENS + outputs[-1]
    tokens, places = torch.stack(outputs, 1), torch.stack(rows, 1)
    ended = (tokens == END).long()
    mask = ended.cumsum(1) - ended == 0

    def of(tables: Tensor) -> tuple[Tensor, Tensor]:
        every = torch.log_softmax(tables[seeds[:, None], places], -1)
        return every, every.gather(-1, tokens[..., None])[..., 0]

    (every, chosen), (every_reference, chosen_reference), (_, drawn) = of(logits), of(reference), of(sampler)
    preferred = torch.stack([task.preferred for task in tasks])[seeds]
    return Batch(
        log_probs=chosen,
        reference=chosen_reference,
        mask=mask,
        rewards=_reward(preferred, tokens, mask),
        old=drawn,
        rollout=drawn,
        vocabulary=every,
        reference_vocabulary=every_reference,
        group_size=GROUP,
    )
