"""Reward std from a file of rewards: reading, table and page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from wis.experiments.pages.page import Section, write_page
from wis.experiments.pages.svg import figure

from wis.files import replace_file
from wis.lm import RewardSummary, RewardTracker


def read_rewards(path: Path) -> tuple[list[str], list[list[float]]]:
    """Names of the inputs and their rewards; groups of a ``.jsonl`` file may differ in size.

    Parameters
    ----------
    path
        ``.npy`` or ``.csv`` (no header): a matrix, one row an input; ``.jsonl``: objects with a list ``rewards`` and
        optionally ``id``, such as the sampling pass writes.

    Raises
    ------
    ValueError
        If the file is of another kind, or a line is not as described.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if path.suffix == ".jsonl":
        return _read_lines(path)
    if path.suffix == ".npy":
        matrix = np.load(path, allow_pickle=False)
    elif path.suffix == ".csv":
        matrix = np.loadtxt(path, delimiter=",", ndmin=2)
    else:
        raise ValueError(f"rewards must be a .npy, .csv or .jsonl file, got {path.name}")
    if matrix.ndim != 2:
        raise ValueError(f"{path} must hold a matrix [inputs, samples], got the shape {list(matrix.shape)}")
    return [str(i) for i in range(len(matrix))], matrix.tolist()


def describe(
    keys: Sequence[str],
    groups: Sequence[Sequence[float]],
    *,
    support: tuple[float, float] | None,
    binary: bool,
    thresholds: Sequence[float],
) -> tuple[RewardTracker, RewardSummary]:
    """The tracker of these rewards and its summary."""
    tracker = RewardTracker(support=support, binary=binary)
    names = [key for key, group in zip(keys, groups, strict=True) for _ in group]
    tracker.update(names, [reward for group in groups for reward in group])
    return tracker, tracker.summary(thresholds=thresholds)


def write_inputs(tracker: RewardTracker, path: Path) -> None:
    """Write a CSV: name, samples, mean, std and its interval, one line an input."""
    import pandas as pd

    low, high = tracker.interval()
    table = pd.DataFrame(
        {
            "input": tracker.keys, "samples": tracker.counts, "mean": tracker.mean(), "std": tracker.std(),
            "std_low": low, "std_high": high, "zero": tracker.is_zero(),
        }
    )  # fmt: skip
    with replace_file(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


def write_report(tracker: RewardTracker, summary: RewardSummary, path: Path, command: str) -> None:
    """Write the page: the summary, and the scatter of mean against std beside it."""
    import pandas as pd

    drawing = path.with_suffix(".svg")
    with figure(drawing, columns=2) as (left, right):
        left.scatter(tracker.mean(), tracker.std(), s=5, alpha=0.5, rasterized=len(tracker) > 2000)
        left.set(xlabel="mean reward of the input", ylabel="reward std of the input")
        right.hist(tracker.std()[tracker.counts >= 2], bins=40)
        right.set(xlabel="reward std of the input", ylabel="inputs")
    table = pd.DataFrame(summary.metrics("std").items(), columns=["over inputs", "value"])
    section = Section("Reward std of each input", str(summary).replace("\n", "\n\n"), [table], [drawing])
    write_page(path, "Reward std", command, [section])


def _read_lines(path: Path) -> tuple[list[str], list[list[float]]]:
    keys: list[str] = []
    groups: list[list[float]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: not JSON ({error})") from error
        if isinstance(row, dict) and set(row) == {"settings"}:
            continue  # the first line of a sampling pass
        if not isinstance(row, dict) or not isinstance(row.get("rewards"), list):
            raise ValueError(f"{path}, line {number}: must be an object with a list 'rewards'")
        keys.append(str(row.get("id", row.get("run", number))))
        groups.append(row["rewards"])
    return keys, groups
