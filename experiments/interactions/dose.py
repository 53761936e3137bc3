"""One task, one graph, eight arrangements: does accuracy rise with the walk index? ``wis interactions dose``.

In the two cliques of "is same class" every arrangement but the lowest has the highest walk index, because a vertex of a
clique that holds both images is at the boundary. A ring of eight cliques of four has levels between.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from wis.experiments.interactions.same_class import Protocol
from wis.experiments.interactions.task import NUM_RUNS, Arrangement

NUM_CLIQUES, SIZE = 8, 4
PROTOCOL = Protocol(steps=600)
MODELS = ("gcn",)


def arrangements() -> list[Arrangement]:
    """From all cliques of one image, grouped, to all cliques of both: the walk index rises from one to the next."""
    import networkx as nx

    ring = nx.ring_of_cliques(NUM_CLIQUES, SIZE)
    found = [
        Arrangement(f"{mixed} mixed, {'in turns' if in_turns else 'grouped'}", ring, _runs(mixed, in_turns))
        for mixed in range(0, NUM_CLIQUES + 1, 2)
        for in_turns in (False, True)
        if in_turns is False or NUM_CLIQUES - mixed >= 4  # two cliques and fewer have no other order
    ]
    return sorted(found, key=lambda arrangement: arrangement.walk_index)


def _runs(mixed: int, in_turns: bool) -> np.ndarray:
    """The runs at every vertex: ``mixed`` cliques hold two runs of both images, the others four of one."""
    pure = [*_pure(mixed)]
    if in_turns:
        half = len(pure) // 2
        pure = [clique for both in zip(pure[:half], pure[half:], strict=True) for clique in both]
    return np.concatenate([*(_both(2 * i) for i in range(mixed)), *pure])


def _both(first: int) -> np.ndarray:
    return np.array([first, first + NUM_RUNS, first + 1, first + 1 + NUM_RUNS])


def _pure(mixed: int) -> Iterator[np.ndarray]:
    """The runs that no mixed clique holds, four in a clique, those of the first image first."""
    for image in range(2):
        for first in range(2 * mixed, NUM_RUNS, SIZE):
            yield np.arange(first, first + SIZE) + image * NUM_RUNS
