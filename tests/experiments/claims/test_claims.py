from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner
from wis.experiments.claims import comparisons, missing, table
from wis.experiments.claims.claim import Claim, Measured, Region, verdict
from wis.experiments.claims.stored import COMMITTED, SETS, Stored
from wis.experiments.commands.app import app

ABOVE = Region("above 0", low=1e-12)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.1, 0.3, "agrees"), (-0.3, -0.1, "disagrees"), (-0.1, 0.3, "not resolved"), (0.0, 0.0, "disagrees")],
)
def test_the_verdict_follows_from_the_interval(low: float, high: float, expected: str) -> None:
    claim = Claim("source", "where", "text", agrees=ABOVE)
    assert verdict(claim, Measured((low + high) / 2, low, high)) == expected


def test_what_was_not_measured_is_not_judged() -> None:
    assert verdict(Claim("source", "where", "text", agrees=ABOVE), None) == "not run here"


def test_committed_verdicts_are_those_of_the_committed_results() -> None:
    """Nothing in the table is typed in: all of it comes out again."""
    committed = pd.read_csv(COMMITTED / "claims" / "claims.csv")
    computed = table.claims_table(Stored()).drop(columns="shown")
    assert list(committed.columns) == list(computed.columns)
    for column in committed:
        if committed[column].dtype.kind == "f":
            np.testing.assert_allclose(committed[column], computed[column].astype(float), rtol=1e-5, err_msg=column)
        else:
            assert list(committed[column].fillna("")) == list(computed[column]), column


def sweep(folder: Path, plan: str, lead: float) -> None:
    """Scores of a made-up sweep in which 2-WIS is ``lead`` points above random removal on every split."""
    rows = [
        {"dataset": "Cora", "model": "gcn", "method": method, "removed": removed, "split": split, "seed": split,
         "status": "ok", "test_score": 0.8 - 0.1 * removed + 0.001 * split + extra * (removed not in (0, 1)) / 100}
        for method, extra in (("random", 0.0), ("wis:depth=3", lead))
        for removed in (0.0, 0.25, 0.5, 1.0)
        for split in range(10)
    ]  # fmt: skip
    (folder / plan / "report").mkdir(parents=True)
    pd.DataFrame(rows).to_csv(folder / plan / "report" / "runs.csv", index=False)
    cost = pd.DataFrame({"method": ["random", "wis:depth=3"], "order_seconds": [0.001, 0.01]})
    cost.to_csv(folder / plan / "report" / "cost.csv", index=False)


@pytest.mark.parametrize(("lead", "expected"), [(2.0, "agrees"), (-2.0, "disagrees")])
def test_a_sweep_of_ones_own_is_judged(tmp_path: Path, lead: float, expected: str) -> None:
    sweep(tmp_path, "reduced/cora-gcn-splits", lead)
    found = comparisons.difference(Stored(tmp_path), "reduced/cora-gcn-splits", "wis:depth=3", "random")
    assert (found.value, found.low, found.high) == pytest.approx((lead, lead, lead))
    assert found.basis == "10 splits"
    rows = table.claims_table(Stored(tmp_path))
    row = rows[(rows["claim"] == "2-WIS keeps more accuracy than random removal") & (rows["about"] == "Cora, GCN")]
    assert list(row["verdict"]) == [expected]
    assert set(rows.drop(row.index)["verdict"]) == {"not run here"}


def test_every_claim_names_results_and_a_region_or_says_why_not() -> None:
    claims = table.all_claims()
    assert len({(claim.source, claim.text, claim.about, claim.quantity) for claim in claims}) == len(claims)
    for claim in claims:
        if claim.measure is None:
            assert claim.why_not
        else:
            assert claim.results in SETS
            assert claim.agrees is not None
            assert claim.quantity
    assert {claim.results for claim in claims if claim.results} == set(SETS)


def test_small_leaves_out_what_takes_long_and_what_needs_data(tmp_path: Path) -> None:
    names = missing.to_run(Stored(tmp_path), "small", has_data=False)
    assert "lm/theory" in names
    assert all(SETS[name].minutes <= missing.SMALL and not SETS[name].data for name in names)
    everything = missing.to_run(Stored(tmp_path), "all", has_data=True)
    assert set(everything) == set(SETS)
    (tmp_path / "lm" / "theory").mkdir(parents=True)
    (tmp_path / "lm" / "theory" / "bounds.csv").write_text("policies\n")
    assert "lm/theory" not in missing.to_run(Stored(tmp_path), "small", has_data=False)


def test_results_that_a_claim_needs_are_named_with_their_command(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"lm/theory has no bounds\.csv; wis lm theory -o .* makes it"):
        Stored(tmp_path).table("lm/theory", "bounds.csv")


def test_a_command_that_fails_is_told_and_the_others_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []

    def run(command: list[str], check: bool) -> object:
        called.append(command)
        return type("Done", (), {"returncode": int("theory" in command)})

    monkeypatch.setattr(missing.subprocess, "run", run)
    failed = missing.run_missing(["lm/theory", "kl/bias"], tmp_path, None, progress=False)
    assert failed == ["lm/theory"]
    assert called[1][3:] == ["lm", "kl", "bias", "--out", str(tmp_path / "kl")]


def test_the_command_writes_table_and_page(tmp_path: Path) -> None:
    sweep(tmp_path / "results", "reduced/cora-gcn-splits", 2.0)
    arguments = ["claims", "--results", str(tmp_path / "results"), "--html", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "1 agrees" in result.output
    text = (tmp_path / "out" / "claims.md").read_text()
    assert "points of 2-WIS above Random: 2" in text
    assert "**agrees**" in text
    page = (tmp_path / "out" / "claims.html").read_text()
    assert "points of 2-WIS above Random" in page
    assert len(pd.read_csv(tmp_path / "out" / "claims.csv")) == len(table.all_claims())


def test_a_wrong_extent_or_folder_is_refused(tmp_path: Path) -> None:
    for arguments in (["--run", "tiny"], ["--results", str(tmp_path / "none")]):
        result = CliRunner().invoke(app, ["claims", *arguments])
        assert result.exit_code != 0


def test_rows_of_runs_have_no_line_of_settings(tmp_path: Path) -> None:
    (tmp_path / "kl").mkdir()
    lines = [{"settings": "1"}, {"run": "a", "seed": 0}]
    (tmp_path / "kl" / "training.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert len(Stored(tmp_path).rows("kl/train", "training.jsonl")) == 1
