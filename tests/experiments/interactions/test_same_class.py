from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from wis.experiments.interactions.same_class import PROTOCOLS, Protocol, Run, run_same_class, train
from wis.experiments.interactions.same_class_report import (
    differences,
    how,
    report_dose,
    report_same_class,
    trend,
    verdict,
)
from wis.experiments.interactions.task import high, low

TINY = Protocol(train_pairs=300, test_pairs=100, batch=100, steps=4, steps_of={"gat": 2}, seeds=2)


def test_runs_resume_and_more_seeds_may_be_added(tmp_path: Path) -> None:
    first = run_same_class(tmp_path, [low(), high()], TINY, models=["gcn", "gat"], progress=False)
    assert len(first) == 8
    before = (tmp_path / "runs.jsonl").read_text()
    more = run_same_class(tmp_path, [low(), high()], replace(TINY, seeds=3), models=["gcn"], progress=False)
    assert len(more) == 10
    assert (tmp_path / "runs.jsonl").read_text().startswith(before)
    rows = {row["run"]: row for row in more}
    assert rows["gcn | low | seed 2"]["walk_index"] == 548
    assert (rows["gcn | low | seed 0"]["steps"], rows["gat | low | seed 0"]["steps"]) == (4, 2)
    tables = report_same_class(tmp_path, more, TINY, "wis interactions same-class")
    assert tables["differences"].model.tolist() == ["gat", "gat", "gcn", "gcn"]
    assert tables["accuracy"]["walk index"].tolist() == [548, 8258, 548, 8258]
    page = (tmp_path / "report.html").read_text()
    assert "300 training pairs in batches of 100, 4 steps of Adam at most, GAT 2" in page


def test_a_run_is_the_same_for_the_same_seed_and_leaves_the_random_state() -> None:
    run = Run("gcn", low(), 5, TINY, None)
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    first, second = train(run), train(run)
    assert torch.equal(before, torch.random.get_rng_state())
    assert {k: v for k, v in first.items() if k != "seconds"} == {k: v for k, v in second.items() if k != "seconds"}
    assert run.key == "gcn | low | seed 5"


def test_full_batches_stop_when_accuracy_stands() -> None:
    protocol = Protocol(train_pairs=2, test_pairs=10, batch=None, steps=500, steps_of={}, patience=20, seeds=1)
    row = train(Run("gcn", low(), 0, protocol, None))
    assert row["train"] == 1.0
    assert row["steps"] < 500


def test_the_paper_protocol_is_the_published_one() -> None:
    paper = PROTOCOLS["paper"]
    assert (paper.data, paper.train_pairs, paper.test_pairs, paper.batch) == ("fashion", 10_000, 2_000, None)
    assert (paper.steps, paper.patience, paper.seeds) == (10_000, 1_000, 5)
    assert "full batches, 10,000 steps of Adam at most" in how(paper)
    with pytest.raises(ValueError, match="Fashion-MNIST needs --data-root"):
        train(Run("gcn", low(), 0, paper, None))


def _frame(low_test: list[float], high_test: list[float]) -> pd.DataFrame:
    return pd.DataFrame([
        {"model": "gcn", "arrangement": name, "walk_index": index, "seed": seed, "train": value, "test": value}
        for name, index, values in (("low", 548, low_test), ("high", 8258, high_test))
        for seed, value in enumerate(values)
    ])  # fmt: skip


def test_differences_are_paired_by_seed() -> None:
    found = differences(_frame([0.5, 0.6, 0.7], [0.6, 0.7, 0.8]))
    assert found["high − low"].tolist() == pytest.approx([10, 10])
    assert found["from"].tolist() == pytest.approx([10, 10])
    assert found.verdict[0] == "higher where the walk index is higher"
    assert differences(_frame([0.5, 0.9], [0.6, 0.4])).verdict[0] == "no difference shown"
    assert verdict(-3.0, -1.0) == "lower where the walk index is higher"
    assert differences(_frame([0.5, 0.6], [])).empty


def test_trend_is_a_correlation_and_a_slope_a_seed(tmp_path: Path) -> None:
    frame = pd.DataFrame([
        {"model": "gcn", "arrangement": f"a{i}", "walk_index": index, "seed": seed, "train": 0.5,
         "test": 0.5 + index / 1000}
        for seed in range(2)
        for i, index in enumerate((100, 200, 300))
    ])  # fmt: skip
    test = trend(frame).query("accuracy == 'test'")
    assert test["mean"].tolist() == pytest.approx([1.0, 10.0])
    rows = run_same_class(tmp_path, [low(), high()], TINY, models=["gcn"], progress=False)
    tables = report_dose(tmp_path, rows, TINY, "wis interactions dose")
    assert len(tables["runs"]) == 4
    assert (tmp_path / "dose.svg").is_file()
