"""Datasets by name, ready to train on: ``load("digits")``, ``load("Cora")``, ``load("ogbn-arxiv")``.

Every graph comes with the preprocessing of Razin et al. (NeurIPS 2023): self-loops removed, both directions of every
edge, no duplicates; 80/10/10 random split with split seed 1, or the splits that a benchmark was published with (Open
Graph Benchmark, Platonov et al., Flickr, Reddit). ``digits`` is built from scikit-learn's images and needs no download.
The others are read from *raw* files in a data root; the root is only written to when files must be downloaded, so a
read-only one works.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from wis.experiments.datasets import raw
from wis.experiments.datasets.cache import read_cache, write_cache
from wis.experiments.datasets.catalogue import DIGITS_NEIGHBOURS, Dataset, find
from wis.experiments.datasets.own import read_own
from wis.experiments.datasets.splits import SPLIT, with_split

# Part of the name of every cached file: raise it when what `load` computes changes.
_CACHE_VERSION = 1
_log = logging.getLogger("wis")


def load(
    name: str,
    data_root: str | os.PathLike[str] | None = None,
    *,
    split: int = SPLIT,
    parts: tuple[float, ...] | None = None,
) -> Any:
    """Load a dataset as one PyG graph with one split.

    Parameters
    ----------
    name
        One of :func:`wis.experiments.datasets.catalogue.names`; upper and lower case do not matter. Or the path of a
        graph file with features and labels, whose edges, masks and attributes are taken as they are.
    data_root
        Folder of the raw files, in the layout of PyG and ogb (``Cora/raw/…``, ``ogbn_arxiv/raw/…``). If None: the
        environment variable ``WIS_DATA_ROOT``, else a ``wis/data`` folder in the user's cache.
    split
        Which of the published splits, counted from 0, or the seed of a random one; has no effect where one split was
        published.
    parts
        Shares for training, validation and test of a random split. None: a published split where there is one, else
        80/10/10.

    Returns
    -------
    torch_geometric.data.Data
        ``x`` float32 ``[n, features]``, ``edge_index`` int64 ``[2, 2 m]`` sorted by (source, target), ``y`` int64
        ``[n]``, ``train_mask``, ``val_mask`` and ``test_mask`` bool ``[n]``, ``name``, and ``metric`` if it is not
        accuracy.

    Raises
    ------
    ValueError
        If the name or the split is unknown.
    FileNotFoundError
        If raw files are missing and cannot be downloaded; the message says which files to put where.

    Notes
    -----
    The result is kept in the user's cache (``XDG_CACHE_HOME``, else ``~/.cache``) as plain arrays, so that the raw
    files are parsed, and ``digits`` is built, once; a damaged file there is made again. No pickle is ever loaded,
    except Planetoid's raw files, whose format is pickles: they are refused if they name anything but NumPy and SciPy
    arrays.
    """
    return with_split(read(name, data_root), split, parts)


def read(name: str, data_root: str | os.PathLike[str] | None = None) -> Any:
    """Load a dataset as :func:`load` does, with all splits that it was published with, or none.

    Returns
    -------
    torch_geometric.data.Data
        As :func:`load` returns it; masks, if any, are bool ``[n]`` or ``[n, splits]``.
    """
    dataset = find(name)
    if dataset.own:
        return read_own(name)
    data = _load_digits() if dataset.built_in else _load_files(dataset, data_root)
    data.name = dataset.name
    if dataset.metric != "accuracy":
        data.metric = dataset.metric
    return data


def cache_folder() -> Path:
    """The folder for files that can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wis"


def folder_of(dataset: Dataset, data_root: str | os.PathLike[str] | None = None) -> Path:
    """The folder of the files of a data set that is not built in; ``data_root`` as in :func:`load`."""
    return _data_root(data_root) / str(dataset.folder)


def _data_root(data_root: str | os.PathLike[str] | None) -> Path:
    chosen = data_root or os.environ.get("WIS_DATA_ROOT") or cache_folder() / "data"
    return Path(chosen).expanduser()


def _load_digits() -> Any:
    """Built once: scikit-learn takes seconds to import, in every worker of a sweep."""
    facts = [DIGITS_NEIGHBOURS, importlib.metadata.version("scikit-learn")]
    return _parse_once("digits", facts, _build_digits)


def _build_digits() -> Any:
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
    return raw.prepare(Data(x=x, edge_index=columns, y=torch.from_numpy(labels.astype(np.int64))))


def _load_files(dataset: Dataset, data_root: str | os.PathLike[str] | None) -> Any:
    folder = folder_of(dataset, data_root)
    if raw.missing(dataset, folder):
        raw.download(dataset, _data_root(data_root))
    return _parse_once(dataset.name, _facts(folder, dataset.files), lambda: raw.parse(dataset, folder))


def _facts(folder: Path, files: tuple[str, ...]) -> list[Any]:
    """Place, size and time of the raw files; their content is not read."""
    facts: list[Any] = [str(folder.resolve())]
    for file in files:
        status = (folder / file).stat()
        facts += [file, status.st_size, status.st_mtime_ns]
    return facts


def _parse_once(name: str, facts: list[Any], parse: Callable[[], Any]) -> Any:
    """What ``parse`` returns, kept in the user's cache until one of the facts changes."""
    digest = hashlib.sha256(repr([_CACHE_VERSION, *facts]).encode()).hexdigest()[:16]
    cached = cache_folder() / "processed" / f"{name}-{digest}.npz"
    try:
        return read_cache(cached)
    except FileNotFoundError:
        _log.info("parsing %s; the result is kept in %s", name, cached)
    except ValueError as error:
        _log.warning("parsing %s again: %s", name, error)
    data = parse()
    try:
        write_cache(cached, data)
    except OSError as error:
        _log.warning("%s is parsed anew each time, because the cache cannot be written: %s", name, error)
    return data
