"""The datasets by name: what they are, how large, and which raw files they are read from."""

from __future__ import annotations

from dataclasses import dataclass

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
        test here reads the data (CiteSeer, PubMed, Photo, ogb).
    folder
        Where its raw files lie below the data root; None if it is built in.
    files
        The raw files, relative to ``folder``.
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

    @property
    def built_in(self) -> bool:
        """Whether it needs no files."""
        return self.folder is None


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
    return Dataset(name, summary, source, *size, f"{name}/geom_gcn", tuple(files))


def _ogb(name: str, split: str, more: tuple[str, ...], size: tuple[int, int, int, int], summary: str) -> Dataset:
    parts = ("edge", "num-node-list", "num-edge-list", "node-feat", "node-label", *more)
    files = [f"raw/{part}.csv.gz" for part in parts]
    files += [f"split/{split}/{part}.csv.gz" for part in ("train", "valid", "test")]
    return Dataset(name, summary, "Hu et al., NeurIPS 2020; ogb", *size, name.replace("-", "_"), tuple(files))


_CITATIONS = "papers joined by citations; classes are research topics"
_PRODUCTS = "products bought together; classes are product categories"
_PAGES = "Wikipedia pages joined by links; classes are levels of traffic"

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

    Raises
    ------
    TypeError
        If ``name`` is not a string.
    ValueError
        If there is no dataset of this name; the message lists those there are.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a dataset must be a string, got {type(name).__name__}")
    for dataset in _DATASETS:
        if dataset.name.lower() == name.lower():
            return dataset
    raise ValueError(f"unknown dataset {name!r}; the datasets are: {', '.join(names())}")
