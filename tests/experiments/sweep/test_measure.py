from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch_geometric.data import Data
from wis.baselines.metrics import Reference
from wis.experiments.sweep.measure import dataset_facts, environment, structure, what_is_kept
from wis.experiments.sweep.runs import Split

from wis.graphs.edge_list import EdgeList
from wis.graphs.load import load_graph

# A triangle, an edge and two isolated vertices; one self-loop.
COLUMNS = torch.tensor([[0, 1, 0, 2, 1, 2, 3, 4, 5], [1, 0, 2, 0, 2, 1, 4, 3, 5]])


def graph(columns: torch.Tensor = COLUMNS) -> Data:
    mask = torch.tensor([True, True, False, False, True, False, False])
    y = torch.tensor([0, 1, 2, 0, 1, 2, 0])
    return Data(x=torch.ones(7, 3), edge_index=columns, y=y, train_mask=mask, val_mask=~mask, test_mask=~mask)


def edges(columns: torch.Tensor = COLUMNS) -> EdgeList:
    return EdgeList.from_columns(columns.numpy(), 7)


LABELS = graph().y.numpy()


def test_structure():
    assert structure(edges()) == {"pairs": 4, "components": 4, "isolated": 2}
    assert structure(edges(COLUMNS[:, :0])) == {"pairs": 0, "components": 7, "isolated": 7}


def test_dataset_facts():
    facts = dataset_facts(load_graph(graph()), Split(1, None))
    assert facts == {
        "vertices": 7, "pairs": 4, "components": 4, "isolated": 2, "features": 3, "classes": 3, "train": 3, "val": 4,
        "test": 4,
    }  # fmt: skip


def test_dataset_facts_say_what_to_beware_of():
    assert dataset_facts(load_graph(graph()), Split(1, None), "it leaks")["caution"] == "it leaks"


def test_compare_leaves_out_what_is_undefined():
    same = what_is_kept(Reference(edges()), edges(), LABELS)
    assert (same["stretch"], same["unreachable"], same["walk_index_kept"]) == (1.0, 0.0, 1.0)
    nothing = what_is_kept(Reference(edges()), edges(COLUMNS[:, :0]), LABELS)
    assert "stretch" not in nothing
    assert nothing["unreachable"] == 1.0
    assert all(np.isfinite(value) for value in nothing.values())


def test_compare_reads_the_weight_of_each_pair():
    triangle = edges(COLUMNS[:, :6])
    assert what_is_kept(Reference(triangle), triangle, LABELS)["laplacian_error"] == 0.0
    assert np.isclose(what_is_kept(Reference(triangle), triangle, LABELS, np.full(3, 2.0))["laplacian_error"], 1.0)


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="only Linux resets the high-water mark")
def test_peak_memory_sees_a_large_array():
    # In a process of its own: where the system resets no mark, one that has held more before would see nothing.
    code = """
import numpy as np
from wis.machine import PeakMemory
memory = PeakMemory()
before = memory.bytes()
block = np.ones(2**24)  # 128 MiB
print(before, memory.bytes(), block.sum())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after, total = map(float, done.stdout.split())
    assert total == 2**24
    assert after >= before + 2**26


def test_environment_is_json():
    facts = json.loads(json.dumps(environment("cpu", 2)))
    # What is behind the plus, how PyTorch was built, is not always in its metadata.
    assert facts["versions"]["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    assert (facts["workers"], facts["device"]) == (2, "cpu")
