"""Results that are measured in parts say where and when each part was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import engine, timing


def _facts(date: str) -> dict[str, Any]:
    return {**timing.machine("numpy"), "date": date}


def _point(edges: int, seconds: float) -> dict[str, Any]:
    shares = {
        "nodes": 10,
        "unit": "S",
        "ratio": 5.0,
        "peak_gib": 1.0,
        "bytes_an_edge": 50.0,
        "ns_an_edge_and_bit": 30.0,
    }
    return {"depth": 2, "edges": edges, "seconds": seconds, **shares}


def _merge(path: Path, date: str, *names: str) -> list[dict[str, Any]]:
    rows = [{"name": name, "date": date} for name in names]
    merged = timing.merge(path, "rows", _facts(date), rows, lambda row: row["name"])
    timing.write(path.parent, path.stem, {"rows": merged}, "")
    return merged


def test_rows_of_one_run_have_no_numbers(tmp_path: Path) -> None:
    described, runs = timing.runs_of(_merge(tmp_path / "a.json", "2026-01-02", "a", "b"))
    assert described == timing.describe(_facts("2026-01-02"))
    assert runs == ["", ""]
    assert timing.runs_of([]) == ("", [])


def test_rows_of_several_runs_say_which(tmp_path: Path) -> None:
    _merge(tmp_path / "a.json", "2026-01-02", "c", "b")
    rows = _merge(tmp_path / "a.json", "2026-03-04", "b", "a")
    assert [(row["name"], row["date"]) for row in rows] == [
        ("a", "2026-03-04"),
        ("b", "2026-03-04"),
        ("c", "2026-01-02"),
    ]
    described, runs = timing.runs_of(rows)
    assert described.startswith("Measured in several runs: (1) 2026-03-04, ")
    assert "; (2) 2026-01-02, " in described
    assert runs == ["1", "1", "2"]


def test_the_engines_results_keep_what_was_not_measured_again(tmp_path: Any) -> None:
    engine.report(_facts("2026-01-02"), [], [_point(10, 1.5), _point(20, 2.5)], tmp_path)
    text = (tmp_path / "engine.md").read_text()
    assert text.startswith("2026-01-02")
    assert "| run |" not in text
    engine.report(_facts("2026-03-04"), [], [_point(20, 3.5)], tmp_path)
    rows = [line.split("|") for line in (tmp_path / "engine.md").read_text().splitlines() if line.startswith("| 1-WIS")]
    assert [(row[2].strip(), row[3].strip(), row[-2].strip()) for row in rows] == [
        ("10", "1.5", "1"),
        ("20", "3.5", "2"),
    ]
