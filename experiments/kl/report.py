"""Tables, figures and pages of the KL study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from wis.experiments.kl.arms import ARMS
from wis.experiments.kl.train import BEFORE, NO_PENALTY
from wis.experiments.pages.page import Section, write_page
from wis.experiments.pages.svg import COLOURS, drawing, legend_above
from wis.experiments.pages.tables import write_csv, write_table

from wis.files import replace_file

REFERENCES = {  # KL to the optimum of a bandit of this kind, arXiv:2512.21852's setting derived independently
    "K1 in reward": "0",
    "K1 in reward, to-go": "0",
    "K2 in loss, sequence": "0",
    "K3 in both, to-go": "0",
    "K3 in loss": ".014 to 1.06",
    "K2 in reward": ".56",
    "K1 in loss": "1.07",
    "absolute Δ in loss": "up to 1.9",
    "K3 in reward": "diverges",
}


def report_bias(out: Path, command: str, *, policies: int, installed: bool) -> dict[str, pd.DataFrame]:
    """Compute and write all tables of bias and variance, and their page.

    Parameters
    ----------
    out
        Folder to write to.
    command
        What the tables are said to be made by.
    policies
        Random policies that the named configurations are run on.
    installed
        Whether the installed TRL's own loss is run too.
    """
    from wis.experiments.kl import bias, variance

    out.mkdir(parents=True, exist_ok=True)
    grid = bias.grid_bias()
    with_name = bias.named_bias(policies)
    tables = {
        "on_policy": with_name["on_policy"],
        "off_policy": with_name["off_policy"],
        "lengths": with_name["lengths"],
        "worked_case": bias.worked_case(),
        "schulman": bias.schulman(),
        "variance": variance.exact_variance(),
        "samples": variance.sampled_error(),
        "dead_groups": variance.dead_groups(),
        "classes": bias.grid_classes(grid),
    }
    if installed:
        from wis.experiments.kl.installed import installed_table

        tables["installed_trl"] = installed_table()
    for name, table in tables.items():
        write_table(table, out / name, command)
    write_csv(grid, out / "grid.csv", digits=4)
    sections = [Section(heading, text, [tables[name]]) for name, heading, text in _BIAS if name in tables]
    write_page(out / "bias.html", "KL estimators: bias and variance of the gradient", command, sections)
    return tables


def report_training(out: Path, rows: list[dict[str, Any]], command: str) -> dict[str, pd.DataFrame]:
    """Write the tables of the training runs, their figure and their page."""
    order = [BEFORE, NO_PENALTY, *(arm.name for arm in ARMS)]
    frame = pd.DataFrame(rows)
    frame = frame.sort_values(["arm", "staleness", "seed"], key=lambda c: c.map(order.index) if c.name == "arm" else c)
    tables = {
        "bandit": bandit_table(frame[frame.study == "bandit"]),
        "sequence": sequence_table(frame[frame.study == "sequence"]),
        "transfer": transfer_table(frame[frame.study == "transfer"]),
    }
    for name, table in tables.items():
        write_table(table, out / name, command)
    picture = out / "sequence.svg"
    _draw(tables["sequence"], picture)
    sections = [
        Section(heading, text, [tables[name]], [picture] if name == "sequence" else [])
        for name, heading, text in _TRAINING
    ]
    write_page(out / "training.html", "Training with KL penalties", command, sections)
    return tables


def bandit_table(frame: pd.DataFrame) -> pd.DataFrame:
    """KL to the optimum of each arm at convergence, over seeds."""
    return pd.DataFrame(
        {
            "arm": arm,
            "KL to the optimum, median": _clean(runs.optimum.median()),
            "smallest": _clean(runs.optimum.min()),
            "largest": _clean(runs.optimum.max()),
            "KL to the reference, median": runs.reference.median(),
            "failed: left the reference for good": f"{int(runs.failed.sum())} of {len(runs)}",
            "reference": REFERENCES.get(str(arm), "–"),
        }
        for arm, runs in frame.groupby("arm", sort=False)
    )


def sequence_table(frame: pd.DataFrame) -> pd.DataFrame:
    """KL to the exact optimum, reward and KL to the reference of each arm and staleness, over seeds."""
    from wis.experiments.kl.sequence import evaluate, make_task

    tasks = {seed: make_task(int(seed)) for seed in frame.seed.unique()}
    start = {seed: evaluate(task, task.case.reference)["optimum"] for seed, task in tasks.items()}
    farther = frame.failed | (frame.optimum > frame.seed.map(start))
    frame = frame.assign(farther=farther)
    return pd.DataFrame(
        {
            "arm": arm,
            "staleness": staleness,
            "KL to the optimum, median": runs.optimum.median(),
            "smallest": runs.optimum.min(),
            "largest": runs.optimum.max(),
            "expected reward, median": runs.reward.median(),
            "KL to the reference, median": runs.reference.median(),
            "failed: ends farther from the optimum than it began": f"{int(runs.farther.sum())} of {len(runs)}",
        }
        for (arm, staleness), runs in frame.groupby(["arm", "staleness"], sort=False)
    )


def transfer_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds in and out of domain, with the standard deviation of the out-of-domain accuracy."""
    measured = [name for name in frame.columns if "domain" in name]
    start = frame[frame.arm == BEFORE].set_index("seed")["in domain: reward"]
    frame = frame.assign(worse=frame.failed | (frame["in domain: reward"] < frame.seed.map(start)))
    return pd.DataFrame(
        {"arm": arm, "staleness": staleness}
        | {name: runs[name].mean() for name in measured}
        | {
            "its std over seeds": runs["out of domain: accuracy"].std(),
            "failed: ends with a lower reward than it began": f"{int(runs.worse.sum())} of {len(runs)}",
        }
        for (arm, staleness), runs in frame.groupby(["arm", "staleness"], sort=False)
    )


def _clean(distance: float) -> float:
    """A distance of rounding is 0."""
    return 0.0 if abs(distance) < 1e-12 else distance


def _draw(table: pd.DataFrame, path: Path) -> None:
    """KL to the optimum, on policy and stale, arm by arm; an arm whose runs all failed has no mark."""
    arms = list(dict.fromkeys(table.arm))
    with drawing("KL to the regularised optimum", size=(7.5, 5.5)) as drawn:
        (axes,) = drawn.axes
        for row, ((staleness, runs), colour) in enumerate(zip(table.groupby("staleness"), COLOURS, strict=False)):
            places = [len(arms) - 1 - arms.index(arm) - 0.25 * row for arm in runs.arm]
            middle, low, high = (runs[name] for name in ("KL to the optimum, median", "smallest", "largest"))
            spread = [middle - low, high - middle]
            axes.errorbar(middle, places, xerr=spread, fmt="o", ms=4, color=colour, label=f"staleness {staleness}")
        axes.set_xscale("log")
        axes.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
        axes.minorticks_off()
        axes.set_yticks(range(len(arms)), reversed(arms))
        axes.set_xlabel("KL to the optimum, median and range")
        legend_above(axes, columns=2)
    with replace_file(path) as temporary:
        temporary.write_text(drawn.svg, encoding="utf-8")


_TICKS = (0.01, 0.03, 0.1, 0.3, 1, 3)
_BIAS = (
    (
        "on_policy",
        "On policy, outputs of one length",
        "Gradient of the penalty against that of the sequence KL, exact, over random tabular policies of 3 tokens, "
        "length 3. The reference is an independent derivation with other policies: zeros, ones and classes are to "
        "agree, digits are not.",
    ),
    ("off_policy", "Off policy", "Outputs drawn by an older policy, the ratio to it."),
    (
        "lengths",
        "Outputs of different lengths",
        "How tokens are aggregated decides whether even K1 in the reward is unbiased. The last line's reference is "
        "after the best scale.",
    ),
    (
        "installed_trl",
        "The installed TRL",
        "TRL's own loss function in exact expectation over the 512 outputs of a tiny GPT-2, against the class that "
        "explain says.",
    ),
    ("worked_case", "A case that can be done by hand", "π = (.4, .3, .2, .1), ref reversed."),
    ("schulman", "Value of the estimators", "Schulman's comparison, by quadrature: q = N(0, 1), p = N(μ, 1)."),
    (
        "variance",
        "Variance of one output's gradient",
        "Length 8, exact, over the square of the true gradient. The reference is for other policies: the order is to "
        "agree.",
    ),
    (
        "samples",
        "Error of the mean of n outputs",
        "Squared error over the square of the true gradient: bias² + variance / n as expected from enumeration, and "
        "measured by sampling.",
    ),
    (
        "dead_groups",
        "K1 in reward over the group's std",
        "8 outputs a group, binary reward, β = 0.001: what −Δ is multiplied with, over β.",
    ),
    (
        "classes",
        "All combinations of the options",
        "How many of the 1,260 combinations of estimator, placement, level, returns, ratio, its gradient and "
        "aggregation fall in each class; each of them is in grid.csv.",
    ),
)
_TRAINING = (
    ("bandit", "Bandit to convergence", "20 arms, β = 0.3, gradient flow of the exact expected loss."),
    (
        "sequence",
        "Tabular policy, sampled gradients",
        "Outputs of up to 8 tokens, β = 0.1, 64 outputs an update. The distance is KL(π ‖ optimum), exact. Staleness "
        "is the age of the policy that draws, in updates.",
    ),
    (
        "transfer",
        "Tiny GPT-2",
        "Pretrained to copy, reverse and sort; finetuned to sort, for the share of right letters in any order, "
        "β = 0.05. Out of domain: copying and reversing. No setting was tuned.",
    ),
)
