"""Datasets by name, ready to train on: ``load("digits")``, ``load("Cora")``, ``load("ogbn-arxiv")``.

Every graph comes with the preprocessing of Razin et al. (NeurIPS 2023): self-loops removed, both directions of every
edge, no duplicates; 80/10/10 random split with split seed 1, or the benchmark's own split for Open Graph Benchmark
(ogb) data. ``digits`` is built on the spot and needs no download. The others are read from *raw* files in a data root;
the root is only written to when files must be downloaded, so a read-only one works.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import pickletools
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wis.files import replace_file

SPLIT_SEED = 1
DIGITS_NEIGHBOURS = 8

# Part of the name of every cached file: raise it when what `load` computes changes.
_CACHE_VERSION = 1
_DOWNLOAD_TIMEOUT_SECONDS = 30.0
_log = logging.getLogger("wis")


@dataclass(frozen=True)
class Dataset:
    """A dataset that :func:`load` knows.

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
    """The names that :func:`load` accepts."""
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


def load(name: str, data_root: str | os.PathLike[str] | None = None, *, split_seed: int = SPLIT_SEED) -> Any:
    """Load a dataset as one PyG graph.

    Parameters
    ----------
    name
        One of :func:`names`; upper and lower case do not matter.
    data_root
        Folder of the raw files, in the layout of PyG and ogb (``Cora/raw/…``, ``ogbn_arxiv/raw/…``). If None: the
        environment variable ``WIS_DATA_ROOT``, else a ``wis/data`` folder in the user's cache.
    split_seed
        Seed of the 80/10/10 split; has no effect on ogb data, which have a split of their own.

    Returns
    -------
    torch_geometric.data.Data
        ``x`` float32 ``[n, features]``, ``edge_index`` int64 ``[2, 2 m]`` sorted by (source, target), ``y`` int64
        ``[n]``, ``train_mask``, ``val_mask`` and ``test_mask`` bool ``[n]``, and ``name``.

    Raises
    ------
    ValueError
        If the name is unknown.
    FileNotFoundError
        If raw files are missing and cannot be downloaded; the message says which files to put where.

    Notes
    -----
    The result is kept in the user's cache (``XDG_CACHE_HOME``, else ``~/.cache``) as plain arrays, so that the raw
    files are parsed once. No pickle is ever loaded, except Planetoid's raw files, whose format is pickles: they are
    refused if they name anything but NumPy and SciPy arrays.
    """
    dataset = find(name)
    data = _digits() if dataset.built_in else _load_files(dataset, _data_root(data_root))
    if "train_mask" not in data:
        data.train_mask, data.val_mask, data.test_mask = random_split(data.num_nodes, split_seed)
    data.name = dataset.name
    return data


def random_split(num_nodes: int, seed: int = SPLIT_SEED) -> tuple[Any, Any, Any]:
    """Masks of a random 80/10/10 split: three bool tensors ``[num_nodes]`` for training, validation and test.

    Drawn as Razin et al.'s code draws it (NumPy's legacy generator), so that the same seed gives the same split.
    """
    import torch

    order = torch.from_numpy(np.random.RandomState(seed).permutation(num_nodes))
    num_train, num_val = int(0.8 * num_nodes), int(0.1 * num_nodes)
    masks = torch.zeros(3, num_nodes, dtype=torch.bool)
    for mask, part in zip(masks, order.tensor_split((num_train, num_train + num_val)), strict=True):
        mask[part] = True
    return masks[0], masks[1], masks[2]


def cache_folder() -> Path:
    """The folder for files that can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wis"


def _data_root(data_root: str | os.PathLike[str] | None) -> Path:
    chosen = data_root or os.environ.get("WIS_DATA_ROOT") or cache_folder() / "data"
    return Path(chosen).expanduser()


def _digits() -> Any:
    """Join every image to its nearest neighbours: the union over both directions, so degrees are 8 and more.

    The neighbours come from a k-d tree: its distances between integer pixels are exact, while those of a matrix product
    are rounded in an order that depends on the machine, which changes ties.
    """
    import torch
    from sklearn.datasets import load_digits
    from sklearn.neighbors import NearestNeighbors
    from torch_geometric.data import Data

    images, labels = load_digits(return_X_y=True)
    search = NearestNeighbors(n_neighbors=DIGITS_NEIGHBOURS, algorithm="kd_tree").fit(images)
    neighbours = search.kneighbors_graph().tocoo()
    columns = torch.from_numpy(np.stack([neighbours.row, neighbours.col]).astype(np.int64))
    # Pixels are 0 to 16.
    x = torch.from_numpy((images / 16).astype(np.float32))
    return _prepare(Data(x=x, edge_index=columns, y=torch.from_numpy(labels.astype(np.int64))))


def _prepare(data: Any) -> Any:
    """Keep features, labels and masks; make the edges undirected, without self-loops and duplicates."""
    from torch_geometric.data import Data
    from torch_geometric.utils import remove_self_loops, to_undirected

    columns = to_undirected(remove_self_loops(data.edge_index)[0], num_nodes=data.num_nodes)
    return Data(x=data.x, edge_index=columns.contiguous(), y=data.y.reshape(-1))


def _load_files(dataset: Dataset, root: Path) -> Any:
    assert dataset.folder is not None
    folder = root / dataset.folder
    if _missing(dataset, folder):
        _download(dataset, root)
    cached = cache_folder() / "processed" / f"{dataset.name}-{_fingerprint(folder, dataset.files)}.npz"
    if cached.is_file():
        return _read_cache(cached)
    _log.info("reading the raw files of %s; the result is kept in %s", dataset.name, cached)
    data = _parse(dataset, folder)
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        _write_cache(cached, data)
    except OSError as error:
        _log.warning("%s is parsed anew each time, because the cache cannot be written: %s", dataset.name, error)
    return data


def _missing(dataset: Dataset, folder: Path) -> list[str]:
    return [file for file in dataset.files if not (folder / file).is_file()]


def _fingerprint(folder: Path, files: tuple[str, ...]) -> str:
    """Changes with the place, size and time of the raw files; their content is not read."""
    facts: list[Any] = [_CACHE_VERSION, str(folder.resolve())]
    for file in files:
        status = (folder / file).stat()
        facts += [file, status.st_size, status.st_mtime_ns]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _write_cache(path: Path, data: Any) -> None:
    import scipy.sparse

    arrays = {key: value.numpy() for key, value in data.to_dict().items()}
    features = scipy.sparse.csr_array(arrays.pop("x"))
    arrays["x_shape"] = np.array(features.shape)
    # Bag-of-words features take a fiftieth of the space when only their non-zeros are stored.
    if features.nnz * 4 < np.prod(features.shape):
        arrays |= {"x_data": features.data, "x_indices": features.indices, "x_indptr": features.indptr}
    else:
        arrays["x"] = data.x.numpy()
    with replace_file(path) as temporary:
        np.savez(temporary, **arrays)


def _read_cache(path: Path) -> Any:
    import scipy.sparse
    import torch
    from torch_geometric.data import Data

    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    shape = tuple(arrays.pop("x_shape"))
    if "x" not in arrays:
        parts = [arrays.pop(f"x_{part}") for part in ("data", "indices", "indptr")]
        arrays["x"] = scipy.sparse.csr_array(tuple(parts), shape=shape).toarray()
    return Data.from_dict({key: torch.from_numpy(value) for key, value in arrays.items()})


def _parse(dataset: Dataset, folder: Path) -> Any:
    """Let PyG or ogb read the raw files in a scratch folder, where they may write what they like."""
    for file in dataset.files:
        if Path(file).name.startswith("ind.") and not file.endswith(".index"):
            _check_pickle(folder / file)
    with tempfile.TemporaryDirectory(prefix="wis-") as scratch:
        assert dataset.folder is not None
        for file in dataset.files:
            link = Path(scratch, dataset.folder, file)
            link.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy((folder / file).resolve(), link)
        with _quiet():
            return _read_ogb(dataset, Path(scratch)) if _is_ogb(dataset) else _prepare(_open_pyg(dataset, scratch)[0])


def _link_or_copy(source: Path, link: Path) -> None:
    try:
        link.symlink_to(source)
    except OSError:  # Windows without the privilege
        shutil.copyfile(source, link)


def _is_ogb(dataset: Dataset) -> bool:
    return dataset.name.startswith("ogbn-")


def _open_pyg(dataset: Dataset, root: str) -> Any:
    from torch_geometric import datasets as pyg

    if dataset.source.endswith("Planetoid"):
        return pyg.Planetoid(root, dataset.name)
    if dataset.source.endswith("CitationFull"):
        return pyg.CitationFull(root, dataset.name)
    if dataset.source.endswith("Amazon"):
        return pyg.Amazon(root, dataset.name)
    return pyg.WikipediaNetwork(root, dataset.name, geom_gcn_preprocess=True)


def _read_ogb(dataset: Dataset, root: Path) -> Any:
    import torch
    from ogb.nodeproppred import PygNodePropPredDataset
    from torch_geometric.data.data import DataEdgeAttr, DataTensorAttr
    from torch_geometric.data.storage import GlobalStorage

    assert dataset.folder is not None
    # ogb asks on the terminal whether to update when this file is missing; the raw files never changed since.
    (root / dataset.folder / "RELEASE_v1.txt").touch()
    # ogb 1.3.6 loads the file that it has just written with torch.load, which refuses classes that are not listed.
    with torch.serialization.safe_globals([DataEdgeAttr, DataTensorAttr, GlobalStorage]):
        source = PygNodePropPredDataset(dataset.name, str(root))
    data = _prepare(source[0])
    for mask, part in (("train_mask", "train"), ("val_mask", "valid"), ("test_mask", "test")):
        data[mask] = torch.zeros(data.num_nodes, dtype=torch.bool)
        data[mask][source.get_idx_split()[part]] = True
    return data


_HARMLESS = frozenset({
    "numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype", "scipy.sparse.csr csr_matrix",
    "collections defaultdict", "__builtin__ list",
})  # fmt: skip


def _check_pickle(path: Path) -> None:
    """Refuse a pickle that names anything but arrays, without running it."""
    for code, argument, _ in pickletools.genops(path.read_bytes()):
        named = code.name in ("GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4")
        if named and argument not in _HARMLESS:
            raise ValueError(f"{path} is not Planetoid data: it would run {argument or 'unknown code'} when read")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the chatter of the readers off the terminal."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _download(dataset: Dataset, root: Path) -> None:
    """Fetch the raw files into the root, each whole or not at all."""
    assert dataset.folder is not None
    folder = root / dataset.folder
    before = socket.getdefaulttimeout()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".part-") as scratch:
            socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT_SECONDS)
            _log.info("downloading %s to %s", dataset.name, folder)
            _fetch(dataset, scratch)
            for file in dataset.files:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                Path(scratch, dataset.folder, file).replace(folder / file)
    except Exception as error:
        files = ", ".join(_missing(dataset, folder) or dataset.files)
        raise FileNotFoundError(
            f"{dataset.name} is not in {root} and cannot be downloaded ({type(error).__name__}: {error}). Put these "
            f"files into {folder}: {files}. Or choose another folder with --data-root or WIS_DATA_ROOT"
        ) from error
    finally:
        socket.setdefaulttimeout(before)


def _fetch(dataset: Dataset, scratch: str) -> None:
    if not _is_ogb(dataset):
        _open_pyg(dataset, scratch)
        return
    # ogb's own class would ask on the terminal before it fetches a large file.
    from ogb.nodeproppred.dataset_pyg import __file__ as ogb_module
    from ogb.utils.url import download_url, extract_zip

    facts = _ogb_facts(Path(ogb_module).with_name("master.csv"), dataset.name)
    extract_zip(download_url(facts["url"], scratch), scratch)
    extracted = Path(scratch, facts["download_name"])
    if extracted.name != dataset.folder:
        extracted.rename(Path(scratch, str(dataset.folder)))


def _ogb_facts(master: Path, name: str) -> Any:
    import pandas as pd

    return pd.read_csv(master, index_col=0, keep_default_na=False)[name].to_dict()
