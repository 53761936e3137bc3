"""A sweep over a graph in memory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from wis.experiments.datasets.own import check_own
from wis.experiments.sweep.plan import Plan
from wis.experiments.sweep.results import Results, read_results
from wis.experiments.sweep.sweep import run_sweep


def sweep_graph(
    data: Any,
    folder: Path | str,
    *,
    name: str = "graph",
    workers: int | None = None,
    progress: bool = True,
    **fields: Any,
) -> Results:
    """Compare sparsifiers on a PyG graph in memory, as ``wis sweep`` does on a file.

    Parameters
    ----------
    data
        PyG ``Data`` with ``x`` ``[n, f]``, an undirected ``edge_index``, ``y`` int ``[n]``, and masks ``[n]`` or
        ``[n, splits]``, or none: splits are drawn then. With ``metric = "roc_auc"`` two classes are scored by that.
    folder
        The run folder. The graph is kept there, and what has finished is not run again.
    name
        Name of the plan.
    workers, progress
        As :func:`wis.experiments.sweep.sweep.run_sweep` takes them.
    **fields
        Further fields of a :class:`~wis.experiments.sweep.plan.Plan`: ``methods=["random", "wis"]``, ``models``,
        ``removed``, ``seeds``, ``split_seeds``, ``split``, ``protocol``, ``epochs``, ``batches``, ``device``.

    Returns
    -------
    Results
        With one row a cell in ``.cells``. ``wis report FOLDER`` makes the page.

    Raises
    ------
    ValueError
        If the graph lacks something or a field does not fit; before anything runs.
    """
    import wis

    check_own(data)
    folder = Path(folder)
    path = folder / f"graph-{_fingerprint(data)[:12]}.pt"
    plan_fields = {"name": name, "datasets": str(path), "methods": ["random", "wis"], **fields}
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        wis.write_graph(data, path)
    run_sweep(Plan.from_dict(plan_fields), folder, command="sweep_graph(...)", workers=workers, progress=progress)
    return read_results(folder)


def _fingerprint(data: Any) -> str:
    digest = hashlib.sha256()
    for key, value in sorted(data.to_dict().items()):
        digest.update(f"{key} {getattr(value, 'shape', value)}".encode())
        if hasattr(value, "detach"):
            digest.update(value.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()
