from __future__ import annotations

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner
from wis.experiments.commands.app import app
from wis.experiments.sweep import sweep as sweep_module
from wis.experiments.sweep import work
from wis.experiments.sweep.plan import load_plan

SMALL = ["-d", "digits", "-m", "random", "-m", "wis:depth=2", "--removed", "0,0.5"]
SMALL += ["--seeds", "2", "--epochs", "2", "--workers", "1"]


def invoke(*arguments: str):
    return CliRunner().invoke(app, ["sweep", *arguments])


def test_dry_run_prints_the_plan_with_its_changes():
    result = invoke(
        "reduced/cora-gcn", "--seeds", "0,3", "-m", "random", "--removed", "0:1:0.5", "--epochs", "7", "--dry-run"
    )
    assert result.exit_code == 0
    plan = load_plan("reduced/cora-gcn", seeds=[0, 3], methods=["random"], removed=[0, 0.5, 1], epochs=7)
    assert yaml.safe_load(result.stdout) == {k: v for k, v in plan.to_dict().items() if v not in (None, "")}
    assert "1 data set × 1 model × 1 method × 3 removed shares × 2 seeds = 6 cells" in result.stdout


def test_the_time_is_said_and_nothing_written(tmp_path, small_dataset):
    result = invoke(*SMALL, "-o", str(tmp_path / "run"), "--estimate")
    assert result.exit_code == 0, result.output
    assert "in 1 process on this machine: 6 runs in" in result.stdout
    assert not (tmp_path / "run").exists()


def test_a_sweep_from_flags_writes_a_report(tmp_path, small_dataset):
    result = invoke(*SMALL, "-o", str(tmp_path / "run"))
    assert result.exit_code == 0, result.output
    assert "6 distinct runs, in 1 process" in result.stderr
    assert "6 runs finished" in result.stdout
    assert "On digits with GCN, removing half of the edges costs" in result.stdout
    assert (tmp_path / "run" / "report" / "index.html").is_file()
    assert load_plan(tmp_path / "run" / "plan.yaml").methods == ("random", "wis:depth=2")
    again = invoke(*SMALL, "-o", str(tmp_path / "run"), "--no-report")
    assert "6 are finished already, 0 to go" in again.stderr


def test_a_sweep_in_batches_says_so_in_its_report(tmp_path, small_dataset):
    command = [*SMALL, "-o", str(tmp_path / "run"), "--batches", "4"]
    result = invoke(*command)
    assert result.exit_code == 0, result.output
    assert load_plan(tmp_path / "run" / "plan.yaml").batches == 4
    report = tmp_path / "run" / "report"
    training = pd.read_csv(report / "training.csv")
    assert set(training["batches"]) == {4}
    assert set(pd.read_csv(report / "runs.csv")["batches"]) == {4}
    assert "| removed | edges left | epochs | batches |" in (report / "training.md").read_text()
    whole = invoke(*SMALL, "-o", str(tmp_path / "run"), "--batches", "1")
    assert whole.exit_code == 1
    assert "holds another plan" in whole.stderr
    for again in (command, command[:-2]):
        assert "6 are finished already, 0 to go" in invoke(*again, "--no-report").stderr
    said = invoke(*SMALL, "--batches", "4", "-o", str(tmp_path / "other"), "--estimate")
    assert "; digits, gcn in 4 batches an epoch" in said.stdout


def test_more_batches_than_vertices_allow_are_refused_before_anything_runs(tmp_path, small_dataset):
    result = invoke(*SMALL, "-o", str(tmp_path / "run"), "--batches", "21")
    assert result.exit_code == 1
    assert "batches must be at most half the number of vertices, 40 of digits" in result.stderr
    assert not (tmp_path / "run").exists()


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
        (["--batches", "0"], "batches must be a whole number from 1 (the whole graph at once), or 'auto', got 0"),
        (["--batches", "-2"], "batches must be a whole number from 1 (the whole graph at once), or 'auto', got -2"),
        (["--batches", "few"], "batches must be a whole number from 1 (the whole graph at once), or 'auto', got 'few'"),
        (["--seeds", "1000000000"], "seeds is the number of seeds, at most 1,000,000, got 1,000,000,000"),
        (["--removed", "0:1:1e-9"], "removed would be 1,000,000,000 shares"),
        (["--removed", "0:1:0.001", "--seeds", "999999"], "seeds = 6,005,993,994 cells, and at most 1,000,000 are all"),
        (["-m", "wis:depth=3,depth=2"], "method 'wis:depth=3,depth=2': option 'depth' is given twice"),
        (["-m", "wis:depth=two"], "methods: method 'wis:depth=two': depth must be an integer, got 'two'"),
        (["-m", "ugs:prune=2"], "prune must be above 0 and at most 1, got 2"),
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


def test_a_page_of_ones_own_is_not_replaced(tmp_path, small_dataset):
    """Refused before any work, in a sweep and in a report."""
    run, page = tmp_path / "run", tmp_path / "run" / "report" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("mine")
    result = invoke(*SMALL, "-o", str(run))
    assert result.exit_code == 1
    assert "files that no report of wis wrote, or that were changed since: index.html" in result.stderr
    assert not (run / "results.sqlite").exists()
    assert invoke(*SMALL, "-o", str(run), "--no-report").exit_code == 0
    report = CliRunner().invoke(app, ["report", str(run)])
    assert (report.exit_code, page.read_text()) == (1, "mine")
    assert CliRunner().invoke(app, ["report", str(run), "--force"]).exit_code == 0
    assert page.read_text().startswith("<!doctype html>")
    (page.parent / "accuracy-mine.svg").write_text("mine")
    assert CliRunner().invoke(app, ["report", str(run)]).exit_code == 1
    assert CliRunner().invoke(app, ["report", str(run), "--force"]).exit_code == 0
    assert (page.parent / "accuracy-mine.svg").read_text() == "mine"


def test_a_report_is_written_where_all_runs_failed(tmp_path, small_dataset, monkeypatch):
    monkeypatch.setattr(work, "train", lambda *_: 1 / 0)
    result = invoke(*SMALL, "-o", str(tmp_path))
    assert result.exit_code == 1
    assert "No run has finished well" in result.stdout
    assert "ZeroDivisionError: division by zero" in (tmp_path / "report" / "index.html").read_text()


def test_a_report_is_written_of_a_sweep_that_broke(tmp_path, small_dataset, monkeypatch):
    train, done = work.train, []

    def break_down(graph, run):
        done.append(run)
        if len(done) > 2:
            raise KeyboardInterrupt
        return train(graph, run)

    def work_through(*arguments, **options):
        try:
            return through(*arguments, **options)
        except KeyboardInterrupt:
            raise RuntimeError("a worker process died") from None

    through = sweep_module.work_through
    monkeypatch.setattr(work, "train", break_down)
    monkeypatch.setattr(sweep_module, "work_through", work_through)
    result = invoke(*SMALL, "-o", str(tmp_path))
    assert result.exit_code == 1
    assert "wis: error: a worker process died" in result.stderr
    assert "Of 6 runs: 4 not finished yet." in (tmp_path / "report" / "index.html").read_text()


def test_sweeps_from_flags_have_a_folder_each(tmp_path, small_dataset, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert invoke(*SMALL, "--no-report").exit_code == 0
    assert invoke(*SMALL, "--seeds", "1", "--no-report").exit_code == 0
    assert invoke(*SMALL, "--no-report").stderr.count("6 are finished already") == 1
    names = [path.name for path in (tmp_path / "runs").iterdir()]
    assert len(names) == 2
    assert all(name.startswith("digits-random-wis-depth-2-") for name in names)


def test_a_finished_sweep_in_a_folder_that_cannot_be_written_still_tells_its_results(
    tmp_path, small_dataset, monkeypatch
):
    assert invoke(*SMALL, "-o", str(tmp_path), "--no-report").exit_code == 0
    monkeypatch.setattr("wis.experiments.sweep.store.connect_to_write", lambda *_: pytest.fail("opened to write"))

    def refuse(out, files):
        raise PermissionError(f"cannot write {out}")

    monkeypatch.setattr("wis.experiments.report.write.write_files", refuse)
    result = invoke(*SMALL, "-o", str(tmp_path))
    assert "On digits with GCN, removing half of the edges costs" in result.stdout
    assert f"wis: error: cannot write {tmp_path / 'report'}" in result.stderr
