"""The datasets by name: what they are, how large, and which raw files they are read from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wis.experiments.datasets.own import entry_points

from wis.checks import did_you_mean

DIGITS_NEIGHBOURS = 8


@dataclass(frozen=True)
class Dataset:
    """A dataset that :func:`wis.experiments.datasets.load.load` knows.

    Attributes
    ----------
    name
        The name to call it by.
    summary
        What vertices, edges and classes are.
    source
        Whose data it is and the library that reads it.
    num_nodes, num_pairs, num_features, num_classes
        Its size; pairs are undirected edges without self-loops and duplicates. As documented by PyG and ogb where no
        test here reads the data (all but those of Razin et al. and the filtered ones).
    folder
        Where its raw files lie below the data root; None if it is built in.
    files
        The raw files, relative to ``folder``.
    num_splits
        How many splits it was published with that are used here; 0: splits are drawn.
    metric
        What validation and test measure: ``"accuracy"``, or ``"roc_auc"`` where it was published for that.
    caution
        What a reader of results on it should know.
    own
        Whether it is a user's: a file, or of another package. Then its size is 0 here.
    """

    name: str
    summary: str
    source: str
    num_nodes: int
    num_pairs: int
    num_features: int
    num_classes: int
    folder: str | None = None
    files: tuple[str, ...] = ()
    num_splits: int = 0
    metric: str = "accuracy"
    caution: str = ""
    own: bool = False

    @property
    def built_in(self) -> bool:
        """Whether it needs no files."""
        return self.folder is None and not self.own


def _planetoid(name: str, size: tuple[int, int, int, int], summary: str) -> Dataset:
    parts = ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index")
    files = tuple(f"raw/ind.{name.lower()}.{part}" for part in parts)
    return Dataset(name, summary, "Yang et al., ICML 2016; PyG Planetoid", *size, name, files)


def _amazon(name: str, size: tuple[int, int, int, int], summary: str) -> Dataset:
    files = (f"raw/amazon_electronics_{name.lower()}.npz",)
    return Dataset(name, summary, "Shchur et al., 2018; PyG Amazon", *size, name, files)


def _wikipedia(name: str, size: tuple[int, int, int, int], summary: str) -> Dataset:
    files = ["raw/out1_node_feature_label.txt", "raw/out1_graph_edges.txt"]
    files += [f"raw/{name}_split_0.6_0.2_{i}.npz" for i in range(10)]
    source = "Rozemberczki et al., 2019; Pei et al., ICLR 2020; PyG WikipediaNetwork"
    return Dataset(name, summary, source, *size, f"{name}/geom_gcn", tuple(files), caution=_LEAKS)


def _coauthor(name: str, size: tuple[int, int, int, int]) -> Dataset:
    files = (f"raw/ms_academic_{name[:3].lower()}.npz",)
    return Dataset(name, _AUTHORS, "Shchur et al., 2018; PyG Coauthor", *size, name, files)


def _heterophilous(name: str, size: tuple[int, int, int, int], summary: str, metric: str = "accuracy") -> Dataset:
    folder = name.replace("-", "_")
    source = "Platonov et al., ICLR 2023 (arXiv:2302.11640)"
    return Dataset(name, summary, source, *size, folder, (f"raw/{folder}.npz",), 10, metric)


def _ogb(name: str, split: str, more: tuple[str, ...], size: tuple[int, int, int, int], summary: str) -> Dataset:
    parts = ("edge", "num-node-list", "num-edge-list", "node-feat", "node-label", *more)
    files = [f"raw/{part}.csv.gz" for part in parts]
    files += [f"split/{split}/{part}.csv.gz" for part in ("train", "valid", "test")]
    return Dataset(name, summary, "Hu et al., NeurIPS 2020; ogb", *size, name.replace("-", "_"), tuple(files), 1)


_CITATIONS = "papers joined by citations; classes are research topics"
_PRODUCTS = "products bought together; classes are product categories"
_PAGES = "Wikipedia pages joined by links; classes are levels of traffic"
_AUTHORS = "authors joined by papers; classes are fields of study"
_LEAKS = "duplicate vertices leak between training and test (Platonov et al., arXiv:2302.11640): see the filtered one"

_DATASETS = (
    Dataset(
        "digits",
        f"handwritten digits joined to their {DIGITS_NEIGHBOURS} nearest neighbours; classes are the digits",
        "Alpaydin and Kaynak, UCI 1998; scikit-learn load_digits",
        *(1797, 9931, 64, 10),
    ),
    _planetoid("Cora", (2708, 5278, 1433, 7), _CITATIONS),
    _planetoid("CiteSeer", (3327, 4552, 3703, 6), _CITATIONS),
    _planetoid("PubMed", (19717, 44324, 500, 3), _CITATIONS),
    Dataset(
        "DBLP",
        "papers joined by citations; classes are research areas",
        "Bojchevski and Günnemann, ICLR 2018; PyG CitationFull",
        *(17716, 52867, 1639, 4),
        folder="dblp",
        files=("raw/dblp.npz",),
    ),
    _amazon("Computers", (13752, 245861, 767, 10), _PRODUCTS),
    _amazon("Photo", (7650, 119081, 745, 8), _PRODUCTS),
    _wikipedia("chameleon", (2277, 31371, 2325, 5), _PAGES),
    _wikipedia("squirrel", (5201, 198353, 2089, 5), _PAGES),
    _heterophilous("chameleon-filtered", (890, 8854, 2325, 5), f"{_PAGES}; no duplicates"),
    _heterophilous("squirrel-filtered", (2223, 46998, 2089, 5), f"{_PAGES}; no duplicates"),
    _heterophilous("roman-empire", (22662, 32927, 300, 18), "words of an article joined by syntax; classes are roles"),
    _heterophilous("amazon-ratings", (24492, 93050, 300, 5), "products bought together; classes are ratings"),
    _heterophilous("minesweeper", (10000, 39402, 7, 2), "cells of a grid; classes are mine or none", "roc_auc"),
    _heterophilous("tolokers", (11758, 519000, 10, 2), "workers joined by tasks; classes are banned or not", "roc_auc"),
    _heterophilous("questions", (48921, 153540, 301, 2), "users joined by answers; classes: active or not", "roc_auc"),
    _coauthor("CS", (18333, 81894, 6805, 15)),
    _coauthor("Physics", (34493, 247962, 8415, 5)),
    Dataset(
        "Flickr",
        "images joined by common properties; classes are kinds of images",
        "Zeng et al., ICLR 2020; PyG Flickr",
        *(89250, 449878, 500, 7),
        folder="Flickr",
        files=tuple(f"raw/{file}" for file in ("adj_full.npz", "feats.npy", "class_map.json", "role.json")),
        num_splits=1,
    ),
    Dataset(
        "Reddit",
        "posts joined by users who commented on both; classes are communities",
        "Hamilton et al., NeurIPS 2017; PyG Reddit",
        *(232965, 57307946, 602, 41),
        folder="Reddit",
        files=("raw/reddit_data.npz", "raw/reddit_graph.npz"),
        num_splits=1,
    ),
    _ogb("ogbn-arxiv", "time", ("node_year",), (169343, 1157799, 128, 40), "arXiv papers joined by citations; by year"),
    _ogb("ogbn-products", "sales_ranking", (), (2449029, 61859140, 100, 47), _PRODUCTS),
)


def datasets() -> list[Dataset]:
    """All datasets, the built-in one first."""
    return list(_DATASETS)


def names() -> list[str]:
    """The names of all datasets."""
    return [dataset.name for dataset in _DATASETS]


def find(name: str) -> Dataset:
    """Return the record of a dataset; upper and lower case do not matter.

    A name with a suffix or a slash is the path of a graph file; names of other packages are entry points of the group
    ``wis.datasets``.

    Raises
    ------
    TypeError
        If ``name`` is not a string.
    ValueError
        If there is no dataset of this name; the message names the nearest and lists those there are. If there is no
        such file.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a dataset must be a string, got {type(name).__name__}")
    for dataset in _DATASETS:
        if dataset.name.lower() == name.lower():
            return dataset
    if name in entry_points() or Path(name).suffix or len(Path(name).parts) > 1:
        if name not in entry_points() and not Path(name).is_file():
            raise ValueError(f"there is no graph file {name!r}, and the datasets are: {', '.join(names())}")
        return Dataset(name, "a graph of your own", name, *(0, 0, 0, 0), own=True)
    raise ValueError(f"unknown dataset {name!r}{did_you_mean(name, names())}; the datasets are: {', '.join(names())}")
