"""Evidence, gains and verdicts on small tables whose answers are known."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import sqlite3

import numpy as np
import pandas as pd
import pytest
from wis.experiments.report import analysis
from wis.experiments.report.evidence import evidence, record
from wis.experiments.report.findings import read_findings
from wis.experiments.report.gains import break_even, gains
from wis.experiments.report.headline import summary, title
from wis.experiments.report.leaderboard import leaderboard
from wis.experiments.report.published import beside_published
from wis.experiments.report.verdict import verdicts
from wis.experiments.report.write import make_figures
from wis.experiments.sweep.store import FILE_NAME

from tests.experiments.report.conftest import PLAN, fill


def make(runs: int, levels: dict[str, list[float]], splits: int = 1) -> pd.DataFrame:
    """Cells of shares 0, 0.5 and 1, whose accuracy differs by 0.1 from seed to seed."""
    return pd.DataFrame(
        {"dataset": "x", "model": "gcn", "method": method, "removed": share, "split": split, "seed": seed,
         "accuracy": level + 0.1 * seed}
        for split, seed in itertools.product(range(splits), range(runs))
        for method, curve in levels.items()
        for share, level in zip((0.0, 0.5, 1.0), curve, strict=True)
    )  # fmt: skip


def test_a_method_that_is_always_better_wins():
    cells = make(8, {"random": [80, 70, 60], "a": [80, 80, 60], "b": [80, 69, 60], "c": [80, 70, 60]})
    table = evidence(cells, analysis.paired(cells, "random")).set_index("method")
    assert table["outcome"].fillna("").to_dict() == {"random": "", "a": "win", "b": "loss", "c": "tie"}
    assert table["difference"].drop("random").tolist() == pytest.approx([10, -1, 0])
    assert table["effect"][["a", "b"]].tolist() == [1, -1]
    assert table["p_holm"][["a", "b", "c"]].tolist() == pytest.approx([3 / 128, 3 / 128, 1])
    assert table["lossless"].to_dict() == {"random": 0, "a": 0.5, "b": 0, "c": 0}
    # Trapezoids of width 0.5, and 0.35 for the mean seed.
    assert table["area"]["a"] == pytest.approx(0.5 * 80 + 0.5 * 70 + 0.35)
    counted = record(table.reset_index()).set_index("method")
    assert counted.loc["a"].tolist() == [1, 0, 0, 0]
    assert counted.loc["c"].tolist() == [0, 1, 0, 0]


def test_a_share_that_a_method_lacks_is_a_gap():
    cells = make(8, {"random": [80, 70, 60], "a": [80, 80, 80]})
    cells = cells[(cells["method"] != "a") | (cells["removed"] != 0.5)]
    table = evidence(cells, analysis.paired(cells, "random")).set_index("method")
    assert table.loc["a", ["area", "lossless", "lossless_high"]].isna().all()
    cells = make(8, {"random": [80, 70, 60], "a": [80, 80, 80]})
    cells = cells[(cells["method"] != "a") | (cells["removed"] != 1)]
    table = evidence(cells, analysis.paired(cells, "random")).set_index("method")
    assert table.loc["a", "lossless"] == 0.5
    assert np.isnan(table.loc["a", "area"])
    assert table["area"].notna()["random"]


def test_runs_without_a_score_do_not_count(tmp_path):
    """One run of ten has no number, where ROC-AUC was not defined."""
    fill(tmp_path, CORA)
    whole = read_findings(tmp_path)
    change(tmp_path, "UPDATE runs SET test_score = NULL WHERE json_extract(config, '$.seed') = 0")
    cells = read_findings(tmp_path).cells
    assert np.isfinite(cells["accuracy"]).all()
    assert set(cells["seed"]) == set(whole.cells["seed"]) - {0}
    assert analysis.summarise(pd.Series([1.0, 3.0, np.nan])) == analysis.summarise(pd.Series([1.0, 3.0]))


def test_few_runs_decide_nothing():
    cells = make(3, {"random": [80, 70, 60], "a": [80, 80, 60]})
    assert evidence(cells, analysis.paired(cells, "random"))["outcome"].tolist()[1:] == ["too few"]


def test_seeds_are_nested_in_splits():
    """Splits differ by 2 points and seeds by 0.1, so that the mean of a split's seeds counts once."""
    cells = make(2, {"random": [80, 70, 60]}, splits=3)
    cells["accuracy"] += 2.0 * cells["split"]
    row = analysis.accuracy(cells).iloc[0]
    values = np.array([80.05, 82.05, 84.05])
    assert (row["runs"], row["unit"], row["units"]) == (6, "split", 3)
    assert row["mean"] == pytest.approx(values.mean())
    assert row["standard_error"] == pytest.approx(2 / np.sqrt(3))
    assert row["deviation"] == pytest.approx(np.std([80, 80.1, 82, 82.1, 84, 84.1], ddof=1))


def test_seeds_of_a_split_are_no_evidence_of_their_own():
    """In one split of two the method is ahead, by the same in all of its seeds."""
    cells = make(5, {"random": [80, 70, 60], "a": [80, 71, 60], "b": [80, 70, 60]}, splits=6)
    ahead = (cells["method"] == "a") & (cells["removed"] == 0.5) & (cells["split"] % 2 == 0)
    cells.loc[ahead, "accuracy"] += 3
    row = evidence(cells, analysis.paired(cells, "random")).set_index("method").loc["a"]
    assert (row["pairs"], row["units"]) == (6, 6)
    assert row["difference"] == pytest.approx(2.5)
    assert row["p"] == pytest.approx(2 / 64)
    assert analysis.ranks(cells)["blocks"].tolist() == [6] * 3


def test_pairs_have_the_same_split_and_seed():
    cells = make(2, {"random": [80, 70, 60], "a": [80, 75, 60]}, splits=4)
    cells["accuracy"] += 5.0 * cells["split"]
    pairs = analysis.paired(cells, "random")
    assert len(pairs) == 8
    assert pairs["difference"].tolist() == pytest.approx([5.0] * 8)


def test_critical_difference_against_the_table():
    """Demšar (2006), table 5: q is 2.569 for four methods at 5 %."""
    levels = {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0}
    cells = make(6, {method: [9, level, 0] for method, level in levels.items()})
    table = analysis.ranks(cells)
    assert table["mean_rank"].tolist() == [1, 2, 3, 4]
    assert table["critical_difference"].iloc[0] == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 6)), abs=1e-3)


def test_ratios_are_paired_with_the_full_graph():
    cells = make(3, {"a": [80, 70, 60]})
    cells["epochs"] = 10
    cells["train_seconds"] = 10.0 * (1 + cells["seed"]) * (1 - 0.4 * cells["removed"])
    cells["inference_seconds"] = [1.0, 0.5, 0.5, 1.0, 0.7, 0.5, 1.0, 0.9, 0.5]
    table = gains(cells).set_index(["measure", "removed"])
    assert table.loc[("epoch_seconds", 0.5), ["ratio", "low", "high"]].tolist() == pytest.approx([0.8] * 3)
    assert table.loc[("inference_seconds", 0.5), ["ratio", "low", "high"]].tolist() == pytest.approx([0.7, 0.6, 0.8])
    costs = pd.DataFrame([{"dataset": "x", "method": "a", "order_seconds": 3.0, "sparsify_seconds": 1.0}])
    # An epoch saves 0.2, 0.4 and 0.6 seconds in the three seeds.
    assert break_even(cells, costs)["epochs"].tolist() == pytest.approx([4 / 0.4])
    slow = cells.assign(train_seconds=10.0 * (1 + cells["removed"]))
    assert break_even(slow, costs)["epochs"].isna().all()


def test_the_form_of_ogb():
    cells = make(10, {"a": [80, 70, 60]}).assign(val_score=0.9, parameters=321)
    cells["hardware"] = np.where(cells["seed"] < 4, "G", "P")
    row = leaderboard(cells).iloc[0]
    assert row["test_mean"] == pytest.approx(80.45)
    assert row["test_deviation"] == pytest.approx(np.std(80 + 0.1 * np.arange(10), ddof=1))
    assert row[["runs", "validation_mean", "parameters", "hardware"]].tolist() == [10, 90, 321, "G, P"]


def change(folder, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as database:
        database.execute(statement)


CORA = dataclasses.replace(PLAN, datasets=("Cora",))
SCORE = "UPDATE runs SET test_score = 0.8 + 0.001 * json_extract(config, '$.seed')"


def test_verdict_of_a_win(tmp_path):
    fill(tmp_path, CORA)
    change(tmp_path, SCORE)
    change(tmp_path, "UPDATE runs SET test_score = test_score - 0.1 WHERE config NOT LIKE '%\"method\":\"wis\"%' AND "
        "json_extract(config, '$.removed') > 0")  # fmt: skip
    assert verdicts(read_findings(tmp_path)) == [
        "Cora with GCN: remove up to 50% of the edges with 1-WIS at no measurable loss (95% interval 50% to 50%; "
        "random removal: none). Then a forward pass takes 75% of the full graph's time and a receptive "
        "field has 25% of the edges."
    ]


def test_a_verdict_calls_no_small_share_zero(tmp_path):
    fill(tmp_path, CORA)
    change(tmp_path, SCORE)
    change(tmp_path, "UPDATE runs SET test_score = test_score - 0.1 WHERE config NOT LIKE '%\"method\":\"wis\"%' AND "
        "json_extract(config, '$.removed') > 0")  # fmt: skip
    change(tmp_path, "UPDATE runs SET field_edges_mean = field_edges_mean / 75 WHERE "
        "json_extract(config, '$.removed') > 0")  # fmt: skip
    assert verdicts(read_findings(tmp_path))[0].endswith("a receptive field has 0.33% of the edges.")


def test_a_verdict_names_no_gain_that_the_spread_does_not_show(tmp_path):
    fill(tmp_path, CORA)
    change(tmp_path, SCORE)
    change(tmp_path, "UPDATE runs SET test_score = test_score - 0.1 WHERE config NOT LIKE '%\"method\":\"wis\"%' AND "
        "json_extract(config, '$.removed') > 0")  # fmt: skip
    change(tmp_path, "UPDATE runs SET inference_seconds = 0.02 WHERE json_extract(config, '$.removed') > 0 AND "
        "json_extract(config, '$.seed') % 2")  # fmt: skip
    assert verdicts(read_findings(tmp_path))[0].endswith("Then a receptive field has 25% of the edges.")


def test_title_where_the_best_mean_scatters_too_much_to_win(tmp_path):
    """Spectral is ahead by far on one seed and behind on others; 1-WIS is ahead on all by less."""
    fill(tmp_path, CORA)
    change(tmp_path, SCORE)
    lead = 'UPDATE runs SET test_score = test_score + {} WHERE config LIKE \'%"method":"{}"%\' AND {}'
    inner = "json_extract(config, '$.removed') BETWEEN 0.1 AND 0.9 AND json_extract(config, '$.seed') {}"
    change(tmp_path, lead.format(0.1, "wis", inner.format(">= 0")))
    change(tmp_path, lead.format(2, "spectral", inner.format("= 0")))
    change(tmp_path, lead.format(-0.01, "spectral", inner.format("> 0")))
    findings = read_findings(tmp_path)
    (group,) = findings.groups
    assert group.ranking[0] == "spectral"
    assert title(findings) == "1-WIS clearly beats random removal on Cora with GCN"


def test_verdict_where_nothing_beats_random(tmp_path):
    fill(tmp_path, CORA)
    change(tmp_path, SCORE)
    assert verdicts(read_findings(tmp_path)) == [
        "Cora with GCN: no sparsifier beats random removal here, which costs nothing measurable up to 100%."
    ]


def test_verdict_of_too_few_runs(tmp_path):
    findings = read_findings(fill(tmp_path, dataclasses.replace(CORA, seeds=(0, 1, 2))))
    assert title(findings) == "Too few runs to tell sparsifiers apart on Cora with GCN"
    assert verdicts(findings) == [
        "Cora with GCN: 3 seeds are too few (7 are needed) to tell 3 methods from random removal."
    ]


def test_verdict_of_a_single_method(tmp_path):
    fill(tmp_path, dataclasses.replace(CORA, methods=("wis:depth=2",)))
    change(tmp_path, "UPDATE runs SET test_score = 0.9")
    assert verdicts(read_findings(tmp_path)) == [
        "Cora with GCN: all edges can go at no measurable loss (95% interval 100% to 100%)."
    ]


def test_verdict_where_a_loss_cannot_be_told(tmp_path):
    fill(tmp_path, dataclasses.replace(CORA, methods=("wis:depth=2",), seeds=(0,)))
    assert verdicts(read_findings(tmp_path)) == [
        "Cora with GCN: how many edges can go with 1-WIS without a loss, these runs do not tell."
    ]


def test_verdict_of_a_win_where_no_edges_are_needed(tmp_path):
    """Without any edges scores are those of the full graph, and with half of them those of 1-WIS are higher."""
    fill(tmp_path, CORA)
    change(tmp_path, SCORE)
    change(tmp_path, "UPDATE runs SET test_score = test_score + 0.05 WHERE config LIKE '%\"method\":\"wis\"%' AND "
        "json_extract(config, '$.removed') BETWEEN 0.1 AND 0.9")  # fmt: skip
    assert verdicts(read_findings(tmp_path)) == [
        "Cora with GCN: 1-WIS beats random removal by 5.0 points on average; but no loss was measured without any "
        "edges either."
    ]


def test_verdict_where_the_method_to_compare_with_failed(tmp_path):
    fill(tmp_path, CORA)
    change(tmp_path, SCORE)
    change(tmp_path, "UPDATE runs SET status = 'failed' WHERE config LIKE '%\"method\":\"random\"%'")
    (text,) = verdicts(read_findings(tmp_path))
    assert text.startswith("Cora with GCN: no test, as the method to compare with has no run here; of the best mean, ")


def test_verdict_of_too_few_beside_ties(tmp_path):
    """Of spectral only three runs are left; the others are compared, and tie."""
    fill(tmp_path, CORA)
    change(tmp_path, SCORE)
    change(tmp_path, "UPDATE runs SET status = 'failed' WHERE config LIKE '%\"method\":\"spectral\"%' AND "
        "json_extract(config, '$.seed') > 2")  # fmt: skip
    assert verdicts(read_findings(tmp_path)) == [
        "Cora with GCN: no sparsifier beats random removal here; 3 seeds are too few (7 are needed) to tell 1 method "
        "from it."
    ]


def test_few_pairs_that_decide_are_not_too_few():
    """By Holm's rule the last of three comparisons is corrected by one only, for which six pairs are enough."""
    cells = make(8, {"random": [80, 70, 60], "a": [80, 80, 60], "b": [80, 79, 60], "c": [80, 75, 60]})
    cells = cells[(cells["method"] != "c") | (cells["seed"] < 6)]
    table = evidence(cells, analysis.paired(cells, "random")).set_index("method")
    assert table["p_holm"]["c"] == pytest.approx(2 / 64)
    assert table["outcome"]["c"] == "win"
    assert table["outcome"].drop("random").tolist() == ["win"] * 3


def test_runs_that_failed_at_the_end_do_not_shorten_the_sample():
    """With all edges removed eight of ten runs failed: that share is a gap, and the others are of ten runs."""
    cells = make(10, {"random": [80, 70, 60], "a": [80, 79.97, 80]})
    whole = evidence(cells, analysis.paired(cells, "random")).set_index("method")
    lost = cells[(cells["removed"] < 1) | (cells["seed"] < 2)]
    table = evidence(lost, analysis.paired(lost, "random")).set_index("method")
    assert (whole["lossless"]["a"], table["lossless"]["a"]) == (1, 0.5)
    assert (whole["units"]["a"], table["units"]["a"]) == (10, 10)
    assert np.isnan(table["area"]["a"])
    few = cells[(cells["removed"] < 1) | (cells["seed"] < 7)]
    assert evidence(few, analysis.paired(few, "random")).set_index("method").loc[
        "a", ["units", "lossless"]
    ].tolist() == [7, 1]


@pytest.mark.parametrize("method", ["ugs", "ugs:epochs=100,lr=0.005", "ugs:lr=0.001,weight_decay=0.0001"])
def test_ugs_of_the_paper_is_beside_ours_whatever_its_rates(method):
    cells = make(2, {"random": [80, 70, 60], method: [80, 75, 60], "ugs:form=original": [80, 75, 60]})
    cells = cells.assign(dataset="Cora", original="Cora")
    found = beside_published(analysis.accuracy(cells), cells)
    assert set(found["method"]) == {"random", method}


def test_measures_that_the_file_has_are_shown(tmp_path):
    """A receptive field of half the edges, where half of them are removed."""
    findings = read_findings(fill(tmp_path, dataclasses.replace(CORA, seeds=(0, 1))))
    cells = findings.cells.assign(field_edges_mean=1000 * (1 - findings.cells["removed"]))
    table = gains(cells).query("measure == 'field_edges_mean' and removed == 0.5")
    assert table["ratio"].tolist() == [0.5] * 4
    (group,) = findings.groups
    (figures,) = make_figures(dataclasses.replace(findings, groups=[dataclasses.replace(group, gains=gains(cells))]))
    assert [figure.name.partition("-")[0] for figure in figures] == ["accuracy", "difference", "time", "field"]
    assert figures[-1].caption.startswith("Edges in a receptive field, as a share of the full graph's")


def test_scores_are_called_by_their_name(tmp_path):
    fill(tmp_path, CORA)
    change(tmp_path, "UPDATE runs SET metric = 'roc_auc'")
    findings = read_findings(tmp_path)
    assert findings.groups[0].score == "ROC-AUC"
    assert summary(findings).startswith("1-WIS keeps the most ROC-AUC on Cora with GCN")
    (figures,) = make_figures(findings)
    assert "test ROC-AUC (%)" in figures[0].svg


def test_splits_of_one_seed_are_runs(tmp_path):
    findings = read_findings(fill(tmp_path, dataclasses.replace(CORA, seeds=(0,), split_seeds=tuple(range(8)))))
    assert findings.groups[0].winners == ["wis:depth=2"]
    assert title(findings) == "1-WIS keeps the most accuracy on Cora with GCN"
    assert "8 splits)" in summary(findings)
