"""A sweep on a cluster whose nodes share no disk: graphs and orders travel with the tasks, each once.

The driver alone writes the run folder.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wis.experiments.running.processes import Outcome, Outcomes, Task
from wis.experiments.running.ray_cluster import RayCluster, fetch
from wis.experiments.sweep.store import OrderOutcome, RunOutcome
from wis.experiments.sweep.work import OrderTask, RunTask, compute_order, dataset, execute_run, order_is_there

from wis.files import replace_file
from wis.graphs.edge_list import LoadedGraph
from wis.graphs.load import load_graph


@dataclass(frozen=True)
class _Shipped:
    """A task with references to its graph and to the bytes of its order, in the cluster's store."""

    task: Any
    graph: Any
    order: Any = None


@dataclass(frozen=True)
class _Computed:
    """An order's outcome, and the bytes of its file if it is fine."""

    outcome: OrderOutcome | None
    file: bytes = b""


class Remote:
    """The executor of a sweep on a Ray cluster.

    Parameters
    ----------
    cluster
        The cluster.
    data_root
        Folder of the data sets on this machine; the nodes need none.
    """

    def __init__(self, cluster: RayCluster, data_root: Path | None) -> None:
        self._cluster = cluster
        self._data_root = data_root
        self._graphs: dict[str, Any] = {}
        self._orders: dict[Path, Any] = {}

    def __enter__(self) -> Remote:
        self._cluster.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._cluster.__exit__(*error)

    def map(
        self, function: Callable[[Task], Outcome], tasks: Sequence[Task], lost: Callable[[str], Outcome] | None = None
    ) -> Outcomes[Task, Any]:
        """As :meth:`RayCluster.map`, for the tasks of a sweep; an order is written when it comes in."""
        shipped = []
        for task in tasks:
            if isinstance(task, OrderTask) and self._is_there(task):
                yield task, None
            else:
                shipped.append(self._ship(task))
        for sent, outcome in self._cluster.map(_do, shipped, lost):
            if isinstance(outcome, _Computed):
                if outcome.file:
                    with replace_file(sent.task.path) as path:
                        path.write_bytes(outcome.file)
                yield sent.task, outcome.outcome
            else:
                yield sent.task, outcome

    def _is_there(self, task: OrderTask) -> bool:
        return task.may_be_there and order_is_there(task, dataset(task.sparsifier.dataset, self._data_root))

    def _ship(self, task: Any) -> _Shipped:
        name = task.sparsifier.dataset if isinstance(task, OrderTask) else task.run.dataset
        if name not in self._graphs:
            self._graphs[name] = self._cluster.put(dataset(name, self._data_root).data)
        order = None
        if isinstance(task, RunTask) and task.order_path is not None:
            if task.order_path not in self._orders:
                self._orders[task.order_path] = self._cluster.put(task.order_path.read_bytes())
            order = self._orders[task.order_path]
        return _Shipped(task, self._graphs[name], order)


def _do(shipped: _Shipped) -> _Computed | RunOutcome:
    """Do a task on a node."""
    import torch

    torch.set_num_threads(1)
    graph = _graph(shipped.graph)
    if isinstance(shipped.task, OrderTask):
        with tempfile.TemporaryDirectory(prefix="wis-") as folder:
            path = Path(folder, "order.npz")
            outcome = compute_order(replace(shipped.task, path=path, may_be_there=False, graph=graph))
            fine = outcome is not None and outcome.status == "ok"
            return _Computed(outcome, path.read_bytes() if fine else b"")
    order = None if shipped.order is None else _order_path(shipped.order)
    return execute_run(replace(shipped.task, order_path=order, graph=graph))


@functools.lru_cache(maxsize=2)
def _graph(reference: Any) -> LoadedGraph:
    return load_graph(fetch(reference))


@functools.lru_cache(maxsize=1)
def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder of this process; it goes with it."""
    return tempfile.TemporaryDirectory(prefix="wis-")


@functools.lru_cache(maxsize=4096)
def _order_path(reference: Any) -> Path:
    path = Path(_folder().name, f"{reference.hex()}.npz")
    path.write_bytes(fetch(reference))
    return path
