"""The training runs: bandit, tabular sequences, tiny GPT-2. Finished runs are kept, an interrupted study goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wis.experiments.kl.arms import ARMS, Arm, find
from wis.experiments.running.rows import Rows

from wis.progress import track

STALENESS = (0, 10)
BEFORE, NO_PENALTY = "before finetuning", "no penalty"
TRANSFER = (
    "K1 in reward",
    "K3 in both, to-go",
    "K3 in loss, prefix ratio",
    "K3 in loss, token ratio",
    "K3 in loss",
    "K1 in loss",
    "K3 in reward",
    "K1 in reward, over group std",
    "K3 in loss, token ratio, over group std",
)


@dataclass(frozen=True)
class Scale:
    """How large the study is; the defaults are the committed ones."""

    bandit_seeds: int = 5
    sequence_seeds: int = 4
    sequence_steps: int = 400
    transfer_seeds: int = 3
    transfer_steps: int = 100
    pretraining: int = 600


def run_training(out: Path, scale: Scale | None = None, *, progress: bool = True) -> Rows:
    """Make every run that `out` does not have yet; one row a run and seed."""
    scale = scale or Scale()
    rows = Rows(out / "training.jsonl", asdict(scale))
    todo = [(keys, work) for keys, work in _plan(scale) if any(key not in rows for key in keys)]
    with track(len(todo), "training with KL penalties", unit="runs", enabled=progress) as advance:
        for keys, work in todo:
            start = time.perf_counter()
            found = work()
            seconds = (time.perf_counter() - start) / len(found)
            for key, row in zip(keys, found, strict=True):
                if key not in rows:
                    study, arm, staleness, seed = key.split(" | ")
                    told = {"study": study, "arm": arm, "staleness": int(staleness), "seed": int(seed)}
                    rows.add(key, told | row | {"seconds": seconds})
            advance(1)
    return rows


def _plan(scale: Scale) -> Iterator[tuple[list[str], Callable[[], list[dict[str, Any]]]]]:
    for arm in ARMS:
        yield _keys("bandit", arm.name, 0, range(scale.bandit_seeds)), partial(_bandit, arm, scale)
    for staleness in STALENESS:
        for arm in ARMS:
            keys = _keys("sequence", arm.name, staleness, range(scale.sequence_seeds))
            yield keys, partial(_sequence, arm, staleness, scale)
    for seed in range(scale.transfer_seeds):  # the pretrained model of the last seed is remembered
        yield _keys("transfer", BEFORE, 0, [seed]), partial(_transfer, BEFORE, seed, 0, scale)
        for staleness in STALENESS:
            for name in (NO_PENALTY, *TRANSFER):
                yield _keys("transfer", name, staleness, [seed]), partial(_transfer, name, seed, staleness, scale)


def _keys(study: str, arm: str, staleness: int, seeds: range | list[int]) -> list[str]:
    return [f"{study} | {arm} | {staleness} | {seed}" for seed in seeds]


def _bandit(arm: Arm, scale: Scale) -> list[dict[str, Any]]:
    from wis.experiments.kl.bandit import run_bandit

    return run_bandit(arm, scale.bandit_seeds)


def _sequence(arm: Arm, staleness: int, scale: Scale) -> list[dict[str, Any]]:
    from wis.experiments.kl.sequence import run_sequence

    return run_sequence(arm, scale.sequence_seeds, staleness, steps=scale.sequence_steps)


def _transfer(name: str, seed: int, staleness: int, scale: Scale) -> list[dict[str, Any]]:
    from wis.experiments.kl.transfer import run_transfer

    arm = None if name in (BEFORE, NO_PENALTY) else find(name)
    steps = 0 if name == BEFORE else scale.transfer_steps
    return [run_transfer(arm, seed, staleness, steps=steps, pretraining=scale.pretraining)]
