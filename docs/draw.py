"""Draw the pictures of the site from real orders: ``python docs/draw.py``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
from matplotlib.collections import LineCollection
from wis.experiments.pages.svg import BLUE, COLOURS, GREY, INK, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

import wis

HERE = Path(__file__).parent / "pictures"


def draw_orders() -> None:
    """The karate club: the removal order of 2-WIS, and half of the edges kept by it and at random."""
    club = _club()
    places = nx.spring_layout(club, seed=7, iterations=300)
    order = wis.removal_order(club, depth=3)
    pairs = order.edges.T.tolist()  # first removed first
    with figure(HERE / "orders.svg", columns=3) as (left, middle, right):
        steps = np.arange(1, len(pairs) + 1)
        segments = [[places[u], places[v]] for u, v in pairs]
        lines = LineCollection(segments, cmap="viridis", array=steps, linewidths=2)
        left.add_collection(lines)
        left.figure.colorbar(lines, ax=left, label="removed as number", shrink=0.8)
        left.set_title("the order of 2-WIS")
        for axes, method, name in ((middle, "wis", "2-WIS"), (right, "random", "random removal")):
            kept = wis.sparsify(club, 0.5, method=method, seed=0 if method == "random" else None)
            segments = [[places[u], places[v]] for u, v in kept.edges()]
            axes.add_collection(LineCollection(segments, colors=BLUE if method == "wis" else GREY, linewidths=2))
            fewest = int(wis.closed_walks(kept, 3).min())
            axes.set_title(f"half kept by {name}:\n{nx.number_of_isolates(kept)} vertices alone, fewest walks {fewest}")
        for axes in (left, middle, right):
            axes.scatter(*np.array([places[v] for v in club]).T, s=14, color=INK, zorder=3)
            axes.autoscale_view()
            axes.set_axis_off()


# Two triangles that share an edge, and a tail.
SMALL = {0: (0, 1), 1: (1, 1.8), 2: (1, 0.2), 3: (2, 1), 4: (3.1, 1), 5: (4.2, 1)}
SMALL_EDGES = ((0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (3, 4), (4, 5))


def draw_greedy() -> None:
    """The first removals of 2-WIS from a small graph, with the closed walks before and after."""
    graph = nx.Graph(SMALL_EDGES)
    removed = wis.removal_order(graph, depth=3).edges.T.tolist()[:3]
    with figure(HERE / "greedy.svg", columns=2, rows=2) as panels:
        before = None
        for step, axes in enumerate(panels):
            graph.remove_edges_from(removed[step - 1 : step] if step else [])
            walks = _walks(graph)
            _edges(axes, graph.edges(), SMALL, INK, 1.6)
            if step < len(removed):
                _edges(axes, [removed[step]], SMALL, COLOURS[0], 4)
            for vertex, (x, y) in SMALL.items():
                fell = before is not None and walks[vertex] < before[vertex]
                axes.text(
                    x,
                    y,
                    str(walks[vertex]),
                    ha="center",
                    va="center",
                    color="white" if fell else INK,
                    bbox={"boxstyle": "circle", "facecolor": BLUE if fell else "white", "edgecolor": INK},
                )
            name = "the graph" if step == 0 else f"after removal {step}"
            axes.set_title(f"{name}\nsorted: {', '.join(map(str, sorted(walks.values())))}", fontsize="medium")
            axes.set_xlim(-0.5, 4.7)
            axes.set_ylim(-0.4, 2.4)
            axes.set_aspect("equal")
            axes.set_axis_off()
            before = walks


def draw_peeling() -> None:
    """The karate club: the level at which every edge goes, from the highest down."""
    club = _club()
    with figure(HERE / "peeling.svg", columns=2) as panels:
        for axes, depth in zip(panels, (2, 3), strict=True):
            left = club.copy()
            levels, edges = [], []
            for edge in wis.removal_order(club, depth=depth).edges.T.tolist():
                old = _walks(left, depth)
                left.remove_edge(*edge)
                new = _walks(left, depth)
                levels.append(min(new[v] for v in left if new[v] != old[v]))
                edges.append(min(new.values()))
            steps = np.arange(1, len(levels) + 1)
            axes.step(steps, levels, where="mid", color=BLUE, label="smallest value that the removal changes")
            axes.step(steps, edges, where="mid", color=COLOURS[0], linestyle="--", label="smallest value of all")
            axes.set_xlabel("removal")
            axes.set_ylabel("closed walks afterwards")
            axes.set_title(f"{depth - 1}-WIS")
            axes.legend(frameon=False)


def draw_clusters() -> None:
    """Three clusters: what goes when half of the edges go, by 1-WIS, by 2-WIS and at random."""
    sizes = (10, 8, 6)
    graph = nx.random_partition_graph(sizes, 0.7, 0.04, seed=3)
    graph = nx.Graph(graph.edges())
    block = np.repeat(np.arange(len(sizes)), sizes)
    places = nx.spring_layout(graph, seed=5, iterations=300)
    calls = {
        "1-WIS": {"method": "wis", "depth": 2},
        "2-WIS": {"method": "wis", "depth": 3},
        "random removal": {"method": "random", "seed": 0},
    }
    with figure(HERE / "clusters.svg", columns=3) as panels:
        for axes, (name, call) in zip(panels, calls.items(), strict=True):
            kept = wis.sparsify(graph, 0.5, **call)
            gone = [edge for edge in graph.edges() if not kept.has_edge(*edge)]
            between = [edge for edge in graph.edges() if block[edge[0]] != block[edge[1]]]
            stay = sum(kept.has_edge(*edge) for edge in between)
            _edges(axes, gone, places, COLOURS[0], 1.2, "dotted")
            _edges(axes, kept.edges(), places, BLUE, 2)
            _vertices(axes, places)
            axes.set_title(
                f"{name}: of {len(between)} edges between clusters {stay} stay\n"
                f"vertices alone: {nx.number_of_isolates(kept)}, fewest walks: {min(_walks(kept).values())}"
            )


def _club() -> nx.Graph:
    club = nx.Graph()
    club.add_nodes_from(range(34))
    club.add_edges_from(nx.karate_club_graph().edges())
    return club


def _walks(graph: nx.Graph, length: int = 3) -> dict[int, int]:
    """The value of every vertex: its closed walks, and 0 where it is alone."""
    nodes = list(graph)
    adjacency = nx.to_numpy_array(graph, nodelist=nodes, dtype=int) + np.eye(len(nodes), dtype=int)
    walks = np.diag(np.linalg.matrix_power(adjacency, length)).tolist()
    return {v: walks[i] if graph.degree(v) else 0 for i, v in enumerate(nodes)}


def _edges(
    axes: Axes, edges: Iterable[tuple[int, int]], places: dict, colour: str, width: float, style: str = "solid"
) -> None:
    segments = [[places[u], places[v]] for u, v in edges]
    axes.add_collection(LineCollection(segments, colors=colour, linewidths=width, linestyles=style))


def _vertices(axes: Axes, places: dict) -> None:
    axes.scatter(*np.array(list(places.values())).T, s=14, color=INK, zorder=3)
    axes.autoscale_view()
    axes.set_axis_off()


if __name__ == "__main__":
    draw_orders()
    draw_greedy()
    draw_peeling()
    draw_clusters()
