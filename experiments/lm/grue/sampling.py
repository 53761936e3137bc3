"""The sampling pass: several outputs an input, their rewards, and what the tracker makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from wis.experiments.lm.grue.config import Config
from wis.experiments.lm.grue.data import Example
from wis.experiments.lm.grue.models import LanguageModel
from wis.experiments.lm.grue.rewards import SUPPORT, Reward
from wis.experiments.running.rows import Rows

from wis.lm import RewardTracker
from wis.progress import track

_INPUTS_A_BATCH = 8


def sampling_pass(
    model: LanguageModel,
    examples: list[Example],
    config: Config,
    reward: Reward,
    path: Path,
    *,
    model_name: str,
    progress: bool = True,
) -> RewardTracker:
    """Sample ``config.samples`` outputs of each example and keep texts and rewards.

    Parameters
    ----------
    model, examples, config, reward
        What to sample from, for which inputs, how, and what the outputs are worth.
    path
        The ``.jsonl`` file, one line an input; inputs that it has are not sampled again.
    model_name
        Which model this is: a file made with another is refused.
    progress
        Whether to show how far it is.
    """
    settings = {
        "name": config.name,
        "model": model_name,
        "samples": config.samples,
        "generation": asdict(config.generation),
        "reward": config.reward,
        "seed": config.seed,
    }
    rows = Rows(path, settings)
    todo = [(number, example) for number, example in enumerate(examples) if example.id not in rows]
    with track(len(todo), f"sampling {config.name}", unit="inputs", enabled=progress) as advance:
        for i in range(0, len(todo), _INPUTS_A_BATCH):
            part = todo[i : i + _INPUTS_A_BATCH]
            repeated = [example for _, example in part for _ in range(config.samples)]
            # The seed is that of the batch's first input: a resumed pass need not repeat the batches of the first.
            seed = int(np.random.default_rng([config.seed, part[0][0]]).integers(2**31))
            texts = model.generate([example.prompt for example in repeated], config.generation, seed).texts
            scores = np.asarray(reward(repeated, texts)).reshape(len(part), config.samples)
            for k, (_, example) in enumerate(part):
                own = texts[k * config.samples : (k + 1) * config.samples]
                rows.add(example.id, {"prompt": example.prompt, "texts": own, "rewards": scores[k].tolist()})
            advance(len(part))
    return make_tracker(list(rows))


def make_tracker(rows: Sequence[Mapping[str, Any]]) -> RewardTracker:
    """The tracker of a finished sampling pass."""
    rewards = np.array([row["rewards"] for row in rows])
    return RewardTracker.from_rewards(rewards, keys=[row["run"] for row in rows], support=SUPPORT)
