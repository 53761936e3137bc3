"""Supervised finetuning (SFT) of a language model on references."""

from __future__ import annotations

import math

import torch
from wis.experiments.lm.grue.config import Config
from wis.experiments.lm.grue.data import Example, choose
from wis.experiments.lm.grue.models import LanguageModel

from wis.progress import track


def finetune_supervised(
    model: LanguageModel, examples: list[Example], config: Config, *, seed: int, progress: bool = True
) -> list[float]:
    """Maximise the likelihood of each example's first reference; returns the loss of every step.

    A share of the labels (``config.sft.labels``) and a number of steps at most make the short first phase of the
    paper's remedy. A loss that is no longer finite ends the run: the last entry says so.
    """
    settings = config.sft
    labelled = choose(examples, max(1, round(settings.labels * len(examples))), seed)
    steps = settings.epochs * math.ceil(len(labelled) / settings.batch)
    if settings.max_steps is not None:
        steps = min(steps, settings.max_steps)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(
        model.model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    losses: list[float] = []
    order: list[int] = []
    with track(steps, f"SFT on {config.name}", unit="steps", enabled=progress) as advance:
        for _ in range(steps):
            if not order:
                order = torch.randperm(len(labelled), generator=generator).tolist()
            batch, order = [labelled[i] for i in order[: settings.batch]], order[settings.batch :]
            targets = model.targets([example.references[0] for example in batch], config.generation.max_new_tokens)
            scores = model.score([example.prompt for example in batch], targets)
            loss = -scores.log_probs.sum() / targets.mask.sum()
            losses.append(loss.item())
            if not math.isfinite(losses[-1]):
                break
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            advance(1)
    return losses
