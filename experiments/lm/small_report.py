"""What the runs of `wis.experiments.lm.small` say about the paper's claims, also where they disagree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from wis.experiments.lm.small import (
    HEURISTICS,
    LABELS,
    MAIN_SHARE,
    RATES,
    SFT_STEPS,
    SHARES,
    SMALL_STD,
    TUNING_SEEDS,
    tuned_rates,
)
from wis.experiments.pages.page import Section, write_page
from wis.experiments.pages.svg import INK, figure, legend_above
from wis.experiments.pages.tables import write_table
from wis.experiments.running.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

_QUARTER = 0.25


def report_small(out: Path, rows: Rows, command: str) -> dict[str, pd.DataFrame]:
    """Write tables, figures and the page; returns the tables."""
    frame = rows.frame()
    tables = {
        "tuning": tuning(frame),
        "separation": separation(_tuned(frame)),
        "movement": movement(_tuned(frame)),
        "separation_untuned": separation(frame),
        "movement_untuned": movement(frame),
        "heuristics": heuristics(frame),
        "few_labels": few_labels(frame),
    }
    tables = {"claims": claims(frame)} | tables
    for name, table in tables.items():
        write_table(table, out / name, command)
    _draw(out / "separation.svg", frame)
    seconds = frame.seconds.sum()
    write_page(out / "report.html", "The paper's claims on a tiny GPT-2", command, [
        Section(
            "Claims",
            "A two-layer GPT-2 pretrained on lower-case prompts; a share of the finetuning prompts is asked, and must "
            "be answered, in upper case. Reward: token F1. All numbers [ours], means over "
            f"{_main(frame).seed.nunique()} seeds ± standard deviation. The runs took {seconds:.0f} s in all, added "
            "over processes.", [tables["claims"]],
        ),
        Section(
            "Learning rates, tuned alike",
            "The reward after RFT and after SFT at the same rates, over seeds that no other table uses. The best of "
            "each is taken for the two tables that follow.", [tables["tuning"]],
        ),
        Section(
            "More inputs with a small reward std, and RFT against SFT",
            f"Small: below {SMALL_STD:g}, from 10 samples an input; 'surely' and 'possibly' count inputs whose 95% "
            "interval lies wholly, or partly, below it. Where they are 0 and 1, ten samples cannot tell which "
            "inputs are small. Tuned rates; below, the rates before tuning, which differ as in the paper.",
            [tables["separation"], tables["separation_untuned"]], [out / "separation.svg"],
        ),
        Section("Inputs with a small std, and the others", "Rewards before and after, from independent samples.",
                [tables["movement"], tables["movement_untuned"]]),
        Section("Learning rate, temperature, entropy", f"With {MAIN_SHARE:.0%} of the prompts in the unseen format.",
                [tables["heuristics"]]),
        Section("A few SFT steps on few labels before RFT", "Labels are a share of the 2,000 inputs.",
                [tables["few_labels"]]),
    ])  # fmt: skip
    return tables


def tuning(frame: pd.DataFrame) -> pd.DataFrame:
    """The reward at every learning rate, over the tuning seeds, and which one was chosen."""
    import pandas as pd

    chosen = tuned_rates(frame)
    records = []
    for rate in RATES:
        found = {name: frame[frame.seed.isin(TUNING_SEEDS) & (frame.name == f"{name} at {rate:g}")] for name in chosen}
        rewards = {f"reward after {name}": _spread(part.reward_after) for name, part in found.items()}
        best_of = " and ".join(name for name, best in chosen.items() if best == rate)
        records.append({"learning rate": rate, **rewards, "chosen for": best_of})
    return pd.DataFrame(records)


def separation(frame: pd.DataFrame) -> pd.DataFrame:
    """RFT and SFT for each share of prompts in the unseen format."""
    import pandas as pd

    records = []
    for share, group in _main(frame).groupby("share"):
        rft, sft = (group[group.name == name].set_index("seed") for name in ("RFT", "SFT"))
        records.append({
            "unseen format": share, "p10 std": _spread(rft.p10_std), f"std < {SMALL_STD:g}": _spread(rft.small_std),
            "surely": _spread(rft.small_std_surely), "possibly": _spread(rft.small_std_possibly),
            "reward before": _spread(rft.reward_before), "after RFT": _spread(rft.reward_after),
            "after SFT": _spread(sft.reward_after), "SFT − RFT": _spread(sft.reward_after - rft.reward_after),
            "held out, RFT": _spread(rft.held_out_after), "held out, SFT": _spread(sft.held_out_after),
        })  # fmt: skip
    return pd.DataFrame(records)


def movement(frame: pd.DataFrame) -> pd.DataFrame:
    """Rewards before and after of inputs with a small std and of the others."""
    import pandas as pd

    records = []
    for (share, name), group in _main(frame).groupby(["share", "name"]):
        for label, column in (("small std", "small_std"), ("other", "other")):
            before, after = group[f"{column}_before"].astype(float), group[f"{column}_after"].astype(float)
            records.append((share, name, label, _spread(before), _spread(after), _spread(after - before)))
    columns = ["unseen format", "finetuning", "inputs with", "reward before", "reward after", "change"]
    return pd.DataFrame(records, columns=columns)


def heuristics(frame: pd.DataFrame) -> pd.DataFrame:
    """RFT with its knobs turned, against plain RFT and SFT."""
    import pandas as pd

    names = ["RFT", *(f"RFT, {name}" for name, _ in HEURISTICS), "SFT"]
    records = []
    for name in names:
        group = frame[(frame.name == name) & (frame.share == MAIN_SHARE)]
        records.append((
            name, _spread(group.reward_after), _spread(group.small_std_after), _spread(group.other_after),
            _closed(frame, name), int(group.diverged.sum()),
        ))  # fmt: skip
    columns = [
        "finetuning",
        "reward after",
        "small-std inputs",
        "other inputs",
        "share of SFT's lead closed",
        "diverged",
    ]
    return pd.DataFrame(records, columns=columns)


def few_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """SFT on few labels for few steps, alone and followed by RFT."""
    import pandas as pd

    full = _mean(frame, f"SFT {1.0:.0%} of steps, {1.0:.0%} of labels, then RFT")
    records = []
    for labels in LABELS:
        for steps in SFT_STEPS:
            name = f"SFT {steps:.0%} of steps, {labels:.0%} of labels"
            alone, both = (frame[frame.name == n].reward_after for n in (name, f"{name}, then RFT"))
            share = f"{both.astype(float).mean() / full:.1%}"
            records.append((f"{labels:.0%}", f"{steps:.0%}", _spread(alone), _spread(both), share))
    columns = ["labels", "SFT steps", "after SFT alone", "after SFT, then RFT", "of full SFT, then RFT"]
    return pd.DataFrame(records, columns=columns)


def claims(frame: pd.DataFrame) -> pd.DataFrame:
    """Each claim, what came out at tuned rates, and whether the two agree."""
    import pandas as pd

    tuned = _tuned(frame)
    records = [_claim_separation(tuned), _claim_movement(tuned), _claim_heuristics(frame), _claim_labels(frame)]
    return pd.DataFrame(records, columns=["claim", "measured [ours]", "agrees if, by means", "verdict"])


def _claim_separation(frame: pd.DataFrame) -> tuple[str, str, str, str]:
    from scipy.stats import spearmanr

    runs = _main(frame).pivot_table(index=["share", "seed"], columns="name", values="reward_after")
    small = _main(frame)[_main(frame).name == "RFT"].set_index(["share", "seed"]).small_std
    lead = runs.SFT - runs.RFT
    rank = float(spearmanr(small.loc[runs.index], lead)[0])
    most = float(lead.xs(max(SHARES), level="share").mean())
    measured = (
        f"SFT − RFT where {max(SHARES):.0%} of the prompts are unseen: {most:+.3f}; Spearman's correlation of the "
        f"small-std share and SFT − RFT: {rank:.2f}"
    )
    claim = "RFT does worse than SFT where small-std inputs are many [paper]"
    return claim, measured, "both above 0", _verdict(most > 0 and rank > 0)


def _claim_movement(frame: pd.DataFrame) -> tuple[str, str, str, str]:
    group = frame[frame.share == MAIN_SHARE]
    gain = {
        (name, part): float((rows[f"{part}_after"] - rows[f"{part}_before"]).astype(float).mean())
        for name, rows in group[group.name.isin(["RFT", "SFT"])].groupby("name")
        for part in ("small_std", "other")
    }
    small = gain["RFT", "small_std"] / gain["SFT", "small_std"]
    measured = (
        f"change of small-std inputs: RFT {gain['RFT', 'small_std']:+.3f}, SFT {gain['SFT', 'small_std']:+.3f}; "
        f"of the others: RFT {gain['RFT', 'other']:+.3f}, SFT {gain['SFT', 'other']:+.3f}"
    )
    rule = "RFT's change is under a quarter of SFT's"
    return "RFT hardly moves the reward of small-std inputs [paper]", measured, rule, _verdict(small < _QUARTER)


def _claim_heuristics(frame: pd.DataFrame) -> tuple[str, str, str, str]:
    closed = {name: _closed(frame, f"RFT, {name}", "SFT, tuned") for name in (*dict(HEURISTICS), "tuned")}
    finite = {name: value for name, value in closed.items() if np.isfinite(value)}
    best = max(finite, key=lambda name: finite[name])
    measured = f"the best, {best}, closes {finite[best]:.0%} of the distance from untuned RFT to tuned SFT"
    claim = "a higher learning rate, temperature or entropy does not help [paper]"
    return claim, measured, "under a quarter is closed", _verdict(finite[best] < _QUARTER)


def _claim_labels(frame: pd.DataFrame) -> tuple[str, str, str, str]:
    few, full = (
        _mean(frame, f"SFT {s:.0%} of steps, {n:.0%} of labels, then RFT") for s, n in ((0.4, 0.01), (1.0, 1.0))
    )
    plain = _mean(frame, "RFT")
    measured = f"{few / full:.0%} of the full reward; RFT alone reaches {plain / full:.0%}"
    claim = "40% of the SFT steps on 1% of the labels before RFT reach 96% of the reward [2nd]"
    return claim, measured, "at least 96%", _verdict(few / full >= 0.96)


def _verdict(agrees: bool) -> str:
    return "agrees" if agrees else "disagrees"


def _main(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame.name.isin(["RFT", "SFT"])]


def _tuned(frame: pd.DataFrame) -> pd.DataFrame:
    """The runs at tuned rates, called RFT and SFT."""
    found = frame[frame.name.isin(["RFT, tuned", "SFT, tuned"])]
    return found.assign(name=found.name.str.removesuffix(", tuned"))


def _mean(frame: pd.DataFrame, name: str) -> float:
    return float(frame[(frame.name == name) & (frame.share == MAIN_SHARE)].reward_after.astype(float).mean())


def _closed(frame: pd.DataFrame, name: str, goal: str = "SFT") -> float:
    """How much of the distance from RFT to ``goal`` a run covers; diverged runs are left out of the mean."""
    rft, sft = _mean(frame, "RFT"), _mean(frame, goal)
    return (_mean(frame, name) - rft) / (sft - rft)


def _spread(values: Any) -> str:
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return "–"
    spread = f" ± {numbers.std(ddof=1):.3f}" if len(numbers) > 1 else ""
    return f"{numbers.mean():.3f}{spread}"


def _draw(path: Path, frame: pd.DataFrame) -> None:
    tuned = _tuned(frame)
    runs = tuned.pivot_table(index=["share", "seed"], columns="name", values="reward_after")
    small = tuned[tuned.name == "RFT"].set_index(["share", "seed"]).small_std.loc[runs.index]
    with figure(path, columns=3) as (left, middle, right):
        left.scatter(small, runs.SFT - runs.RFT, s=14)
        left.set(xlabel=f"share of inputs with std < {SMALL_STD:g}", ylabel="reward, SFT − RFT")
        names = ["RFT", *(f"RFT, {name}" for name, _ in HEURISTICS), "SFT"]
        middle.barh([name.removeprefix("RFT, ") for name in names], [_mean(frame, name) for name in names])
        middle.invert_yaxis()
        middle.set(xlabel="reward after")
        for steps in SFT_STEPS:
            heights = [_mean(frame, f"SFT {steps:.0%} of steps, {n:.0%} of labels, then RFT") for n in LABELS]
            right.plot(LABELS, heights, "o-", ms=3, label=f"{steps:.0%} of the SFT steps, then RFT")
        right.axhline(_mean(frame, "RFT"), color=INK, lw=0.8, ls="--", label="RFT alone")
        right.set(xscale="log", xlabel="share of labels", ylabel="reward after")
        legend_above(right, columns=1)
