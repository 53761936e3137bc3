"""Rewards from files: matrices, and what running TRL and verl jobs write.

TRL's ``log_completions=True`` writes a Parquet table a log line, with a column for each reward function and no weights.
verl's ``trainer.rollout_data_dir`` gets a file of JSON lines a step, with the reward in ``score``.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_KINDS = (".npy", ".csv", ".jsonl", ".parquet")
_NAMES = ("id", "run", "prompt", "input")  # columns that name an input, the first that is there
_NOT_REWARDS = ("step", "advantage")


@dataclass(frozen=True)
class Sample:
    """One reward.

    Attributes
    ----------
    key
        Name of the input.
    reward
        Finite.
    step
        Of training; 0 where the file does not say.
    """

    key: str
    reward: float
    step: int = 0


@dataclass(frozen=True)
class Columns:
    """Which columns to read.

    Attributes
    ----------
    key
        What names an input, or None: the first of ``id``, ``run``, ``prompt`` and ``input`` that is there.
    rewards
        Weight of each column that is part of the reward; empty: ``score``, or the only column of numbers.
    """

    key: str | None = None
    rewards: Mapping[str, float] | None = None


def read_rewards(path: Path, columns: Columns | None = None) -> list[Sample]:
    """Read a file, or all files of a folder in the order of the numbers in their names.

    Parameters
    ----------
    path
        ``.npy`` or ``.csv`` (no header): one row an input. ``.jsonl``: objects with a list ``rewards``, such as the
        sampling pass writes, or one completion a line, such as verl writes. ``.parquet``: TRL's completions.
    columns
        Of the last two kinds.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If a file is of another kind, or a line is not as described; the message has the file and the line.
    """
    columns = columns or Columns()
    if path.is_dir():
        files = sorted((file for file in path.iterdir() if file.suffix in (".jsonl", ".parquet")), key=_numbers_of)
        if not files:
            raise ValueError(f"{path} has no .jsonl or .parquet file")
        return list(_read_all(files, columns))
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if path.suffix not in _KINDS:
        raise ValueError(f"rewards must be a folder or a {', '.join(_KINDS)} file, got {path.name}")
    return list(_read_all([path], columns))


def _read_all(files: Iterable[Path], columns: Columns) -> Iterator[Sample]:
    before: list[Any] = []
    for file in files:
        if file.suffix == ".npy":
            yield from _of_matrix(file)
        elif file.suffix == ".csv":
            yield from _of_csv(file)
        elif file.suffix == ".jsonl":
            yield from _of_lines(file, columns)
        else:
            samples, now = _of_table(file, columns)
            # TRL writes its last completions at each log line, whether or not they are new.
            if now != before:
                yield from samples
            before = now


def _of_matrix(path: Path) -> Iterator[Sample]:
    try:
        matrix = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is no array that NumPy can read: {error}") from error
    if not isinstance(matrix, np.ndarray):
        raise ValueError(f"{path} is an archive of arrays; give a matrix [inputs, samples] in a .npy file")
    if matrix.ndim != 2:
        raise ValueError(f"{path} must hold a matrix [inputs, samples], got the shape {list(matrix.shape)}")
    for row, rewards in enumerate(matrix.tolist()):
        for column, reward in enumerate(rewards):
            yield Sample(str(row), _finite(reward, f"{path}, row {row}, column {column}"))


def _of_csv(path: Path) -> Iterator[Sample]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        for number, cells in enumerate(csv.reader(file), 1):
            for cell in cells:
                if cell.strip():
                    yield Sample(str(number - 1), _finite(cell, f"{path}, line {number}", "a .csv file has no header"))


def _of_lines(path: Path, columns: Columns) -> Iterator[Sample]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            where = f"{path}, line {number}"
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ValueError(f"{where}: not JSON ({error})") from error
            if not isinstance(row, dict):
                raise ValueError(f"{where}: must be an object, got {line.strip()[:40]}")
            if set(row) == {"settings"}:
                continue  # the first line of a sampling pass
            yield from _of_line(row, where, number, columns)


def _of_line(row: dict[str, Any], where: str, number: int, columns: Columns) -> Iterator[Sample]:
    group = isinstance(row.get("rewards"), list) and not columns.rewards
    name = columns.key or next((name for name in _NAMES if name in row), None)
    if name is None and not group:
        raise ValueError(f"{where}: no column names the input; say which with --key: {', '.join(row)}")
    key = str(number) if name is None else _name(_cell(row, name, where, "--key"))
    step = _step(row.get("step", 0), where)
    if group:
        for place, reward in enumerate(row["rewards"], 1):
            yield Sample(key, _finite(reward, f"{where}, reward {place}"), step)
        return
    if not columns.rewards and "score" not in row:
        raise ValueError(
            f"{where}: must have a list 'rewards' or a number 'score', or say with --reward which column has the reward"
        )
    weights = columns.rewards or {"score": 1.0}
    parts = [weight * _finite(_cell(row, part, where, "--reward"), where) for part, weight in weights.items()]
    yield Sample(key, sum(parts), step)


def _of_table(path: Path, columns: Columns) -> tuple[list[Sample], list[Any]]:
    """Its samples, and what is the same in a table of the same completions."""
    import pandas as pd

    try:
        table = pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} is not a Parquet table: {error}") from error
    name = columns.key or next((name for name in _NAMES if name in table), None)
    if name not in table:
        raise ValueError(f"{path} has no column {name or 'that names the input'}; say which with --key: {list(table)}")
    keys = [_name(value) for value in table[name]]
    totals = _totals(table, columns.rewards or {_only_reward(table, name, path): 1.0}, path)
    steps = table["step"].tolist() if "step" in table else [0] * len(table)
    samples = [
        Sample(key, total, int(step))
        for key, total, step in zip(keys, totals, steps, strict=True)
        if not math.isnan(total)  # no function applied: TRL leaves it out too
    ]
    texts = table["completion"].map(_name).tolist() if "completion" in table else steps
    return samples, [keys, texts, np.nan_to_num(totals, nan=np.inf).tolist()]


def _only_reward(table: pd.DataFrame, key: str | None, path: Path) -> str:
    found = [
        str(column)
        for column in table.select_dtypes("number")
        if column not in (*_NOT_REWARDS, key) and table[column].dtype != bool
    ]
    if len(found) != 1:
        raise ValueError(
            f"{path} has {len(found)} columns of numbers ({', '.join(found)}); say which is the reward, or a weighted "
            "sum, as --reward accuracy,format=0.5"
        )
    return found[0]


def _totals(table: pd.DataFrame, weights: Mapping[str, float], path: Path) -> np.ndarray:
    """The weighted sum of what is there, as TRL makes it."""
    missing = [column for column in weights if column not in table]
    if missing:
        raise ValueError(f"{path} has no column {missing[0]!r} (--reward); there are {list(table)}")
    parts = np.stack([weight * table[column].to_numpy(dtype=float) for column, weight in weights.items()])
    return np.where(np.isnan(parts).all(0), np.nan, np.nansum(parts, axis=0))


def _cell(row: Mapping[str, Any], name: str, where: str, option: str) -> Any:
    if name not in row:
        raise ValueError(f"{where}: has no {name!r} ({option}); there are {', '.join(row)}")
    return row[name]


def _finite(value: Any, where: str, advice: str = "") -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        given = "null" if value is None else repr(value)
        raise ValueError(
            f"{where}: a reward must be a number, got {given}" + (f" ({advice})" if advice else "")
        ) from None
    if not math.isfinite(number):
        raise ValueError(f"{where}: a reward must be finite, got {number}")
    return number


def _step(value: Any, where: str) -> int:
    """A step, which may be null where a file does not say."""
    try:
        number = float(0 if value is None else value)
    except (TypeError, ValueError):
        number = math.nan
    if not number.is_integer():  # NaN is none
        raise ValueError(f"{where}: step must be an integer, got {value!r}")
    return int(number)


def _name(value: Any) -> str:
    """A prompt as a name: text as it is, messages as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _numbers_of(path: Path) -> tuple[Sequence[int], str]:
    return [int(digits) for digits in re.findall(r"\d+", path.stem)], path.name


def parse_weights(text: str | None) -> Mapping[str, float] | None:
    """``accuracy,format=0.5`` as weights of columns."""
    if text is None:
        return None
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = (piece.strip() for piece in part.partition("="))
        if name in weights:
            raise ValueError(f"--reward must name each column once, got {name!r} twice in {text!r}")
        try:
            weights[name] = float(weight or 1)
        except ValueError:
            raise ValueError(f"--reward needs columns as 'accuracy,format=0.5', got {text!r}") from None
        if not math.isfinite(weights[name]):
            raise ValueError(f"--reward needs weights that are finite numbers, got {text!r}")
    if "" in weights:
        raise ValueError(f"--reward needs columns as 'accuracy,format=0.5', got {text!r}")
    return weights
