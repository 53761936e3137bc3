import gzip
from math import comb
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from wis.experiments.interactions.rank import Extent, cases_of, degrees_of, polynomial_degree, run_rank
from wis.experiments.interactions.rank_report import order, report_rank

import wis

SMALL = Extent(most_vertices=3, degree_vertices=3, degree_widths=7, degree_samples=128)


@pytest.mark.parametrize("degree", range(5))
def test_the_degree_of_a_polynomial_shows_in_its_differences(degree: int) -> None:
    values = [x**degree + 3 for x in range(1, degree + 4)]
    assert polynomial_degree(values) == degree
    assert polynomial_degree(values[:-1]) is None
    assert polynomial_degree([1, 5, 15, 34, 65, 111, 175, 260]) == 3
    assert polynomial_degree([1, 2, 4, 8, 16, 32]) is None


def test_cases_of_the_path_of_three() -> None:
    cases = cases_of(nx.path_graph(3), SMALL)
    assert len(cases) == 28  # ({0}, {1}) or, at a target that is an end, ({0}, {1}, {0, 1}); 2 depths and 2 widths
    for case in cases:
        subset = [*map(int, case["subset"].split())]
        assert case["walk_index"] == wis.walk_index(nx.path_graph(3), subset, case["L"], case["target"])
        assert case["contradicts"] == ""
        if len(subset) == 1 and case["resolved"]:
            assert case["rank"] == comb(case["D"] + case["walk_index"] - 1, case["walk_index"])


def test_the_degree_is_the_walk_index() -> None:
    cases = [case for case in degrees_of(nx.path_graph(3), SMALL) if case["degree"] is not None]
    assert len(cases) >= 9
    assert all(case["degree"] == case["walk_index"] for case in cases)


def test_runs_resume_and_the_report_counts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = run_rank(tmp_path, None, SMALL, progress=False)
    assert sorted(row["run"] for row in rows) == sorted(
        f"{kind} atlas {i}" for kind in ("cases", "degrees") for i in (3, 6, 7)
    )
    before = (tmp_path / "runs.jsonl").read_bytes()
    monkeypatch.setattr("wis.experiments.interactions.rank.cases_of", None)  # nothing is computed again
    rows = run_rank(tmp_path, None, SMALL, progress=False)
    assert (tmp_path / "runs.jsonl").read_bytes() == before
    tables = report_rank(tmp_path, rows, SMALL, "wis interactions rank")
    assert len(tables["violations"]) == 0
    assert tables["summary"].cases.sum() == sum(len(row["cases"]) for row in rows if row["kind"] == "cases")
    assert not tables["summary"][["paper_lower", "binomial", "min_cut", "polynomial", "paper_upper"]].to_numpy().any()
    packed = pd.read_csv(tmp_path / "cases.csv.gz")
    assert len(packed) == tables["summary"].cases.sum()
    assert gzip.decompress((tmp_path / "cases.csv.gz").read_bytes()).startswith(
        b"graph,n,edges,kind,target,subset,L,D,"
    )
    assert "0 cases contradict a bound" in (tmp_path / "report.html").read_text()


def test_a_graph_of_ones_own_is_sampled_if_it_is_large(tmp_path: Path) -> None:
    extent = Extent(sampled=6, max_samples=16, degree_vertices=1)
    rows = run_rank(tmp_path, {"mine": np.array([[*range(8)], [*range(1, 9)]])}, extent, progress=False)
    (row,) = [row for row in rows if row["kind"] == "cases"]
    assert row["n"] == 9
    assert (
        len({(case["target"], case["subset"], case["L"], case["D"]) for case in row["cases"]})
        == len(row["cases"])
        == 24
    )
    tables = report_rank(tmp_path, rows, extent, "wis interactions rank mine.npy")
    assert tables["degrees"].empty


def test_other_settings_do_not_mix(tmp_path: Path) -> None:
    run_rank(tmp_path, {"P2": nx.path_graph(2)}, SMALL, progress=False)
    with pytest.raises(ValueError, match="other settings"):
        run_rank(tmp_path, {"P2": nx.path_graph(3)}, SMALL, progress=False)


def test_order_counts_pairs_within_a_graph_and_target_only() -> None:
    cases = pd.DataFrame({
        "graph": ["a", "a", "a", "b", "b"], "target": pd.array([None, None, None, None, None], dtype="Int64"),
        "kind": "graph", "L": 2, "D": 2, "walk_index": [1, 2, 3, 1, 9], "rank": [5, 6, 4, 7, 7],
        "resolved": [True, True, True, True, True],
    })  # fmt: skip
    (row,) = order(cases).to_dict("records")
    assert (row["pairs"], row["alike"], row["equal ranks"], row["reversed"]) == (4, 0.25, 0.25, 0.5)
