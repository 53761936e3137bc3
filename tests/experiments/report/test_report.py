from __future__ import annotations

import contextlib
import dataclasses
import re
import sqlite3
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from wis.experiments.report import analysis
from wis.experiments.report.figures import _cliques
from wis.experiments.report.findings import read_findings
from wis.experiments.report.headline import summary
from wis.experiments.report.labels import method_label, percent
from wis.experiments.report.manifest import MANIFEST_NAME
from wis.experiments.report.verdict import verdicts
from wis.experiments.report.write import write_report
from wis.experiments.sweep.results import read_results
from wis.experiments.sweep.runs import expand
from wis.experiments.sweep.store import FILE_NAME, RunOutcome, Store

from tests.experiments.report.conftest import PLAN, fill


class Page(HTMLParser):
    """The tables of a page, by the heading and caption above them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[tuple[str, str], list[list[str]]] = {}
        self._heads = {"h2": "", "h3": ""}
        self._open, self._caption = "", ""
        self.outside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self._open = tag
        attributes = dict(attrs)
        if tag in ("script", "link", "img", "iframe"):
            self.outside.append(tag)
        self.outside += [v for k, v in attrs if k in ("src", "href") and v and not v.startswith("#")]
        if tag in self._heads:
            self._heads[tag] = ""
            if tag == "h2":
                self._heads["h3"] = ""
        elif tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        self.strong = attributes.get("class") == "strong"

    def handle_data(self, data):
        if self._open in self._heads:
            self._heads[self._open] += data
        elif self._open == "caption":
            self._caption += data
        elif self._open in ("td", "th"):
            self._rows[-1][-1] += data

    def handle_endtag(self, tag):
        self._open = ""
        if tag == "table":
            name = self._heads["h3"] or self._caption
            self.tables[self._heads["h2"], name] = self._rows


@pytest.fixture(scope="module")
def report(run_folder):
    out = run_folder / "report"
    assert write_report(read_findings(run_folder), out) == out / "index.html"
    return out


@pytest.fixture(scope="module")
def page(report):
    return Page((report / "index.html").read_text())


def accuracies(run_folder, dataset, method, removed):
    """Percentages by seed, straight from the database."""
    query = """
        SELECT 100 * test_score FROM cells JOIN runs ON key = run_key
        WHERE cells.dataset = ? AND method = ? AND removed = ? AND status = 'ok' ORDER BY seed
    """
    with contextlib.closing(sqlite3.connect(run_folder / FILE_NAME, isolation_level=None)) as database:
        return np.array([row[0] for row in database.execute(query, (dataset, method, removed))])


def test_accuracies_in_the_page_are_those_in_the_store(run_folder, page):
    for dataset in PLAN.datasets:
        head, *rows = page.tables[f"{dataset}, GCN", "Accuracy"]
        assert head == ["removed", "Random", "Spectral", "1-WIS", "DSpar (reweighted)"]
        assert [row[0] for row in rows] == ["0%", "25%", "50%", "100%"]
        for removed, row in zip(PLAN.removed, rows, strict=True):
            for method, text in zip(PLAN.methods, row[1:], strict=True):
                values = accuracies(run_folder, dataset, method, removed)
                assert len(values) == 8
                assert text == f"{values.mean():.1f} ± {values.std(ddof=1) / np.sqrt(8):.1f}"


def test_differences_in_the_page_are_paired_by_seed(run_folder, page):
    head, *rows = page.tables["Cora, GCN", "Difference to random removal"]
    assert head == ["removed", "Spectral", "1-WIS", "DSpar (reweighted)"]
    assert [row[0] for row in rows] == ["25%", "50%", "average"]
    by_share = {}
    for method in PLAN.methods[1:]:
        by_share[method] = [
            accuracies(run_folder, "Cora", method, share) - accuracies(run_folder, "Cora", "random", share)
            for share in (0.25, 0.5)
        ]
    for i, row in enumerate(rows):
        for method, text in zip(PLAN.methods[1:], row[1:], strict=True):
            values = by_share[method][i] if i < 2 else np.mean(by_share[method], axis=0)
            interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
            expected = [values.mean(), interval.low, interval.high]
            shown = [float(number.replace("−", "-")) for number in re.findall(r"[+−]?\d+\.\d", text)]
            assert shown == pytest.approx(expected, abs=0.0501)


def test_costs_structure_and_ranks_in_the_page(page):
    costs = page.tables["What the sparsifiers cost", "Cora"]
    assert costs[1:] == [
        ["Random", "8", "1 ms", "512 MiB", "4 ms"],
        ["Spectral", "8", "1.5 s", "512 MiB", "4 ms"],
        ["1-WIS", "1", "20 ms", "512 MiB", "4 ms"],
        ["DSpar (reweighted)", "none: chooses for every share", "–", "–", "4 ms"],
    ]
    structure = page.tables["What is left of the graph", "digits"]
    assert structure[2] == ["25%", "3,000", *["26 / 10"] * 4]
    kept = page.tables["What was kept", "digits, 50% removed"]
    assert kept[1][1:] == ["1.5"] * 4
    training = page.tables["Training and inference", "Cora, GCN"]
    assert training[3] == ["50%", "2,000", "100", "1", "1.5 s", "15 ms", "7.5 ms"]
    ranks = [table for (section, _), table in page.tables.items() if section == "Ranks"]
    assert len(ranks) == 2
    assert ranks[0][1][0] == "1-WIS"
    assert ranks[0][-1][:2] == ["DSpar (reweighted)", "4.00"]


def test_ranks_against_scipy(run_folder):
    cells = analysis.finished(read_results(run_folder))
    table = analysis.ranks(cells)
    table = table[table["within"] == "Cora, gcn"].set_index("method")
    means = {
        method: np.mean([accuracies(run_folder, "Cora", method, share) for share in (0.25, 0.5)], axis=0)
        for method in PLAN.methods
    }
    assert table["p_friedman"].iloc[0] == pytest.approx(stats.friedmanchisquare(*means.values()).pvalue)
    ranks = stats.rankdata([-means[method] for method in PLAN.methods], axis=0).mean(axis=1)
    assert table.loc[list(PLAN.methods), "mean_rank"].tolist() == pytest.approx(ranks)
    assert table["p_against_best"]["dspar-reweighted"] < 0.01 < table["p_against_best"]["random"]


def test_nemenyi_against_published_code():
    """The p-values are those of scikit-posthocs 0.17.1: ``posthoc_nemenyi_friedman(accuracies.T)["c"]``."""
    accuracies = {
        "a": [81.0, 80.5, 79.9, 82.0, 81.5, 80.1],
        "b": [83.5, 82.1, 83.0, 82.0, 84.0, 82.8],
        "c": [85.1, 84.9, 86.2, 85.0, 83.0, 84.4],
        "d": [80.2, 81.0, 79.0, 80.0, 80.9, 79.7],
    }
    rows = [
        {"dataset": "x", "model": "gcn", "method": method, "removed": 0.5, "split": 1, "seed": seed, "accuracy": value}
        for method, values in accuracies.items()
        for seed, value in enumerate(values)
    ]
    found = analysis.ranks(pd.DataFrame(rows)).set_index("method")["p_against_best"]
    expected = {"a": 0.0496761660310302, "b": 0.7457723543693915, "c": 1.0, "d": 0.001966123011488796}
    assert found.to_dict() == pytest.approx(expected, abs=1e-6)


def test_the_database_is_read_once(run_folder, tmp_path, monkeypatch):
    """Tables, figures, page and summary come from what was read in the beginning."""
    findings = read_findings(run_folder)
    monkeypatch.setattr("wis.experiments.sweep.results.open_results", lambda _: pytest.fail("reopened"))
    monkeypatch.setattr("wis.experiments.report.analysis.summarise", lambda _: pytest.fail("computed again"))
    text = write_report(findings, tmp_path / "report").read_text()
    assert all(line in text for line in summary(findings).splitlines())


def test_the_headline_says_what_the_numbers_say(run_folder, report):
    text = (report / "index.html").read_text()
    assert "<h1>1-WIS keeps the most accuracy on 2 of 2 pairs of data set and model</h1>" in text
    whole = accuracies(run_folder, "Cora", "random", 0.0).mean()
    best, random = (whole - accuracies(run_folder, "Cora", m, 0.5).mean() for m in ("wis:depth=2", "random"))
    expected = (
        f"removing half of the edges costs {best:.1f} points of accuracy with 1-WIS and {random:.1f} points with "
    )
    assert f"On Cora with GCN, {expected}random removal." in text


def test_the_page_stands_alone(page, report):
    assert page.outside == []
    text = (report / "index.html").read_text()
    assert not re.search(r"https?://(?!www\.w3\.org)(?!purl\.org|creativecommons\.org|matplotlib\.org)", text)
    assert text.count("<svg") == 10
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert "wis sweep made-up.yaml --workers 2" in text
    assert "a &lt;fast&gt; one" in text
    assert "torch 2.13.0" in text


def test_tables_and_figures_are_beside_the_page(run_folder, report):
    names = {path.name for path in report.iterdir()}
    tables = {"accuracy", "differences", "evidence", "record", "published", "gains", "leaderboard"}
    tables |= {"ranks", "cost", "training", "structure", "kept"}
    assert {f"{name}.{kind}" for name in tables for kind in ("csv", "md", "tex")} <= names
    kinds = ("accuracy", "difference", "time", "field", "ranks")
    figures = {f"{what}-{where}-gcn.svg" for what in kinds for where in ("digits", "Cora")}
    assert figures <= names
    assert names >= {"index.html", "runs.csv", MANIFEST_NAME}
    assert len(names) == 3 * len(tables) + len(figures) + 3
    accuracy = pd.read_csv(report / "accuracy.csv")
    row = accuracy.query("dataset == 'Cora' and method == 'wis:depth=2' and removed == 0.5").iloc[0]
    values = accuracies(run_folder, "Cora", "wis:depth=2", 0.5)
    assert row["mean"] == pytest.approx(values.mean(), abs=1e-9)
    assert row["standard_error"] == pytest.approx(values.std(ddof=1) / np.sqrt(8), abs=1e-9)
    assert (row["low"], row["high"]) == pytest.approx(stats.ttest_1samp(values, 0).confidence_interval(0.95))
    assert len(pd.read_csv(report / "runs.csv")) == 2 * 4 * 4 * 8
    assert (
        f"| 50% | {accuracies(run_folder, 'Cora', 'random', 0.5).mean():.1f} ±" in (report / "accuracy.md").read_text()
    )


def test_bold_differences_are_those_whose_interval_excludes_zero(run_folder, report):
    differences = pd.read_csv(report / "differences.csv")
    clear = ((differences["low"] > 0) | (differences["high"] < 0)).sum()
    lines = (report / "differences.md").read_text().splitlines()
    shown = sum(line.count("**") // 2 for line in lines if line.startswith("| ") and "average" not in line)
    assert 0 < clear < len(differences)
    assert shown == clear


def test_incomplete_results_are_said_to_be(tmp_path):
    plan = dataclasses.replace(PLAN, datasets=("digits",))
    fill(tmp_path, plan, leave_out=(0, 5))
    results = read_results(tmp_path)
    failed = results.cells.drop_duplicates("run_key").index[5]
    with Store(tmp_path) as store:
        cells = expand(plan, "cpu")
        store.begin(plan.to_dict(), "wis sweep", cells, {"versions": {}})
        store.add_run(cells[failed].run, RunOutcome("diverged", "the training loss became nan"))
    page = Page(write_report(read_findings(tmp_path), tmp_path / "report").read_text())
    text = (tmp_path / "report" / "index.html").read_text()
    assert "Of 80 runs: 1 not finished yet, 1 diverged. The tables below show the others." in text
    rows = page.tables["Runs without a result", ""]
    assert ["digits, GCN", "Random", "missing", "1", ""] in rows
    assert rows[-1][2:] == ["diverged", "1", "the training loss became nan"]
    assert "over 7 to 8 seeds" in text


def test_a_new_report_leaves_no_table_of_an_old_one(tmp_path):
    fill(tmp_path / "old", dataclasses.replace(PLAN, datasets=("digits",)), leave_out=(0,))
    out = tmp_path / "report"
    write_report(read_findings(tmp_path / "old"), out)
    assert (out / "unfinished.csv").is_file()
    (out / "notes.md").write_text("mine")
    fill(tmp_path / "new", dataclasses.replace(PLAN, datasets=("digits",), methods=("random",)))
    write_report(read_findings(tmp_path / "new"), out)
    names = {path.name for path in out.iterdir()}
    assert "notes.md" in names
    assert not names & {"unfinished.csv", "unfinished.md", "differences.csv", "ranks.md", "difference-digits-gcn.svg"}


def test_one_seed_and_one_method(tmp_path):
    plan = dataclasses.replace(PLAN, datasets=("digits",), methods=("wis:depth=2",), seeds=(3,), removed=(0.0, 0.5))
    fill(tmp_path, plan)
    text = write_report(read_findings(tmp_path), tmp_path / "report").read_text()
    page = Page(text)
    accuracy = accuracies(tmp_path, "digits", "wis:depth=2", 0.5)[0]
    assert page.tables["digits, GCN", "Accuracy"][2] == ["50%", f"{accuracy:.1f}"]
    assert not any("Difference" in name for _, name in page.tables)
    assert "over 1 seed." in text


def test_one_seed_makes_no_winner(tmp_path):
    fill(tmp_path, dataclasses.replace(PLAN, datasets=("digits",), seeds=(3,)))
    text = write_report(read_findings(tmp_path), tmp_path / "report").read_text()
    assert "How much accuracy is left when edges go: digits with GCN" in text
    assert "clearly beats" not in text


def test_nothing_to_report(tmp_path):
    with pytest.raises(ValueError, match="is not a run folder"):
        write_report(read_findings(tmp_path), tmp_path / "report")
    fill(tmp_path, dataclasses.replace(PLAN, seeds=(0,)), leave_out=tuple(range(1000)))
    with pytest.raises(ValueError, match="no run in .* has finished yet"):
        write_report(read_findings(tmp_path), tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_where_all_runs_failed_the_page_says_why(tmp_path):
    plan = dataclasses.replace(PLAN, datasets=("digits",), seeds=(0,))
    runs = {cell.run.key: cell.run for cell in expand(plan, "cpu")}
    with Store(tmp_path) as store:
        store.begin(plan.to_dict(), "wis sweep", expand(plan, "cpu"), {"versions": {}})
        for run in runs.values():
            store.add_run(run, RunOutcome("failed", "ValueError: depth must be an integer, got 'two'"))
    text = write_report(read_findings(tmp_path), tmp_path / "report").read_text()
    assert "<h1>No run has finished well</h1>" in text
    assert f"Of {len(runs)} runs: {len(runs)} failed. So there is nothing to compare yet." in text
    rows = Page(text).tables["Runs without a result", ""]
    assert {tuple(row[2:]) for row in rows[1:]} == {("failed", "4", "ValueError: depth must be an integer, got 'two'")}
    assert pd.read_csv(tmp_path / "report" / "runs.csv")["status"].eq("failed").all()


def test_a_failure_leaves_the_old_report(tmp_path, monkeypatch):
    fill(tmp_path, dataclasses.replace(PLAN, datasets=("digits",)))
    write_report(read_findings(tmp_path), tmp_path / "report")
    before = {path.name: path.read_bytes() for path in (tmp_path / "report").iterdir()}
    monkeypatch.setattr("wis.experiments.report.write.render_page", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(read_findings(tmp_path), tmp_path / "report")
    assert {path.name: path.read_bytes() for path in (tmp_path / "report").iterdir()} == before


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("wis", "2-WIS"), ("wis:depth=2", "1-WIS"), ("wis:depth=5", "4-WIS"),
        ("wis:depth=3,ties=random", "2-WIS (ties=random)"), ("random", "Random"), ("local-degree", "LocalDegree"),
        ("teddy", "TEDDY"), ("not-installed:a=1", "not-installed:a=1"),
    ],
)  # fmt: skip
def test_labels(text, label):
    assert method_label(text) == label


def test_percent():
    assert [percent(share) for share in (0, 0.125, 1 / 3, 1)] == ["0%", "12.5%", "33.33%", "100%"]


def test_the_page_opens_with_verdicts_and_their_rule(run_folder, report):
    findings = read_findings(run_folder)
    text = (report / "index.html").read_text()
    lead = re.findall(r'<p class="lead">(.*?)</p>', text)
    assert lead == verdicts(findings)
    assert len(lead) == 2
    assert text.index(lead[-1]) < text.index("The rule: a method beats another") < text.index("<section>")


def test_evidence_and_gains_in_the_page(page):
    evidence = {row[0]: row[1:] for row in page.tables["Cora, GCN", "Evidence"]}
    assert evidence["method"][-3:] == ["p", "corrected p", "outcome"]
    assert [evidence[m][-1] for m in ("Random", "Spectral", "1-WIS", "DSpar (reweighted)")] == [
        "–",
        "tie",
        "win",
        "loss",
    ]
    # The smallest p of eight pairs is 2 / 2**8; Holm's rule multiplies it by three methods.
    assert evidence["1-WIS"][-3:-1] == ["0.008", "0.023"]
    gains = page.tables["What is gained", "Cora, GCN, 50% removed"]
    assert gains[0] == [
        "method", "one epoch", "one forward pass", "bytes of the graph", "vertices in a receptive field, mean",
        "vertices in a receptive field, 95th percentile", "edges in a receptive field, mean",
        "edges in a receptive field, 95th percentile", "epochs until paid",
    ]  # fmt: skip
    # An epoch takes 15 instead of 20 ms; an order takes 1.5 s and a sparse graph 4 ms.
    times = ["0.75 [0.75, 0.75]"] * 2
    assert gains[2] == ["Spectral", *times, *["0.50 [0.50, 0.50]"] * 3, *["0.25 [0.25, 0.25]"] * 2, "301"]
    paper = page.tables["Cora, GCN", "Beside the paper"]
    assert paper[2][1].endswith("/ 80.6")
    leaders = page.tables["For a leaderboard", "Cora, GCN"]
    assert leaders[1][:3] == ["full graph", "0%", "8"]
    assert leaders[1][-2:] == ["1,234", "a <fast> one"]


def test_methods_that_cannot_be_told_apart_are_under_one_bar():
    ranks = np.array([1.0, 1.8, 3.0, 3.1, 5.0])
    assert _cliques(ranks, 1.5) == [(0, 1), (1, 3)]
    assert _cliques(ranks, 0.05) == []
    assert _cliques(ranks, 9.0) == [(0, 4)]
