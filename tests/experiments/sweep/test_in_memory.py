"""Sweeps over a user's own graph, from a file and in memory, with a model of one's own."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest
import torch
from wis.experiments.datasets.splits import MASKS
from wis.experiments.sweep import work
from wis.experiments.sweep.estimate import estimate
from wis.experiments.sweep.in_memory import sweep_graph
from wis.experiments.sweep.plan import Plan
from wis.experiments.sweep.results import read_results
from wis.experiments.sweep.runs import expand
from wis.experiments.sweep.sweep import run_sweep

import wis
from tests.baselines.gnn.test_own import MODULE
from tests.experiments.conftest import small_graph

FIELDS = {"methods": ["random", "wis:depth=2"], "removed": [0, 0.5], "seeds": 2, "epochs": 2}


@pytest.fixture(autouse=True)
def _fresh(tmp_path, monkeypatch):
    work.dataset.cache_clear()
    work._measured.clear()
    monkeypatch.chdir(tmp_path)


def test_a_graph_in_memory_is_swept_once(tmp_path, monkeypatch):
    data = small_graph()
    data.metric = "roc_auc"
    cells = sweep_graph(data, tmp_path / "run", workers=1, progress=False, **FIELDS).cells
    assert len(cells) == 8
    assert set(cells["status"]) == {"ok"}
    assert set(cells["metric"]) == {"roc_auc"}
    assert cells.groupby("removed")["pairs"].first().tolist() == [data.num_edges // 2, data.num_edges // 4]
    monkeypatch.setattr(work, "train", lambda *_: pytest.fail("trained again"))
    again = sweep_graph(data, tmp_path / "run", workers=1, progress=False, **FIELDS).cells
    assert again["test_score"].tolist() == cells["test_score"].tolist()
    data.x = data.x + 1
    with pytest.raises(ValueError, match="holds another plan"):
        sweep_graph(data, tmp_path / "run", workers=1, progress=False, **FIELDS)


def test_a_model_of_one_s_own_and_drawn_splits(tmp_path, monkeypatch):
    (tmp_path / "own_models.py").write_text(MODULE)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "own_models", raising=False)
    data = small_graph()
    for name in MASKS:
        del data[name]
    options = {**FIELDS, "models": ["gcn", "own_models:Net"], "methods": ["random", "ugs:epochs=1,prune=0.5"]}
    results = sweep_graph(data, "run", workers=1, progress=False, split_seeds="0:2", split=[0.5, 0.25, 0.25], **options)
    assert set(results.cells["status"]) == {"ok"}
    assert set(results.cells["split"]) == {0, 1}
    assert set(results.cells["model"]) == {"gcn", "own_models:Net"}
    facts = next(iter(results.datasets.values()))
    assert (facts["train"], facts["val"], facts["test"]) == (20, 10, 10)
    assert len(results.orders) == 2 + 2 * 2 * 2  # random: one a seed; UGS: one a seed, split and model


RANK = """
import numpy as np

def rank(edges, *, seed=None, bias=1.0):
    return np.argsort(-bias * edges.pairs.sum(axis=0), kind="stable")
"""


def test_a_method_of_one_s_own(tmp_path, monkeypatch):
    (tmp_path / "own_ranks.py").write_text(RANK)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "own_ranks", raising=False)
    options = {**FIELDS, "methods": ["random", "own_ranks:rank:bias=2", "local:score=own_ranks:rank"]}
    results = sweep_graph(small_graph(), "run", workers=2, progress=False, **options)
    assert set(results.cells["status"]) == {"ok"}
    assert sorted(set(results.orders["method"])) == sorted(options["methods"])
    plan = Plan.from_dict({**results.plan, "removed": 0.5})
    before = {cell.method: cell.run.key for cell in expand(plan, "cpu")}
    (tmp_path / "own_ranks.py").write_text(RANK + "# changed")
    after = {cell.method: cell.run.key for cell in expand(plan, "cpu")}
    assert [after[method] == before[method] for method in options["methods"]] == [True, False, False]
    with pytest.raises(ValueError, match="The file of a graph, a method or a model may have changed since"):
        sweep_graph(small_graph(), "run", workers=1, progress=False, **options)


def test_graphs_that_do_not_fit_are_refused_before_anything_runs(tmp_path):
    data = small_graph()
    wis.write_graph(data, "one.pt")
    plan = {"name": "mine", "datasets": "one.pt", **FIELDS}
    with pytest.raises(ValueError, match="masks of one split, and the plan asks for 3: give --split-seeds 0"):
        run_sweep(Plan.from_dict({**plan, "split_seeds": "0:3"}), tmp_path / "run", progress=False)
    with pytest.raises(ValueError, match="masks of one split, and the plan asks for 3: give --split-seeds 0"):
        estimate(Plan.from_dict({**plan, "split_seeds": "0:3"}), tmp_path / "run")
    data.val_mask = torch.zeros_like(data.val_mask)
    wis.write_graph(data, "empty.pt")
    with pytest.raises(ValueError, match="empty.pt: data.val_mask selects no vertex"):
        run_sweep(Plan.from_dict({**plan, "datasets": "empty.pt"}), tmp_path / "run", progress=False)
    del data.y
    with pytest.raises(ValueError, match="data has no y"):
        sweep_graph(data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_runs_of_each_seed_on_its_own_split_take_the_single_one_of_a_graph(tmp_path):
    data = small_graph()
    cells = sweep_graph(data, tmp_path / "one", workers=1, progress=False, **FIELDS, split_seeds="seeds").cells
    assert set(cells["status"]) == {"ok"}
    assert sorted(set(zip(cells["seed"], cells["split"], strict=True))) == [(0, 0), (1, 0)]
    same = sweep_graph(data, tmp_path / "same", workers=1, progress=False, **FIELDS, split_seeds="0").cells
    assert cells["test_score"].tolist() == same["test_score"].tolist()
    for name in MASKS:
        data[name] = torch.stack([data[name], data[name]], 1)
    cells = sweep_graph(data, tmp_path / "two", workers=1, progress=False, **FIELDS, split_seeds="seeds").cells
    assert sorted(set(zip(cells["seed"], cells["split"], strict=True))) == [(0, 0), (1, 1)]


def test_a_changed_graph_is_run_anew(tmp_path):
    wis.write_graph(small_graph(), "mine.pt")
    plan = Plan.from_dict({"name": "mine", "datasets": "mine.pt", **FIELDS})
    before = {cell.run.key for cell in expand(plan, "cpu")}
    assert before == {cell.run.key for cell in expand(plan, "cpu")}
    wis.write_graph(small_graph(num_columns=100), "mine.pt")
    assert not before & {cell.run.key for cell in expand(plan, "cpu")}


def test_a_graph_changed_between_two_sweeps_of_one_process_is_read_again():
    plan = {"name": "mine", "datasets": "mine.pt", **FIELDS}
    for num_columns in (80, 100):
        data = small_graph(num_columns=num_columns)
        wis.write_graph(data, "mine.pt")
        run_sweep(Plan.from_dict(plan), Path(f"run-{num_columns}"), workers=1, progress=False)
        cells = read_results(Path(f"run-{num_columns}")).cells
        assert cells["pairs"].max() == data.num_edges // 2


def test_a_split_without_both_classes_is_named_before_anything_runs(tmp_path):
    data = small_graph()
    data.metric = "roc_auc"
    data.y = (torch.arange(data.num_nodes) == 0).long()
    with pytest.raises(ValueError, match=r"of one class only, and there is no ROC-AUC of one class; draw a split"):
        sweep_graph(data, tmp_path / "run", workers=1, progress=False, **FIELDS)
    assert not (tmp_path / "run" / "results.sqlite").exists()


def test_a_score_that_is_no_number_is_no_result(tmp_path, monkeypatch):
    train = work.train
    monkeypatch.setattr(work, "train", lambda *task: dataclasses.replace(train(*task), test_score=float("nan")))
    cells = sweep_graph(small_graph(), tmp_path / "run", workers=1, progress=False, **FIELDS).cells
    assert set(cells["status"]) == {"diverged"}
    assert cells["test_score"].isna().all()
    assert cells["message"].str.contains("the model's outputs have no accuracy").all()
