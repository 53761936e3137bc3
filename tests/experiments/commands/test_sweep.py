from __future__ import annotations

import pytest
import yaml
from typer.testing import CliRunner
from wis.experiments.commands.app import app
from wis.experiments.sweep import work
from wis.experiments.sweep.plan import load_plan

SMALL = ["-d", "digits", "-m", "random", "-m", "wis:depth=2", "--removed", "0,0.5"]
SMALL += ["--seeds", "2", "--epochs", "2", "--workers", "1"]


def invoke(*arguments: str):
    return CliRunner().invoke(app, ["sweep", *arguments])


def test_dry_run_prints_the_plan_with_its_changes():
    result = invoke("cora", "--seeds", "0,3", "-m", "random", "--removed", "0:1:0.5", "--epochs", "7", "--dry-run")
    assert result.exit_code == 0
    plan = load_plan("cora", seeds=[0, 3], methods=["random"], removed=[0, 0.5, 1], epochs=7)
    assert yaml.safe_load(result.stdout) == {k: v for k, v in plan.to_dict().items() if v not in (None, "")}
    assert "1 data set × 1 model × 1 method × 3 removed shares × 2 seeds" in result.stdout


def test_a_sweep_from_flags_writes_a_report(tmp_path, small_dataset):
    result = invoke(*SMALL, "-o", str(tmp_path / "run"))
    assert result.exit_code == 0, result.output
    assert "6 distinct runs, in 1 process" in result.stdout
    assert "6 runs finished" in result.stdout
    assert "On digits with GCN, removing half of the edges costs" in result.stdout
    assert (tmp_path / "run" / "report" / "index.html").is_file()
    assert load_plan(tmp_path / "run" / "plan.yaml").methods == ("random", "wis:depth=2")
    again = invoke(*SMALL, "-o", str(tmp_path / "run"), "--no-report")
    assert "6 are finished already, 0 to go" in again.stdout


def test_failed_runs_show_in_the_exit_code(tmp_path, small_dataset, monkeypatch):
    train = work.train

    def fail(graph, run):
        if run.seed == 1:
            raise MemoryError("all gone")
        return train(graph, run)

    monkeypatch.setattr(work, "train", fail)
    result = invoke(*SMALL, "-o", str(tmp_path / "run"))
    assert result.exit_code == 1
    assert "3 failed: the report lists them; --retry-failed does failed ones again" in result.stderr
    assert "MemoryError: all gone" in (tmp_path / "run" / "report" / "index.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quik"], "no plan 'quik'"),
        (["-d", "nothing"], "plan quick: datasets: unknown dataset 'nothing'"),
        (["--seeds", "many"], "seeds must be a number of seeds, or a list as '0,3,7', got 'many'"),
        (["--removed", "half"], "removed must be shares from 0 to 1"),
        (["--epochs", "0"], "epochs must be a whole number from 1"),
    ],
)
def test_errors_are_one_line(arguments, message):
    result = invoke(*arguments, "--dry-run")
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_report_command(tmp_path, small_dataset):
    invoke(*SMALL, "-o", str(tmp_path / "run"), "--no-report")
    assert not (tmp_path / "run" / "report").exists()
    result = CliRunner().invoke(app, ["report", str(tmp_path / "run"), "-o", str(tmp_path / "page")])
    assert result.stdout.strip() == f"Report: {tmp_path / 'page' / 'index.html'}"
    missing = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert missing.exit_code == 1
    assert "is not a run folder" in missing.stderr
