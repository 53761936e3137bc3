"""Draw the pictures of the site from real orders: ``python docs/draw.py``."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
from matplotlib.collections import LineCollection
from wis.experiments.pages.svg import BLUE, GREY, INK, figure

import wis

HERE = Path(__file__).parent / "pictures"


def draw_orders() -> None:
    """The karate club: the removal order of 2-WIS, and half of the edges kept by it and at random."""
    club = nx.Graph()
    club.add_nodes_from(range(34))
    club.add_edges_from(nx.karate_club_graph().edges())
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


if __name__ == "__main__":
    draw_orders()
