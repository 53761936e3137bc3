"""The task "is same class": two images whose pixels are spread over the vertices of one graph.

Razin, Verbin, Cohen (NeurIPS 2023, arXiv:2211.16494). Whether a GNN can tell that both images show the same class hangs
on the interaction that it can model between the vertices of one image and those of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import networkx as nx

NUM_RUNS = 16
DEPTH = 3

# Digits for training; the other 500 are for the test.
_TRAIN_DIGITS = 1297


@dataclass(frozen=True, eq=False)
class Images:
    """Images as runs of consecutive pixels.

    Attributes
    ----------
    runs
        float32 ``[images, 16, pixels / 16]`` from 0 to 1.
    labels
        int64 ``[images]``.
    """

    runs: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Where the runs of both images are.

    Attributes
    ----------
    name
        For the reader.
    graph
        The graph of 32 vertices.
    runs
        int64 ``[32]``: the run at every vertex, 0 to 15 for the first image and 16 to 31 for the second.
    """

    name: str
    graph: nx.Graph
    runs: np.ndarray

    @property
    def walk_index(self) -> int:
        """``WI_{L-1}`` of the partition into the images, at depth 3, for graph prediction."""
        import wis

        return wis.walk_index(self.graph, np.flatnonzero(self.runs < NUM_RUNS), DEPTH)

    def adjacency(self) -> np.ndarray:
        """float32 ``[32, 32]`` with self-loops."""
        import networkx as nx

        matrix = nx.to_numpy_array(self.graph, nodelist=range(2 * NUM_RUNS)).astype(np.float32)
        np.fill_diagonal(matrix, 1)
        return matrix


def two_cliques() -> nx.Graph:
    """Two cliques of 16 vertices joined by the edge of 0 and 16."""
    import networkx as nx

    graph = nx.disjoint_union(nx.complete_graph(NUM_RUNS), nx.complete_graph(NUM_RUNS))
    graph.add_edge(0, NUM_RUNS)
    return graph


def low(graph: nx.Graph | None = None) -> Arrangement:
    """An image in each clique: walk index 548 where nothing was removed."""
    return Arrangement("low", graph or two_cliques(), np.arange(2 * NUM_RUNS))


def high(graph: nx.Graph | None = None) -> Arrangement:
    """Runs 0 to 7 of both images in the first clique and 8 to 15 in the second, in turns: walk index 8,258."""
    runs = np.arange(NUM_RUNS).repeat(2)
    runs[1::2] += NUM_RUNS
    return Arrangement("high", graph or two_cliques(), runs)


def load_digits() -> tuple[Images, Images]:
    """scikit-learn's digits, shuffled once: 1,297 to train on and 500 others for the test; runs of 4 pixels."""
    from sklearn import datasets

    pixels, labels = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    train, test = order[:_TRAIN_DIGITS], order[_TRAIN_DIGITS:]
    return (_images(pixels[train], labels[train], 16), _images(pixels[test], labels[test], 16))


def load_fashion(folder: Path) -> tuple[Images, Images]:
    """Fashion-MNIST from its four IDX files, each plain or ``.gz``; runs of 49 pixels.

    Raises
    ------
    FileNotFoundError
        If a file is missing; the message names it.
    ValueError
        If a file is damaged, or images and labels do not belong together.
    """
    return _read_idx_pair(folder, "train"), _read_idx_pair(folder, "t10k")


def _read_idx_pair(folder: Path, part: str) -> Images:
    from wis.experiments.lm.controlled_data import read_idx

    images, labels = (read_idx(_either(folder, f"{part}-{kind}-ubyte")) for kind in ("images-idx3", "labels-idx1"))
    if images.ndim != 3 or labels.shape != images.shape[:1] or images[0].size % NUM_RUNS:
        raise ValueError(
            f"{folder}: {part} images {list(images.shape)} and labels {list(labels.shape)} are not pictures of a "
            "multiple "
            f"of {NUM_RUNS} pixels with a label each"
        )
    return _images(images, labels, 255)


def _either(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise FileNotFoundError(f"there is no {folder / name} (plain or .gz); Fashion-MNIST's four IDX files must be there")


def _images(pixels: np.ndarray, labels: np.ndarray, brightest: float) -> Images:
    runs = pixels.reshape(len(pixels), NUM_RUNS, -1).astype(np.float32) / brightest
    return Images(runs, labels.astype(np.int64))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of images.

    Attributes
    ----------
    first, second
        int64 ``[count]``: positions of the images.
    same
        float32 ``[count]``: 1 where both are of one class, else 0.
    """

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray


def draw_pairs(images: Images, count: int, rng: np.random.Generator) -> Pairs:
    """Pairs with replacement, of the same class with probability ½.

    The first image is uniform in a uniform class; the second in the same class, or over all images of the others.
    """
    classes = [np.flatnonzero(images.labels == label) for label in np.unique(images.labels)]
    others = [np.flatnonzero(images.labels != label) for label in np.unique(images.labels)]
    same = rng.random(count) < 0.5
    chosen = rng.integers(len(classes), size=count)
    first = np.array([rng.choice(classes[c]) for c in chosen])
    second = np.array([rng.choice((classes if s else others)[c]) for c, s in zip(chosen, same, strict=True)])
    return Pairs(first, second, same.astype(np.float32))


def vertex_inputs(images: Images, pairs: Pairs, runs: np.ndarray) -> np.ndarray:
    """The run at every vertex: float32 ``[count, 32, pixels / 16]``."""
    both = np.concatenate([images.runs[pairs.first], images.runs[pairs.second]], axis=1)
    return both[:, runs]
