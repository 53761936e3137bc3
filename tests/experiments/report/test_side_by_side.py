"""Several run folders in one report."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3

import pandas as pd
import pytest
from typer.testing import CliRunner
from wis.experiments.commands.app import app
from wis.experiments.report.findings import read_findings
from wis.experiments.report.headline import title
from wis.experiments.report.verdict import verdicts
from wis.experiments.report.write import write_report
from wis.experiments.sweep.store import FILE_NAME

from tests.experiments.report.conftest import PLAN, fill

SMALL = dataclasses.replace(PLAN, methods=("random", "wis:depth=2"), removed=(0.0, 0.5))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Cora and digits in one run, Cora ten points lower in another one of the same name."""
    parent = tmp_path_factory.mktemp("runs")
    first, second = fill(parent / "a", SMALL), fill(parent / "b", dataclasses.replace(SMALL, datasets=("Cora",)))
    with contextlib.closing(sqlite3.connect(second / FILE_NAME, isolation_level=None)) as database:
        database.execute("UPDATE runs SET test_score = test_score - 0.1")
    return first, second


def test_runs_of_one_data_set_stand_side_by_side(folders):
    findings = read_findings(*folders)
    assert [group.dataset for group in findings.groups] == ["digits", "Cora [a]", "Cora [b]"]
    table = findings.side_by_side.set_index(["method", "removed", "run"])["mean"]
    assert set(findings.side_by_side["original"]) == {"Cora"}
    for folder in folders:
        alone = read_findings(folder).accuracy.query("dataset == 'Cora'").set_index(["method", "removed"])["mean"]
        together = table.xs(folder.name, level="run")
        pd.testing.assert_series_equal(together, alone)


def test_runs_of_one_configuration_are_not_lost(folders, tmp_path):
    """Both folders have the same runs of Cora, in the second one on another machine, and some of these failed."""
    first, second = folders[0], fill(tmp_path / "c", dataclasses.replace(SMALL, datasets=("Cora",)))
    with contextlib.closing(sqlite3.connect(second / FILE_NAME, isolation_level=None)) as database:
        database.execute("UPDATE environments SET facts = json_set(facts, '$.processor', 'another')")
        database.execute("UPDATE runs SET train_seconds = 10 * train_seconds")
        database.execute("UPDATE runs SET status = 'failed', message = 'x' WHERE json_extract(config, '$.seed') = 0")
    for order in ((first, second), (second, first)):
        findings = read_findings(*order)
        times = findings.training.query("removed == 0").set_index("dataset")["train_seconds"]
        slow = next(name for name in times.index if times[name] > 15)
        assert len(times) == 3
        assert times.drop(slow).tolist() == [2, 2]
        hardware = findings.leaderboard.groupby("dataset")["hardware"].agg(set)
        assert hardware[slow] == {"another"}
        assert hardware.drop(slow).tolist() == [{"a <fast> one"}] * 2
        page = write_report(findings, tmp_path / "report").read_text()
        count = sum(alone.results.cells["run_key"].nunique() for alone in map(read_findings, order))
        assert f"Of {count:,} runs: 3 failed" in page


def test_a_folder_counts_once(folders):
    with pytest.raises(ValueError, match="is given twice; its runs would count twice"):
        read_findings(folders[0], folders[1], folders[0].parent / "." / folders[0].name)


def test_the_paper_is_beside_both(folders):
    published = read_findings(*folders).published
    assert set(published["dataset"]) == {"Cora [a]", "Cora [b]"}
    assert set(published["published"]) == {80.6, 84.9}


def test_runs_of_different_data_sets_keep_their_names(tmp_path):
    for name in PLAN.datasets:
        fill(tmp_path / name, dataclasses.replace(SMALL, name=name, datasets=(name,)))
    findings = read_findings(*(tmp_path / name for name in PLAN.datasets))
    assert [group.dataset for group in findings.groups] == list(PLAN.datasets)
    assert findings.side_by_side.empty
    text = write_report(findings, tmp_path / "report").read_text()
    assert "Sweeps “digits, Cora”" in text
    assert text.count("<summary>The plan</summary>") == 2


def test_a_report_of_several_runs_needs_a_folder(folders, tmp_path):
    arguments = ["report", *map(str, folders)]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code != 0
    assert "add --out FOLDER" in " ".join(refused.stderr.replace("│", " ").split())
    assert CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "out")]).exit_code == 0
    assert "Runs side by side" in (tmp_path / "out" / "index.html").read_text()


def test_what_was_not_tested_is_not_said_to_tie(tmp_path):
    """The second run lacks the method that all are compared with."""
    fill(tmp_path / "a", dataclasses.replace(SMALL, datasets=("digits",), methods=("random", "wis:depth=2")))
    fill(tmp_path / "b", dataclasses.replace(SMALL, datasets=("Cora",), methods=("wis:depth=2", "spectral")))
    findings = read_findings(tmp_path / "a", tmp_path / "b")
    assert [group.baseline for group in findings.groups] == ["random", None]
    assert "Cora" not in title(findings)
    assert not any("Cora" in text and "beats" in text for text in verdicts(findings))


def test_the_title_counts_every_winner(tmp_path):
    """1-WIS is best on digits and in the first run on Cora, and loses the second."""
    fill(tmp_path / "a", SMALL)
    fill(tmp_path / "b", dataclasses.replace(SMALL, datasets=("Cora",), methods=("random", "wis:depth=2", "spectral")))
    with contextlib.closing(sqlite3.connect(tmp_path / "b" / FILE_NAME, isolation_level=None)) as database:
        database.execute('UPDATE runs SET test_score = 0.99 WHERE config LIKE \'%"method":"spectral"%\'')
    expected = "1-WIS keeps the most accuracy on 2 of 3 pairs of data set and model, Spectral on 1"
    assert title(read_findings(tmp_path / "a", tmp_path / "b")) == expected
