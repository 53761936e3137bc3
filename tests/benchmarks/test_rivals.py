"""The other implementations run, and those that give resistances give the right ones."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from wis.baselines.resistance import effective_resistances

from benchmarks.rivals import OTHERS
from tests.strategies import edge_list
from wis.registry import methods

# With an isolated vertex: without one, PyGSP 0.6 inverts the singular Laplacian as it is, and returns rounding errors.
EDGES = edge_list(61, np.array(nx.gnm_random_graph(60, 200, seed=3).edges).T)
EVERY = [(name, other) for name, others in OTHERS.items() for other in others]


@pytest.mark.parametrize(("name", "other"), EVERY, ids=[f"{name}: {other.label}" for name, other in EVERY])
def test_every_rival_runs(name, other):
    pytest.importorskip({"NetworKit": "networkit", "PyGSP": "pygsp"}.get(other.label.split()[0], "numpy"))
    assert name in {method.name for method in methods()}
    other.prepare(EDGES)()


@pytest.mark.parametrize("other", [other for other in OTHERS["spectral"] if other.max_nodes], ids=lambda o: o.label)
def test_dense_rivals_compute_what_we_compute(other):
    pytest.importorskip("pygsp" if "PyGSP" in other.label else "numpy")
    found = other.prepare(EDGES)()
    if found.shape != (EDGES.num_pairs,):  # a matrix of all pairs of vertices
        found = np.asarray(found.toarray())[tuple(EDGES.pairs)]
    assert np.allclose(found, effective_resistances(EDGES, solver="exact"))
