from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from wis.experiments.interactions.graph_classification import METHODS, Plan, load, report_plan, run_plan

PLAN = Plan("TINY", removed=(0.5,), depth=2, epochs=3, batch=10, hidden=4, seeds=2)


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    """Twenty stars and twenty cycles as a TUDataset."""
    raw = tmp_path / "TINY" / "raw"
    raw.mkdir(parents=True)
    edges, owner, labels = [], [], []
    for i in range(40):
        graph = nx.star_graph(5) if i % 2 else nx.cycle_graph(6)
        first = len(owner) + 1
        edges += [f"{first + u}, {first + v}" for u, v in graph.to_directed().edges]
        owner += [i + 1] * 6
        labels.append(i % 2)
    _write(raw / "TINY_A.txt", edges)
    _write(raw / "TINY_graph_indicator.txt", owner)
    _write(raw / "TINY_graph_labels.txt", labels)
    _write(raw / "TINY_node_labels.txt", [v % 3 for v in range(len(owner))])
    return tmp_path


def _write(path: Path, lines: list[object]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))


def test_runs_resume_and_are_compared_with_random(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = load(data_root, "TINY")
    assert len(graphs) == 40
    out = data_root / "out"
    rows = run_plan(out, PLAN, data_root, progress=False)
    assert len(rows) == 2 * (1 + len(METHODS))
    assert all(0 <= row["accuracy"] <= 1 for row in rows)
    monkeypatch.setattr("wis.experiments.interactions.graph_classification.load", None)  # nothing is done again
    table = report_plan(out, run_plan(out, PLAN, data_root, progress=False), PLAN, "wis interactions tu TINY")
    assert {*table.method} == {"none", *METHODS}
    random = table[table.method == "random"]["accuracy %"].item()
    wis_graph = table[table.method == "WIS, graph"]
    assert wis_graph["− random"].item() == pytest.approx(wis_graph["accuracy %"].item() - random)
    assert np.isnan(table[table.method == "random"]["− random"].item())
    assert (out / "report.html").is_file()


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"MUTAG_A.txt; put the text files of MUTAG .* there and give --data-root"
    ):
        load(tmp_path, "MUTAG")
    with pytest.raises(FileNotFoundError, match="MUTAG_A.txt"):
        load(None, "MUTAG")


def test_graphs_without_features_are_refused(data_root: Path) -> None:
    (data_root / "TINY" / "raw" / "TINY_node_labels.txt").unlink()
    with pytest.raises(ValueError, match="TINY has neither labels nor attributes of vertices"):
        load(data_root, "TINY")
