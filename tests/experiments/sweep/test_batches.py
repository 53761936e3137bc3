from __future__ import annotations

import dataclasses
import logging

import pytest
from wis.experiments.sweep import batches as module
from wis.experiments.sweep.batches import choose_batches
from wis.experiments.sweep.estimate import estimate
from wis.experiments.sweep.plan import Plan
from wis.experiments.sweep.results import read_results
from wis.experiments.sweep.runs import expand
from wis.experiments.sweep.store import finished_batches
from wis.experiments.sweep.sweep import run_sweep

PLAN = Plan("small", datasets=("digits",), methods=("random",), removed=(0, 0.5, 1), seeds=(0,), epochs=2)
WITH_UGS = dataclasses.replace(PLAN, methods=("random", "ugs:epochs=1,prune=0.5"))


@pytest.fixture
def memory(monkeypatch):
    """Sets the free memory to what the training of a model takes in so many batches, on a graph like digits or so."""

    def fits(batches: int, monkeypatch=monkeypatch) -> None:
        needs = {count: 1000 + 1000 // count for count in range(1, 300)}
        monkeypatch.setattr(module, "training_bytes", lambda model, size, count, device: needs[count])
        monkeypatch.setattr("wis.baselines.gnn.memory.training_bytes", module.training_bytes)
        monkeypatch.setattr(module, "needed_bytes", lambda work, size, device: 1990)
        monkeypatch.setattr(module, "free_bytes", lambda device: needs[batches])

    return fits


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "four", "0", [2]])
def test_bad_numbers_are_refused(value):
    with pytest.raises(
        ValueError, match=r"batches must be a whole number from 1 \(the whole graph at once\), or 'auto'"
    ):
        dataclasses.replace(PLAN, batches=value)


def test_the_whole_graph_is_the_run_of_before():
    whole = {cell.run.key for cell in expand(PLAN, "cpu")}
    assert all("batches" not in cell.run.protocol for cell in expand(PLAN, "cpu", {("digits", "gcn"): 1}))
    assert whole == {cell.run.key for cell in expand(PLAN, "cpu", {("digits", "gcn"): 1})}
    in_four = expand(PLAN, "cpu", {("digits", "gcn"): 4})
    assert all(cell.run.protocol["batches"] == 4 for cell in in_four)
    assert not whole & {cell.run.key for cell in in_four}
    assert "batches" not in PLAN.to_dict()
    assert Plan.from_dict(PLAN.to_dict()) == PLAN
    four = dataclasses.replace(PLAN, batches=4)
    assert Plan.from_dict(four.to_dict()) == four
    assert four.folder_name != PLAN.folder_name


def test_what_fits_is_trained_on_the_whole_graph(tmp_path, small_dataset):
    assert choose_batches(WITH_UGS, tmp_path) == {("digits", "gcn"): 1}


def test_as_few_as_fit(tmp_path, small_dataset, memory, caplog):
    memory(3)
    with caplog.at_level(logging.WARNING, "wis"):
        assert choose_batches(PLAN, tmp_path) == {("digits", "gcn"): 3}
    assert "digits, gcn: 3 random batches an epoch: a whole graph at once takes about" in caplog.text


def test_memory_is_shared_by_the_workers_that_there_is_work_for(tmp_path, small_dataset, monkeypatch):
    rooms = []
    monkeypatch.setattr(module, "free_bytes", lambda device: 6000)
    monkeypatch.setattr(module, "fewest_batches", lambda model, size, room, device: rooms.append(room) or 1)
    for workers in (1, 2, 8):
        choose_batches(PLAN, tmp_path, workers=workers)
    assert rooms == [6000, 3000, 2000]


def test_weights_that_methods_set_are_counted(tmp_path, small_dataset, monkeypatch):
    seen = []
    monkeypatch.setattr(module, "fewest_batches", lambda model, size, room, device: seen.append(size.weighted) or 1)
    for method in ("random", "dspar-reweighted"):
        choose_batches(dataclasses.replace(PLAN, methods=(method,)), tmp_path)
    assert seen == [False, True]


def test_what_fits_in_no_number_is_refused_by_name(tmp_path, small_dataset, memory, monkeypatch):
    memory(1)
    monkeypatch.setattr(module, "free_bytes", lambda device: 1001)
    with pytest.raises(ValueError, match="batches: training gcn on digits takes about .* give --batches N to try"):
        run_sweep(PLAN, tmp_path / "run", workers=1, progress=False)
    assert not (tmp_path / "run").exists()


def test_masks_that_do_not_fit_are_refused_by_name(tmp_path, small_dataset, memory):
    memory(3)
    for plan in (WITH_UGS, dataclasses.replace(WITH_UGS, batches=4)):
        with pytest.raises(ValueError, match=r"methods: ugs learns its masks on the whole graph .* with gcn on digits"):
            run_sweep(plan, tmp_path / "run", workers=1, progress=False)
    assert not (tmp_path / "run").exists()
    assert choose_batches(dataclasses.replace(WITH_UGS, removed=(0, 1)), tmp_path) == {("digits", "gcn"): 3}


def test_masks_are_measured(small_dataset, tmp_path, monkeypatch):
    needs = []
    original = module.needed_bytes
    monkeypatch.setattr(module, "needed_bytes", lambda *args, **kw: needs.append(original(*args, **kw)) or needs[-1])
    for form in ("edge-mask", "original"):
        choose_batches(dataclasses.replace(PLAN, methods=(f"ugs:form={form}",)), tmp_path)
    assert 40 * 64 * 4 < needs[0] < needs[1] < 2**24


def test_more_than_half_the_vertices_are_refused_before_anything_runs(tmp_path, small_dataset):
    with pytest.raises(
        ValueError, match="batches must be at most half the number of vertices, 40 of digits, .* got 21"
    ):
        run_sweep(dataclasses.replace(PLAN, batches=21), tmp_path / "run", workers=1, progress=False)
    assert not (tmp_path / "run").exists()


def test_a_folder_goes_on_with_the_number_that_it_began_with(tmp_path, small_dataset, memory):
    memory(3)
    run_sweep(PLAN, tmp_path, workers=1, progress=False)
    assert finished_batches(tmp_path) == {("digits", "gcn"): 3}
    memory(1)
    more = dataclasses.replace(PLAN, seeds=(0, 1))
    assert run_sweep(more, tmp_path, workers=1, progress=False).ok == 6
    assert set(read_results(tmp_path).cells["batches"]) == {3}
    with pytest.raises(ValueError, match="holds another plan"):
        run_sweep(dataclasses.replace(PLAN, batches=1), tmp_path, workers=1, progress=False)


def test_an_estimate_says_so(tmp_path, small_dataset):
    found = estimate(dataclasses.replace(PLAN, batches=4), tmp_path)
    assert "; digits, gcn in 4 batches an epoch" in str(found)
    assert found.training > 0


def test_a_model_that_knows_only_one_graph_is_trained_on_the_whole(tmp_path, small_dataset, monkeypatch, caplog):
    (tmp_path / "only_this_graph.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self, num_features, num_classes):\n"
        "        super().__init__()\n"
        "        self.of_vertex = torch.nn.Parameter(torch.zeros(40, num_classes))\n"
        "    def forward(self, x, edge_index):\n"
        "        return self.of_vertex + x.sum(dim=1, keepdim=True)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    plan = dataclasses.replace(PLAN, models=("only_this_graph:Net",))
    with caplog.at_level(logging.WARNING, "wis"):
        assert choose_batches(plan, tmp_path) == {("digits", "only_this_graph:Net"): 1}
    assert "does not train on a small random graph" in caplog.text
