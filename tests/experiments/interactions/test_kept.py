from pathlib import Path

import pandas as pd
import pytest
from wis.experiments.datasets.load import load
from wis.experiments.interactions import kept as measured
from wis.experiments.interactions.kept import Plan, answer, kept, report_kept, run_kept

import wis


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "_DRAWS", 30)


PLAN = Plan(dataset="digits", methods=("random", "wis:depth=2"), removed=(0.5, 0.9), seeds=1)


def test_runs_resume_and_count_the_walks_of_the_sparse_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wis.baselines.gnn import protocol

    monkeypatch.setattr(protocol, "PROTOCOLS", {"reduced": protocol.Protocol(epochs=2)})
    rows = run_kept(tmp_path, PLAN, progress=False)
    assert len(rows) == 5
    by_key = {row["run"]: row for row in rows}
    data = load("digits")
    walks = wis.closed_walks(wis.sparsify(data, 0.5, depth=2), 3)
    row = by_key["wis:depth=2 | removed 0.5 | seed 0"]
    assert (row["walks"], row["worst"]) == (int(walks.sum()), int(walks.min()))
    assert by_key["none | removed 0 | seed 0"]["walks"] == int(wis.closed_walks(data, 3).sum())
    monkeypatch.setattr(wis, "sparsify", None)  # nothing is computed again
    tables = report_kept(tmp_path, run_kept(tmp_path, PLAN, progress=False), PLAN, "wis interactions kept")
    assert len(tables["cells"]) == 4
    assert "Spearman" in (tmp_path / "report.html").read_text()


def test_kept_is_relative_to_the_whole_graph() -> None:
    frame = pd.DataFrame([
        {"run": "", "method": m, "removed": r, "seed": s, "accuracy": a, "walks": w, "worst": 4, "isolated": 0.0}
        for m, r, s, a, w in (
            ("none", 0, 0, 0.8, 100), ("none", 0, 1, 0.8, 100), ("x", 0.5, 0, 0.4, 40), ("x", 0.5, 1, 0.6, 60),
        )
    ])  # fmt: skip
    (cell,) = kept(frame).to_dict("records")
    assert cell["accuracy kept"] == pytest.approx(0.625)
    assert cell["walks kept"] == 0.5
    assert cell["worst kept"] == 1.0


def test_the_answer_is_a_rank_correlation_over_all_and_within_shares() -> None:
    # Within a share the better method keeps fewer walks; over all cells both fall.
    cells = pd.DataFrame([
        {"method": m, "removed": r, "walks kept": w, "worst kept": 1.0, "isolated": r, "accuracy kept": a}
        for m, r, w, a in (("x", 0.1, 0.9, 0.91), ("y", 0.1, 0.8, 0.95), ("x", 0.5, 0.5, 0.5), ("y", 0.5, 0.4, 0.6))
    ])  # fmt: skip
    table = answer(cells).set_index(["kept", "over"]).Spearman
    assert table["walk index, sum", "within a share"] == pytest.approx(-1.0)
    assert table["walk index, sum", "all cells"] == pytest.approx(0.6)
    assert pd.isna(table["walk index, worst vertex", "all cells"])
    assert pd.isna(table["edges", "within a share"])
