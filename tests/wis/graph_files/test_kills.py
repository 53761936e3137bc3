"""A process killed at every step of a write leaves the old file or the whole new one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

import wis

# Children of one process, each of which dies when it is about to touch the folder of the output for the nth time.
WRITE = """
import os, signal, sys
import wis
path, out = sys.argv[1:]
sparse = wis.sparsify(wis.read_graph(path), 0.5)

def write(stop):
    touched = 0

    def hook(event, arguments):
        nonlocal touched
        for argument in arguments:
            is_path = isinstance(argument, (str, os.PathLike))
            if is_path and os.path.dirname(os.fspath(argument)) == os.path.dirname(out):
                touched += 1
                if touched == stop:
                    os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    wis.write_graph(sparse, out)
    os._exit(0)

for stop in range(1, 1000):
    with open(out, "wb") as file:
        file.write(b"old")
    child = os.fork()
    if child == 0:
        write(stop)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 0:
        break
    assert code == -signal.SIGKILL, code
    with open(out, "rb") as file:
        assert file.read() == b"old"
print(stop)
"""
COLUMNS = np.array([[0, 0, 1, 2], [1, 2, 2, 3]])
MATRIX = scipy.sparse.coo_array((np.ones(8), np.concatenate([COLUMNS, COLUMNS[::-1]], axis=1)), shape=(4, 4))
FRAME = pd.DataFrame({"source": COLUMNS[0], "target": COLUMNS[1]})
GRAPH = nx.Graph(COLUMNS.T.tolist())
WRITERS: dict[str, Any] = {
    "in.csv": lambda path: FRAME.to_csv(path, index=False),
    "in.txt.gz": lambda path: FRAME.to_csv(path, index=False, header=False, sep=" "),
    "in.parquet": FRAME.to_parquet,
    "in.npy": lambda path: np.save(path, COLUMNS),
    "in.npz": lambda path: np.savez(path, edge_index=COLUMNS),
    "matrix.npz": lambda path: scipy.sparse.save_npz(path, MATRIX),
    "in.mtx": lambda path: wis.write_graph(MATRIX, path),
    "in.pt": lambda path: torch.save(torch.from_numpy(np.concatenate([COLUMNS, COLUMNS[::-1]], axis=1)), path),
    "in.graphml": lambda path: nx.write_graphml(GRAPH, path),
    "in.gml": lambda path: nx.write_gml(GRAPH, path),
    "in.gexf": lambda path: nx.write_gexf(GRAPH, path),
    "in.net": lambda path: nx.write_pajek(nx.MultiGraph(GRAPH), path),
    "in.adjlist": lambda path: nx.write_adjlist(GRAPH, path),
    "in.json": lambda path: path.write_text(json.dumps(nx.node_link_data(GRAPH, edges="links"))),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WRITERS)
def test_a_kill_at_every_step(tmp_path: Path, name: str) -> None:
    path, folder = tmp_path / name, tmp_path / "out"
    out = folder / name
    folder.mkdir()
    WRITERS[name](path)
    command = [sys.executable, "-W", "ignore", "-c", WRITE, str(path), str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 3
    assert read(out) == read(path, sparse=True)
    assert list(folder.iterdir()) == [out]


def read(path: Path, *, sparse: bool = False) -> list[list[int]]:
    """The pairs of a file, or those that stay of it."""
    graph = wis.read_graph(path)
    return sorted(wis.removal_order(wis.sparsify(graph, 0.5) if sparse else graph, depth=2).edges.T.tolist())
