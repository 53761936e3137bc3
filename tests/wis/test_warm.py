from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wis import warm

COMMON = """
import networkx as nx, numpy as np, wis
graph = nx.gnp_random_graph(30, 0.3, seed=0)
some = {"depth": 3, "targets": [1, 2]}
for options in ({"depth": 2}, {"depth": 3}, {"depth": 3, "ties": "random"}, {"depth": 4}, some):
    wis.removal_order(graph, seed=0, **options)
    wis.removal_order(nx.DiGraph(graph), directed=True, seed=0, **options)
wis.removal_order(graph, depth=3, objective="graph")
for method in ("random", "first"):  # dense and large enough for the kernels of dense graphs
    wis.removal_order(nx.gnp_random_graph(150, 0.6, seed=0), depth=3, ties=method, seed=0)
for method in ("spectral", "teddy", "dspar", "k-neighbor", "spanning-forest"):
    wis.sparsify(graph, 0.5, method=method, seed=0)
wis.walk_index(graph, [0, 1], 3)
"""


def test_every_form_is_called_and_none_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[int] = []

    def forms() -> list[object]:
        def fine() -> None:
            called.append(1)

        def refused() -> None:
            called.append(2)
            raise ValueError("too small")

        return [fine, refused, fine]

    monkeypatch.setattr(warm, "_forms", forms)
    assert warm.warm() == 3
    assert called == [1, 2, 1]


@pytest.mark.slow
def test_after_it_no_other_kernel_is_compiled(tmp_path: Path) -> None:
    """A second process that does the usual things compiles no kernel that is not there, at most a further signature."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-m", "wis.experiments", "warm"], check=True, env=environment)
    before = kernels(tmp_path / "cache")
    assert len(before) > 100
    subprocess.run([sys.executable, "-c", COMMON], check=True, env=environment, cwd=tmp_path)
    assert kernels(tmp_path / "cache") == before


def kernels(cache: Path) -> set[str]:
    """Names of the kernels in a cache, without the number of the signature."""
    return {path.name.rpartition(".py")[0] for path in cache.rglob("*.nbc")}
