"""The paper's claims about language models, on a tiny GPT-2 and generated tasks (`wis.experiments.lm.tiny`).

Three questions: do more inputs with a small reward std make RFT fall further behind SFT; do a higher learning rate,
temperature or entropy bonus help; does a short SFT phase on few labels before RFT help. Whatever comes out is written.

The learning rates of RFT and SFT are tuned alike: the same rates for both, on seeds that no verdict rests on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wis.experiments.running.executors import choose_executor, work_through
from wis.experiments.running.rows import Rows

if TYPE_CHECKING:
    import pandas as pd
    from wis.experiments.lm.tiny import Tuning

SHARES = (0.0, 0.25, 0.5, 0.75)
MAIN_SHARE = 0.5
SMALL_STD = 0.1
HEURISTICS = (
    ("learning rate ×10", {"learning_rate": 10.0}),
    ("learning rate ×100", {"learning_rate": 100.0}),
    ("temperature 1.5", {"temperature": 1.5}),
    ("temperature 2", {"temperature": 2.0}),
    ("entropy 0.01", {"entropy": 0.01}),
    ("entropy 0.1", {"entropy": 0.1}),
)
LABELS = (0.01, 0.05, 0.1, 1.0)
SFT_STEPS = (0.2, 0.4, 1.0)
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
TUNING_SEEDS = (1000, 1001)


@dataclass(frozen=True)
class Scale:
    """How large a run is; the defaults are the committed ones."""

    inputs: int = 2000
    evaluated: int = 200
    samples: int = 10
    pretraining: int = 150
    steps: int = 200
    batch: int = 32
    sft_rate: float = 3e-3
    rft_rate: float = 1e-3


@dataclass(frozen=True)
class Run:
    """One finetuning: SFT for a share of its steps on a share of the labels, then RFT, each of them optional."""

    seed: int
    share: float
    name: str
    labels: float = 1.0
    sft: float = 0.0
    rft: bool = True
    changes: tuple[tuple[str, float], ...] = ()
    rate: float | None = None  # learning rate, in place of the scale's

    @property
    def key(self) -> str:
        """A name that is unique in the plan."""
        return f"{self.name} | unseen {self.share:g} | seed {self.seed}"


def plan(seeds: int) -> list[Run]:
    """All runs but those at the tuned rates."""
    return [run for seed in range(seeds) for run in _plan_of(seed)] + [
        _at_rate(name, f"{name} at {rate:g}", seed, MAIN_SHARE, rate)
        for seed in TUNING_SEEDS
        for name in ("RFT", "SFT")
        for rate in RATES
    ]


def tuned_plan(seeds: int, rates: Mapping[str, float]) -> list[Run]:
    """RFT and SFT at the rates of :func:`tuned_rates`."""
    return [
        _at_rate(name, f"{name}, tuned", seed, share, rates[name])
        for seed in range(seeds)
        for share in SHARES
        for name in ("RFT", "SFT")
    ]


def _at_rate(method: str, name: str, seed: int, share: float, rate: float) -> Run:
    return Run(seed, share, name, sft=float(method == "SFT"), rft=method == "RFT", rate=rate)


def tuned_rates(frame: pd.DataFrame) -> dict[str, float]:
    """The rate of RFT and of SFT with the highest mean reward over the tuning seeds; of equal ones the smallest.

    A rate at which a run diverged is out.
    """
    tried = frame[frame["seed"].isin(TUNING_SEEDS)]
    means: dict[str, dict[float, float]] = {"RFT": {}, "SFT": {}}
    for name, part in tried.groupby("name"):
        mean = float(part["reward_after"].astype(float).mean(skipna=False))
        if not math.isnan(mean):
            means[str(name).split()[0]][float(part["rate"].iloc[0])] = mean
    return {method: max(found, key=found.__getitem__) for method, found in means.items()}


def _plan_of(seed: int) -> Iterator[Run]:
    for share in SHARES:
        yield Run(seed, share, "RFT")
        yield Run(seed, share, "SFT", sft=1.0, rft=False)
    for name, changes in HEURISTICS:
        yield Run(seed, MAIN_SHARE, f"RFT, {name}", changes=tuple(changes.items()))
    for labels in LABELS:
        for steps in SFT_STEPS:
            yield Run(seed, MAIN_SHARE, f"SFT {steps:.0%} of steps, {labels:.0%} of labels", labels, steps, False)
            yield Run(seed, MAIN_SHARE, f"SFT {steps:.0%} of steps, {labels:.0%} of labels, then RFT", labels, steps)


def run_small(
    out: Path, scale: Scale | None = None, *, seeds: int = 3, workers: int = 2, progress: bool = True
) -> Rows:
    """Do the runs that `out` does not have yet.

    Parameters
    ----------
    out
        Folder of ``runs.jsonl``.
    scale
        Sizes; a folder made with others is refused.
    seeds
        How many; more of them add runs to what is there.
    workers
        Processes, one thread each.
    progress
        Whether to show how far it is.

    Returns
    -------
    Rows
        One row a run: seconds, whether it diverged, reward before and after, apart for inputs whose reward std was
        small and for the others, and what the tracker said before.
    """
    scale = scale or Scale()
    rows = Rows(out / "runs.jsonl", asdict(scale))
    with choose_executor(workers, ("torch",)) as executor:
        for stage in (lambda: plan(seeds), lambda: tuned_plan(seeds, tuned_rates(rows.frame()))):
            work_through(
                executor, partial(finetune, scale=scale), [run for run in stage() if run.key not in rows],
                lambda run, row: rows.add(run.key, row), what="finetuning tiny models", unit="runs", progress=progress,
            )  # fmt: skip
    return rows


def finetune(run: Run, scale: Scale) -> dict[str, Any]:
    """Do one run and measure it on its train inputs and on unseen ones."""
    import numpy as np
    from wis.experiments.lm import tiny

    start = time.perf_counter()
    model = tiny.pretrained(run.seed, scale.pretraining)
    rng = np.random.default_rng([run.seed, round(100 * run.share)])
    data = tiny.make_prompts(scale.inputs, run.share, rng)
    held_out = tiny.make_prompts(scale.evaluated, run.share, rng)
    shown = data.take(tiny.torch.arange(min(scale.evaluated, len(data))))
    before = tiny.track(model, shown, scale.samples, seed=1)
    # Other samples than those that say which inputs have a small std: no regression to the mean.
    start_reward = tiny.sample_rewards(model, shown, scale.samples, seed=2).mean(1)
    row: dict[str, Any] = asdict(run) | {"changes": dict(run.changes), "diverged": False}
    row |= _describe(before, shown.unseen.numpy())
    try:
        _train(model, data, run, scale)
        after = tiny.sample_rewards(model, shown, scale.samples, seed=3).mean(1)
        row["held_out_after"] = float(tiny.sample_rewards(model, held_out, scale.samples, seed=4).mean())
    except tiny.DivergedError as problem:
        row |= {"diverged": True, "problem": str(problem), "held_out_after": None}
        after = np.full(len(shown), np.nan)
    small = before.std() < SMALL_STD
    for name, reward in (("before", start_reward), ("after", after)):
        row[f"reward_{name}"] = float(reward.mean())
        row[f"small_std_{name}"] = float(reward[small].mean()) if small.any() else None
        row[f"other_{name}"] = float(reward[~small].mean()) if not small.all() else None
    return row | {"seconds": time.perf_counter() - start}


def _train(model: Any, data: Any, run: Run, scale: Scale) -> None:
    from wis.experiments.lm import tiny

    if run.sft:
        steps = round(run.sft * scale.steps)
        labelled = data.take(tiny.torch.arange(max(1, round(run.labels * len(data)))))
        tiny.supervised(model, labelled, tiny.Tuning(steps, scale.batch, run.rate or scale.sft_rate), run.seed)
    if run.rft:
        tiny.reinforce(model, data, _tuning(run, scale), run.seed)


def _tuning(run: Run, scale: Scale) -> Tuning:
    from wis.experiments.lm.tiny import Tuning

    changes: dict[str, Any] = dict(run.changes)
    rate = (run.rate or scale.rft_rate) * changes.pop("learning_rate", 1.0)
    return replace(Tuning(scale.steps, scale.batch, rate), **changes)


def _describe(before: Any, unseen: Any) -> dict[str, float]:
    summary = before.summary(thresholds=[SMALL_STD])
    return {
        "p10_std": summary.p10_std,
        "small_std": summary.below[0].estimate,
        "small_std_surely": summary.below[0].surely,
        "small_std_possibly": summary.below[0].possibly,
        "zero_std": summary.fraction_zero,
        "unseen_with_small_std": float((before.std()[unseen] < SMALL_STD).mean()) if unseen.any() else float("nan"),
    }
