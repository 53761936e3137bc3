"""PPO with an adaptive KL coefficient, for GPT-2 and T5, in one file.

An output is an episode and a token an action. Each token costs ``β (log π − log π_ref)`` of its sample, and the last
one earns the reward. After each round β moves so that the KL per output nears its target (Ziegler et al. 2019,
arXiv:1909.08593). Generalised advantages, clipped ratios and a value head on the policy's last hidden state, which does
not train the policy. Where published settings leave a choice it is ours; `PPOSettings` says which are published.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from wis.experiments.lm.grue.config import Config, PPOSettings
from wis.experiments.lm.grue.data import Example
from wis.experiments.lm.grue.models import LanguageModel, Outputs
from wis.experiments.lm.grue.rewards import Reward

from wis.files import replace_file
from wis.progress import track

_ROLLOUT_BATCH = 16


@dataclass
class Rollout:
    """Outputs of one batch of prompts and what was known when they were drawn; tensors are ``[n, T]``."""

    prompts: list[str]
    outputs: Outputs
    rewards: list[float]
    log_probs: Tensor
    values: Tensor
    kl: Tensor
    advantages: Tensor
    returns: Tensor


class AdaptiveKL:
    """The coefficient β, raised when the KL per output is above its target and lowered when below.

    The step is at most 2% a round: 0.1 times the relative error, clipped to ±0.2.
    """

    def __init__(self, coefficient: float, target: float) -> None:
        self.coefficient, self.target = coefficient, target

    def update(self, kl: float) -> None:
        """Take one round's KL per output into account."""
        error = min(max(kl / self.target - 1, -0.2), 0.2)
        self.coefficient *= 1 + 0.1 * error


def finetune_ppo(
    model: LanguageModel,
    examples: list[Example],
    config: Config,
    reward: Reward,
    *,
    seed: int,
    checkpoint: Path | None = None,
    checkpoint_every: int = 10,
    progress: bool = True,
) -> list[dict[str, float]]:
    """Reinforcement finetuning (RFT) of `model` by PPO.

    Parameters
    ----------
    model
        Changed in place; as it comes in, it is the reference of the KL term.
    examples, config, reward
        Prompts, settings and reward.
    seed
        Of the prompts, outputs and batches.
    checkpoint
        File to save to and go on from; removed at the end.
    checkpoint_every
        Iterations between two saves.
    progress
        Whether to show how far it is.

    Returns
    -------
    list of dict
        One entry an iteration: reward, KL per output, β, tokens, and ``diverged``. A loss that is not finite ends the
        run and is recorded in the last entry.
    """
    settings = config.ppo
    torch.manual_seed(seed)
    head = nn.Linear(model.width, 1).to(model.device)
    nn.init.zeros_(head.weight)
    reference = LanguageModel(
        copy.deepcopy(model.model).requires_grad_(False), model.tokenizer, model.architecture, model.prompt_tokens
    )
    optimizer = torch.optim.Adam([*model.model.parameters(), *head.parameters()], lr=settings.learning_rate)
    kl = AdaptiveKL(settings.kl_coefficient, settings.kl_target)
    history = _resume(checkpoint, model, head, optimizer, kl)
    with track(settings.iterations, f"PPO on {config.name}", unit="iterations", enabled=progress) as advance:
        advance(len(history))
        for iteration in range(len(history), settings.iterations):
            rng = np.random.default_rng([seed, iteration])  # an iteration depends on no earlier draw: runs resume
            rollouts = _collect(model, reference, head, examples, config, reward, kl.coefficient, rng)
            diverged = _improve(model, head, optimizer, rollouts, settings, rng)
            history.append(_summary(rollouts, kl.coefficient) | {"diverged": float(diverged)})
            kl.update(history[-1]["kl"])
            advance(1)
            if diverged:
                break
            if checkpoint is not None and (iteration + 1) % checkpoint_every == 0:
                _save(checkpoint, model, head, optimizer, kl, history)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return history


def _collect(
    model: LanguageModel,
    reference: LanguageModel,
    head: nn.Linear,
    examples: list[Example],
    config: Config,
    reward: Reward,
    beta: float,
    rng: np.random.Generator,
) -> list[Rollout]:
    """Draw outputs until there are ``rollout_tokens``."""
    rollouts: list[Rollout] = []
    tokens = 0
    while tokens < config.ppo.rollout_tokens:
        chosen = [examples[i] for i in rng.integers(len(examples), size=_ROLLOUT_BATCH)]
        rollouts.append(_roll_out(model, reference, head, chosen, config, reward, beta, int(rng.integers(2**31))))
        tokens += int(rollouts[-1].outputs.mask.sum())
    return rollouts


@torch.no_grad()
def _roll_out(
    model: LanguageModel,
    reference: LanguageModel,
    head: nn.Linear,
    chosen: list[Example],
    config: Config,
    reward: Reward,
    beta: float,
    seed: int,
) -> Rollout:
    prompts = [example.prompt for example in chosen]
    outputs = model.generate(prompts, config.generation, seed)
    rewards = reward(chosen, outputs.texts)
    scores = model.score(prompts, outputs)
    values = head(scores.hidden.float())[..., 0] * outputs.mask
    kl = scores.log_probs - reference.score(prompts, outputs).log_probs
    token_rewards = -beta * kl
    last = outputs.mask.sum(1) - 1
    token_rewards[torch.arange(len(last)), last] += torch.tensor(rewards, device=model.device)
    advantages = gae(token_rewards, values, outputs.mask, config.ppo.discount, config.ppo.gae)
    return Rollout(prompts, outputs, rewards, scores.log_probs, values, kl, advantages, advantages + values)


def gae(rewards: Tensor, values: Tensor, mask: Tensor, discount: float, decay: float) -> Tensor:
    """Generalised advantage estimates ``[n, T]``, 0 outside the mask (Schulman et al. 2015, arXiv:1506.02438)."""
    advantages = torch.zeros_like(rewards)
    running = torch.zeros_like(rewards[:, 0])
    following = torch.zeros_like(running)
    for t in range(rewards.shape[1] - 1, -1, -1):
        step = rewards[:, t] + discount * following - values[:, t]
        running = torch.where(mask[:, t], step + discount * decay * running, 0.0)
        following = torch.where(mask[:, t], values[:, t], 0.0)
        advantages[:, t] = running
    return advantages


def _improve(
    model: LanguageModel,
    head: nn.Linear,
    optimizer: torch.optim.Optimizer,
    rollouts: list[Rollout],
    settings: PPOSettings,
    rng: np.random.Generator,
) -> bool:
    """The updates of one iteration; True if a loss was not finite."""
    valid = torch.cat([rollout.advantages[rollout.outputs.mask] for rollout in rollouts])
    mean, std = valid.mean(), valid.std() + 1e-8
    for _ in range(settings.epochs):
        for group in _groups(len(rollouts), max(1, settings.batch // _ROLLOUT_BATCH), rng):
            tokens = sum(int(rollouts[i].outputs.mask.sum()) for i in group)
            optimizer.zero_grad(set_to_none=True)
            for i in group:  # gradients add up, so that memory holds one batch of outputs
                loss = ppo_loss(model, head, rollouts[i], settings, mean, std) / tokens
                if not math.isfinite(loss.item()):
                    return True
                loss.backward()
            parameters = [p for part in optimizer.param_groups for p in part["params"]]
            nn.utils.clip_grad_norm_(parameters, settings.gradient_clip)
            optimizer.step()
    return False


def ppo_loss(
    model: LanguageModel, head: nn.Linear, rollout: Rollout, settings: PPOSettings, mean: Tensor, std: Tensor
) -> Tensor:
    """Clipped policy loss, value loss and entropy bonus, summed over the tokens that count."""
    mask = rollout.outputs.mask
    scores = model.score(rollout.prompts, rollout.outputs)
    ratio = (scores.log_probs - rollout.log_probs).exp()
    advantage = (rollout.advantages - mean) / std
    clipped = ratio.clamp(1 - settings.clip, 1 + settings.clip)
    policy = -torch.minimum(ratio * advantage, clipped * advantage)
    values = head(scores.hidden.float().detach())[..., 0]
    value = settings.value_weight * (values - rollout.returns) ** 2
    return ((policy + value - settings.entropy * scores.entropy) * mask).sum()


def _groups(count: int, size: int, rng: np.random.Generator) -> Iterator[list[int]]:
    order = rng.permutation(count).tolist()
    for i in range(0, count, size):
        yield order[i : i + size]


def _summary(rollouts: list[Rollout], beta: float) -> dict[str, float]:
    rewards = [reward for rollout in rollouts for reward in rollout.rewards]
    kl = torch.cat([rollout.kl.sum(1) for rollout in rollouts])
    tokens = sum(int(rollout.outputs.mask.sum()) for rollout in rollouts)
    return {"reward": float(np.mean(rewards)), "kl": kl.mean().item(), "beta": beta, "tokens": float(tokens)}


def _save(path: Path, model: Any, head: Any, optimizer: Any, kl: AdaptiveKL, history: list[dict[str, float]]) -> None:
    state = {
        "model": model.model.state_dict(),
        "head": head.state_dict(),
        "optimizer": optimizer.state_dict(),
        "beta": kl.coefficient,
        "history": history,
    }
    with replace_file(path) as temporary:
        torch.save(state, temporary)


def _resume(path: Path | None, model: Any, head: Any, optimizer: Any, kl: AdaptiveKL) -> list[dict[str, float]]:
    if path is None or not path.exists():
        return []
    state = torch.load(path, map_location=model.device, weights_only=True)
    model.model.load_state_dict(state["model"])
    head.load_state_dict(state["head"])
    optimizer.load_state_dict(state["optimizer"])
    kl.coefficient = state["beta"]
    return list(state["history"])
