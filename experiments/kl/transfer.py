"""A tiny GPT-2 finetuned with a KL penalty on one task, and evaluated on it and on those it should not forget.

The model is pretrained to copy, reverse and sort. Finetuning asks it to sort, for a reward that any order of the right
letters earns in full: the reward can be had without sorting. In domain, sorting is evaluated; out of domain, copying
and reversing. Staleness s draws outputs with the model of s updates ago.
"""

from __future__ import annotations

import copy
from collections import deque
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from wis.experiments.kl.arms import ARMS, Arm, arm_loss
from wis.experiments.lm.tiny import LETTERS, TASKS, Prompts, answer_logits, make_prompts, pretrained, sample, token_f1

from wis.lm.kl.objective import Batch, KLDivergedError

BETA = 0.05
PROMPTS, GROUP = 16, 4
LEARNING_RATE = 1e-3
EVALUATED = 512
FIRST_TASK = 2 * LETTERS  # token of the first task, behind the letters of both cases


def run_transfer(arm: Arm | None, seed: int, staleness: int, *, steps: int, pretraining: int) -> dict[str, Any]:
    """Pretrain, finetune and evaluate; without an arm there is no penalty."""
    model = pretrained(seed, pretraining)
    reference = copy.deepcopy(model).eval()
    sampler = copy.deepcopy(model)
    sort = _of_task(make_prompts(8 * EVALUATED, 0.0, np.random.default_rng(seed)), "sort")
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    past = deque([_weights(model)], maxlen=staleness + 1)
    for step in range(steps):
        sampler.load_state_dict(past[0])
        data = sort.take(torch.randint(len(sort), (PROMPTS,), generator=generator).repeat_interleave(GROUP))
        batch = _batch(model, reference, sampler, data, generator)
        try:
            loss = arm_loss(arm or ARMS[0], BETA if arm else 0.0, batch)
        except KLDivergedError:
            return {"failed": True, "failed_at": step}
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        past.append(_weights(model))
    return evaluate(model, reference, seed) | {"failed": False, "failed_at": None}


@torch.no_grad()
def evaluate(model: nn.Module, reference: nn.Module, seed: int) -> dict[str, float]:
    """Reward and exact-match accuracy of sorting, accuracy of the other tasks, and KL to the reference on both."""
    data = make_prompts(3 * EVALUATED, 0.0, np.random.default_rng(10_000 + seed))
    generator = torch.Generator().manual_seed(seed)
    inside = _of_task(data, "sort")
    found = {f"in domain: {name}": value for name, value in _measure(model, reference, inside, generator).items()}
    outside = [_measure(model, reference, _of_task(data, task), generator) for task in TASKS if task != "sort"]
    for name in ("accuracy", "KL"):
        found[f"out of domain: {name}"] = sum(part[name] for part in outside) / len(outside)
    return found


def _measure(model: nn.Module, reference: nn.Module, data: Prompts, generator: torch.Generator) -> dict[str, float]:
    outputs = sample(model, data.prompts, generator)
    log_p = torch.log_softmax(answer_logits(model, data.prompts, outputs), -1)
    log_q = torch.log_softmax(answer_logits(reference, data.prompts, outputs), -1)
    return {
        "reward": float(token_f1(outputs, data.answers).mean()),
        "accuracy": float((outputs == data.answers).all(1).float().mean()),
        # The whole distribution at each sampled prefix: unbiased, and far less noisy than K1.
        "KL": float((log_p.exp() * (log_p - log_q)).sum((1, 2)).mean()),
    }


def _of_task(data: Prompts, task: str) -> Prompts:
    return data.take(torch.nonzero(data.prompts[:, 0] == FIRST_TASK + TASKS.index(task))[:, 0])


def _batch(
    model: nn.Module, reference: nn.Module, sampler: nn.Module, data: Prompts, generator: torch.Generator
) -> Batch:
    outputs = sample(sampler, data.prompts, generator)

    def of(network: nn.Module) -> tuple[Tensor, Tensor]:
        every = torch.log_softmax(answer_logits(network, data.prompts, outputs), -1)
        return every, every.gather(-1, outputs[..., None])[..., 0]

    every, chosen = of(model)
    with torch.no_grad():
        (reference_every, reference_chosen), (_, drawn) = of(reference), of(sampler)
    return Batch(
        log_probs=chosen,
        reference=reference_chosen,
        mask=torch.ones(outputs.shape),
        rewards=token_f1(outputs, data.answers),
        old=drawn,
        rollout=drawn,
        vocabulary=every,
        reference_vocabulary=reference_every,
        group_size=GROUP,
    )


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}
