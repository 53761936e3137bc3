from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from wis.experiments.commands.app import app
from wis.experiments.interactions import rank as computation

RUNNER = CliRunner()


def test_rank_of_a_file_of_ones_own(tmp_path: Path) -> None:
    np.save(tmp_path / "path.npy", np.array([[0, 1, 2, 3], [1, 2, 3, 4]]))
    arguments = [str(tmp_path / "path.npy"), "--max-samples", "16", "-o", str(tmp_path / "out")]
    result = RUNNER.invoke(app, ["interactions", "rank", *arguments])
    assert result.exit_code == 0, result.output
    assert "report.html" in result.output
    assert (tmp_path / "out" / "cases.csv.gz").is_file()


def test_a_violation_fails_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = computation.cases_of

    def with_a_violation(*arguments: object) -> list[dict[str, object]]:
        cases = whole(*arguments)  # type: ignore[arg-type]
        cases[0]["contradicts"] = "binomial"
        return cases

    monkeypatch.setattr(computation, "cases_of", with_a_violation)
    result = RUNNER.invoke(app, ["interactions", "rank", "--vertices", "2", "-o", str(tmp_path)])
    assert result.exit_code == 1
    assert "1 cases contradict a bound" in result.output
    assert len((tmp_path / "violations.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["same-class", "--model", "mlp"], "--model must be one of 'gcn', 'gin', 'gat', got 'mlp'"),
        (["same-class", "--protocol", "long"], "--protocol must be one of 'digits', 'full-batch', 'paper', got 'long'"),
        (["tu", "MUTAG", "--data-root", "nowhere"], "MUTAG_A.txt"),
        (["rank", "missing.npy"], "there is no file missing.npy"),
    ],
)
def test_bad_input_is_told_in_one_line(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = RUNNER.invoke(app, ["interactions", *arguments])
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output
