from math import comb, log
from pathlib import Path

import networkx as nx
import pandas as pd
import pytest
from wis.experiments.interactions import removals, removals_report
from wis.experiments.interactions.removals import METHODS, Extent, describe, graphs, measure, run_removals, shapes
from wis.experiments.interactions.removals_report import report_removals, structures_table
from wis.experiments.interactions.same_class import Protocol, run_same_class
from wis.experiments.interactions.structures import arrangements

import wis
from wis.interactions.rank import separation_rank

TINY = Extent(max_samples=8, seeds=1)


def test_ranks_of_a_path() -> None:
    found = measure(nx.path_graph(4), Extent())
    index = [wis.walk_index(nx.path_graph(4), [v], 2) for v in range(4)]
    ranks = [separation_rank(nx.path_graph(4), subset, 2).rank for subset in ([0, 1], [0, 2], [0, 3])]
    assert found["single_least"] == log(comb(2 + min(index) - 1, min(index)))
    assert found["cut_least"] == pytest.approx(log(min(ranks)))
    assert (found["edges"], found["cuts"], found["unresolved"]) == (3, 3, 0)


def test_without_edges_every_rank_is_the_width() -> None:
    found = measure(nx.empty_graph(4), Extent(width=3))
    assert found["single_least"] == found["single_mean"] == pytest.approx(log(3))
    assert found["cut_least"] == found["cut_mean"] == pytest.approx(log(3))


def test_wis_for_graph_prediction_is_best_at_its_first_removal() -> None:
    for graph in graphs().values():
        left = {}
        for label in ("WIS, graph", "WIS, vertex"):
            first = wis.removal_order(graph, depth=2, **METHODS[label]).edges[:, 0].tolist()
            fewer = graph.copy()
            fewer.remove_edge(*first)
            left[label] = sorted(wis.walk_index(fewer, [v], 2) for v in fewer)
        assert left["WIS, graph"] >= left["WIS, vertex"]


def test_one_partition_leaves_a_core_and_single_vertices_leave_cliques() -> None:
    left = shapes(0.75)
    one, singles = describe(left["one partition"]), describe(left["single vertices"])
    assert one["isolated"] > 0
    assert one["components"] == 1
    assert one["crossing"] > 0
    assert singles == {"isolated": 0, "components": 4, "crossing": 0}


def test_the_report_has_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only = {"path": nx.path_graph(4)}
    monkeypatch.setattr(removals, "graphs", lambda: only)
    monkeypatch.setattr(removals_report, "_SHARES", (0.5, 0.75))
    rows = run_removals(tmp_path, TINY, progress=False)
    assert len(rows) == 4
    assert run_removals(tmp_path, TINY, progress=False).frame().equals(rows.frame())
    protocol = Protocol(train_pairs=50, test_pairs=50, batch=50, steps=2, seeds=2)
    trained = run_same_class(tmp_path / "structures", arrangements()[:2], protocol, models=["gcn"], progress=False)
    tables = report_removals(tmp_path, rows, TINY, trained, protocol, "wis interactions graph")
    assert tables["removals"].method.tolist() == [*METHODS]
    assert len(tables["steps"]) == 4 * 4
    assert tables["shapes"].isolated.tolist()[1::2] == [0, 0]
    assert tables["structures"].structure.tolist() == ["WIS, graph, 50% removed"]
    assert {path.name for path in tmp_path.glob("*.svg")} == {"removals_0.svg", "shapes.svg"}


def test_the_arrangement_with_the_larger_walk_index_is_compared_within_a_structure() -> None:
    frame = pd.DataFrame([
        {"model": "gcn", "arrangement": f"{name}: {place}", "walk_index": index, "seed": seed,
         "test": test + seed / 1000}
        for name, place, index, test in (
            ("a", "low", 10, 0.5), ("a", "high", 20, 0.7), ("b", "low", 9, 0.7), ("b", "high", 4, 0.5),
            ("c", "low", 5, 0.7), ("c", "high", 5, 0.5), ("d", "low", 5, 0.7), ("d", "high", 6, 0.5),
        )
        for seed in range(3)
    ])  # fmt: skip
    found = structures_table(frame)["larger walk index is better"].tolist()
    assert found == ["yes", "yes", "walk indices are equal", "no, worse"]
