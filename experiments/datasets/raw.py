"""Raw files of datasets: fetched, checked and read by PyG and ogb, each in a scratch folder."""

from __future__ import annotations

import contextlib
import io
import logging
import pickletools
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from wis.experiments.datasets.catalogue import Dataset
from wis.experiments.datasets.splits import MASKS

_DOWNLOAD_TIMEOUT_SECONDS = 30.0
_HARMLESS = frozenset({
    "numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype", "scipy.sparse.csr csr_matrix",
    "collections defaultdict", "__builtin__ list",
})  # fmt: skip
_log = logging.getLogger("wis")


def missing(dataset: Dataset, folder: Path) -> list[str]:
    """The raw files that are not there."""
    return [file for file in dataset.files if not (folder / file).is_file()]


def parse(dataset: Dataset, folder: Path) -> Any:
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
            if _is_ogb(dataset):
                return _read_ogb(dataset, Path(scratch))
            if _is_heterophilous(dataset):
                return prepare(_read_heterophilous(folder / dataset.files[0]), masks=True)
            return prepare(_open_pyg(dataset, scratch)[0], masks=dataset.num_splits > 0)


def prepare(data: Any, *, masks: bool = False) -> Any:
    """Keep features, labels and, if asked, masks; make the edges undirected, without self-loops and duplicates."""
    from torch_geometric.data import Data
    from torch_geometric.utils import remove_self_loops, to_undirected

    columns = to_undirected(remove_self_loops(data.edge_index)[0], num_nodes=data.num_nodes)
    kept = {name: data[name] for name in MASKS} if masks else {}
    return Data(x=data.x, edge_index=columns.contiguous(), y=data.y.reshape(-1), **kept)


def _link_or_copy(source: Path, link: Path) -> None:
    try:
        link.symlink_to(source)
    except OSError:  # Windows without the privilege
        shutil.copyfile(source, link)


def _is_ogb(dataset: Dataset) -> bool:
    return dataset.name.startswith("ogbn-")


def _is_heterophilous(dataset: Dataset) -> bool:
    return "2302.11640" in dataset.source


def _read_heterophilous(path: Path) -> Any:
    """Read Platonov et al.'s format, which PyG's class reads for five names only; masks become ``[n, splits]``."""
    import torch
    from torch_geometric.data import Data

    with np.load(path, allow_pickle=False) as file:
        arrays = {name: torch.from_numpy(file[name]) for name in file.files}
    masks = {name: arrays[f"{name}s"].t().contiguous() for name in MASKS}
    return Data(x=arrays["node_features"], edge_index=arrays["edges"].t(), y=arrays["node_labels"], **masks)


def _open_pyg(dataset: Dataset, root: str) -> Any:
    from torch_geometric import datasets as pyg

    if dataset.source.endswith("Planetoid"):
        return pyg.Planetoid(root, dataset.name)
    if dataset.source.endswith("CitationFull"):
        return pyg.CitationFull(root, dataset.name)
    if dataset.source.endswith("Amazon"):
        return pyg.Amazon(root, dataset.name)
    if dataset.source.endswith("Coauthor"):
        return pyg.Coauthor(root, dataset.name)
    if dataset.source.endswith(("Flickr", "Reddit")):
        return getattr(pyg, dataset.name)(str(Path(root, dataset.name)))
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
    data = prepare(source[0])
    for mask, part in (("train_mask", "train"), ("val_mask", "valid"), ("test_mask", "test")):
        data[mask] = torch.zeros(data.num_nodes, dtype=torch.bool)
        data[mask][source.get_idx_split()[part]] = True
    return data


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


def download(dataset: Dataset, root: Path) -> None:
    """Fetch the raw files into the root, each whole or not at all.

    Raises
    ------
    FileNotFoundError
        If they cannot be fetched; the message says which files to put where.
    """
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
        files = ", ".join(missing(dataset, folder) or dataset.files)
        raise FileNotFoundError(
            f"{dataset.name} is not in {root} and cannot be downloaded ({type(error).__name__}: {error}). Put these "
            f"files into {folder}: {files}. Or choose another folder with --data-root or WIS_DATA_ROOT"
        ) from error
    finally:
        socket.setdefaulttimeout(before)


def _fetch(dataset: Dataset, scratch: str) -> None:
    if _is_heterophilous(dataset):
        from torch_geometric.data import download_url
        from torch_geometric.datasets import HeterophilousGraphDataset

        assert dataset.folder is not None
        download_url(f"{HeterophilousGraphDataset.url}/{dataset.folder}.npz", str(Path(scratch, dataset.folder, "raw")))
        return
    if not _is_ogb(dataset):
        _open_pyg(dataset, scratch)
        return
    # ogb's own class would ask on the terminal before it fetches a large file.
    from ogb.nodeproppred.dataset_pyg import __file__ as ogb_module
    from ogb.utils.url import download_url as download_zip
    from ogb.utils.url import extract_zip

    facts = _ogb_facts(Path(ogb_module).with_name("master.csv"), dataset.name)
    extract_zip(download_zip(facts["url"], scratch), scratch)
    extracted = Path(scratch, facts["download_name"])
    if extracted.name != dataset.folder:
        extracted.rename(Path(scratch, str(dataset.folder)))


def _ogb_facts(master: Path, name: str) -> Any:
    import pandas as pd

    return pd.read_csv(master, index_col=0, keep_default_na=False)[name].to_dict()
