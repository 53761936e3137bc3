from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wis.experiments.sweep import receptive_field as module
from wis.experiments.sweep.receptive_field import receptive_field

from wis.graphs.edge_list import EdgeList


def by_search(graph: nx.Graph, depth: int) -> tuple[list[int], list[int]]:
    """Vertices and messages of the field of every vertex, by a search from each."""
    backwards = graph.reverse() if graph.is_directed() else graph
    degrees = dict(graph.in_degree() if graph.is_directed() else graph.degree())
    vertices, messages = [], []
    for target in graph:
        hops = nx.single_source_shortest_path_length(backwards, target, cutoff=depth)
        vertices.append(len(hops))
        messages.append(sum(degrees[v] for v, far in hops.items() if far < depth))
    return vertices, messages


def edges_of(graph: nx.Graph) -> EdgeList:
    columns = np.array(graph.edges(), dtype=np.int64).reshape(-1, 2).T
    return EdgeList.from_columns(columns, len(graph), directed=graph.is_directed())


@given(st.integers(0, 10**6), st.integers(1, 25), st.integers(1, 4), st.booleans())
def test_the_field_is_what_a_search_from_every_vertex_finds(seed: int, n: int, depth: int, directed: bool) -> None:
    graph = nx.gnp_random_graph(n, 0.12, seed=seed, directed=directed)
    vertices, messages = by_search(graph, depth)
    found = receptive_field(edges_of(graph), depth)
    assert found["field_vertices_mean"] == pytest.approx(np.mean(vertices))
    assert found["field_vertices_p95"] == pytest.approx(np.percentile(vertices, 95))
    assert found["field_edges_mean"] == pytest.approx(np.mean(messages))
    assert found["field_edges_p95"] == pytest.approx(np.percentile(messages, 95))


def test_large_graphs_are_sampled_at_the_same_vertices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SAMPLE", 7)
    monkeypatch.setattr(module, "_BATCH", 3)
    star = nx.star_graph(30)  # the centre reaches 31 vertices in a hop, each leaf two
    found = receptive_field(edges_of(star), 1)
    assert found == receptive_field(edges_of(star), 1)
    assert found["field_vertices_mean"] in (2.0, (6 * 2 + 31) / 7)


def test_no_edges() -> None:
    assert receptive_field(edges_of(nx.empty_graph(4)), 3) == {
        "field_vertices_mean": 1.0, "field_vertices_p95": 1.0, "field_edges_mean": 0.0, "field_edges_p95": 0.0,
    }  # fmt: skip
