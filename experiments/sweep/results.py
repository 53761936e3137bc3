"""What a run folder holds, read for a report: whoever wrote it, nothing in it is trusted."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wis.experiments.sweep.database import is_empty
from wis.experiments.sweep.store import FILE_NAME, open_results

# Characters that no name has and that command a terminal, end a line, or may not stand in XML.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
_NAMES = ("dataset", "model", "method", "status")
_NUMBERS = (
    "removed", "split", "seed", "test_score", "val_score", "parameters", "best_epoch", "epochs", "sparsify_seconds",
    "train_seconds", "inference_seconds", "peak_bytes", "pairs", "components", "isolated", "graph_bytes",
    "field_vertices_mean", "field_vertices_p95", "field_edges_mean", "field_edges_p95", "batches",
)  # fmt: skip


@dataclass(frozen=True)
class Results:
    """Everything a report needs.

    Attributes
    ----------
    plan
        The fields of the plan last run in this folder.
    command
        The command that ran it.
    cells
        pandas table, one row a cell of the plan: ``dataset, model, method, removed, split, seed``, and the columns of
        its run (``status`` is ``"missing"`` where it has not finished), with ``batches``, those of a training epoch.
        Cells at shares 0 and 1 share runs. ``hardware`` is the GPU of the run, or the processor where there is none.
    orders
        pandas table, one row a finished order: ``key, method, dataset, status, seconds, peak_bytes``.
    datasets
        Facts by dataset.
    environments
        Facts of every environment that a run of this plan finished in.
    """

    plan: Mapping[str, Any]
    command: str
    cells: Any
    orders: Any
    datasets: Mapping[str, Mapping[str, Any]]
    environments: list[Mapping[str, Any]]


def read_results(folder: Path) -> Results:
    """Read a run folder; a sweep may be running in it.

    Raises
    ------
    ValueError
        If the folder holds no results, or what it holds is damaged.
    OSError, RuntimeError
        If they cannot be read.
    """
    import pandas as pd

    with open_results(folder) as database:
        sweep = None if is_empty(database) else database.execute("SELECT plan, command FROM sweep").fetchone()
        if sweep is None:
            raise ValueError(f"{folder / FILE_NAME} holds no sweep yet")
        cells = pd.DataFrame(*_rows(database, "cells LEFT JOIN runs ON runs.key = cells.run_key ORDER BY position"))
        orders = pd.DataFrame(
            *_rows(database, "orders JOIN cells ON key = order_key", "DISTINCT orders.*, cells.dataset, cells.method")
        )
        datasets = database.execute("SELECT name, facts FROM datasets").fetchall()
        used = database.execute(
            "SELECT id, facts FROM environments WHERE id IN (SELECT environment FROM runs JOIN cells ON key = run_key)"
        ).fetchall()
    try:
        plan = _object(sweep[0])
        if "name" not in plan:
            raise ValueError("its plan has no name")
        cells["status"] = cells["status"].fillna("missing")
        environments = {number: _object(facts) for number, facts in used}
        hardware = {number: _hardware(facts) for number, facts in environments.items()}
        cells["hardware"] = cells["environment"].map(hardware, na_action="ignore")
        cells["batches"] = cells["config"].map(_batches, na_action="ignore")
        return Results(
            plan,
            clean(sweep[1]),
            _checked(cells, _NAMES, _NUMBERS),
            _checked(orders, _NAMES[:1] + _NAMES[2:], ("seconds", "peak_bytes")),
            {clean(name): _object(facts) for name, facts in datasets},
            list(environments.values()),
        )
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{folder / FILE_NAME} is damaged: {error}") from error


def clean(value: Any) -> str:
    """Text of a store on one line, without characters that command a terminal."""
    return _CONTROL.sub(" ", str(value))


def _rows(database: sqlite3.Connection, source: str, what: str = "*") -> tuple[list[Any], None, list[str]]:
    found = database.execute(f"SELECT {what} FROM {source}")
    return found.fetchall(), None, [column[0] for column in found.description]


def _checked(table: Any, names: tuple[str, ...], numbers: tuple[str, ...]) -> Any:
    """The table with numbers where numbers are due, and text that is safe to show."""
    import pandas as pd

    for column in names:
        table[column] = table[column].map(clean)
    table["message"] = table["message"].map(clean, na_action="ignore")
    if "metric" in table:
        table["metric"] = table["metric"].map(clean, na_action="ignore")
    for column in numbers:
        table[column] = pd.to_numeric(table[column])
    if "kept" in table:
        table["kept"] = table["kept"].map(_measures, na_action="ignore")
    if "removed" in table and not table["removed"].between(0, 1).all():
        raise ValueError("a removed share is not from 0 to 1")
    return table


def _hardware(environment: Mapping[str, Any]) -> str:
    return str(environment.get("gpu") or environment.get("processor") or "unknown")


def _batches(config: Any) -> int:
    """Batches of an epoch, of the configuration of a run."""
    protocol = _object(config).get("protocol")
    count = protocol.get("batches", 1) if isinstance(protocol, dict) else None
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError("the batches of a run are no number from 1")
    return count


def _measures(text: Any) -> str:
    measures = _object(text)
    for name, value in measures.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"{name} is no number")
    return json.dumps(measures, separators=(",", ":"))


def _object(text: Any) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"a JSON object was expected, got {clean(text)[:60]!r}")
    return _plain(found)


def _plain(value: Any) -> Any:
    """The value with all its text cleaned."""
    if isinstance(value, dict):
        return {clean(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return clean(value) if isinstance(value, str) else value
