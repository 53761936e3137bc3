"""Run a plan: the orders that are missing, then the runs that are missing, each result stored as it comes in."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wis.experiments.datasets.catalogue import find
from wis.experiments.datasets.splits import has_one_split, with_split
from wis.experiments.running.executors import Executor, Serial, choose_executor, work_through
from wis.experiments.running.processes import Processes
from wis.experiments.running.ray_cluster import RayCluster
from wis.experiments.sweep.measure import dataset_facts, environment
from wis.experiments.sweep.plan import Plan, plan_text
from wis.experiments.sweep.remote import Remote
from wis.experiments.sweep.runs import Run, expand
from wis.experiments.sweep.store import OrderOutcome, RunOutcome, Status, Store, finished_runs
from wis.experiments.sweep.trackers import TRACKERS, tracked
from wis.experiments.sweep.work import OrderTask, RunTask, compute_order, dataset, execute_run, load_dataset

from wis.checks import check_choice
from wis.files import replace_file
from wis.machine import find_device, usable_cores

# Each holds its own copy of the data set; where a system cannot fork them, of the libraries too, about half a GiB.
_MOST_WORKERS = 8
# What workers import.
LIBRARIES = ("torch_geometric.nn", "torch_geometric.loader", "numba", "networkit")
EXECUTORS = ("processes", "ray")
_log = logging.getLogger("wis")


@dataclass(frozen=True)
class Extent:
    """How much a sweep has to do.

    Attributes
    ----------
    runs, finished
        Distinct runs that the plan asks for, and how many of them had a result already.
    workers
        Number of processes.
    """

    runs: int
    finished: int
    workers: int


@dataclass(frozen=True)
class Tally:
    """How the runs of the plan ended, earlier ones included."""

    ok: int
    diverged: int
    failed: int


def run_sweep(
    plan: Plan,
    folder: Path,
    *,
    command: str = "",
    data_root: Path | None = None,
    workers: int | None = None,
    executor: str = "processes",
    address: str | None = None,
    log: str | None = None,
    retry_failed: bool = False,
    progress: bool = True,
    announce: Callable[[Extent], None] = lambda _: None,
) -> Tally:
    """Run what is missing of a plan.

    Parameters
    ----------
    plan
        What to compare.
    folder
        The run folder: results, removal orders and the plan. Results in it that the plan asks for are not run again;
        where none is missing nothing is written, so that the folder may be read-only.
    command
        The command that a report shows.
    data_root
        Folder of the datasets; see :func:`wis.experiments.datasets.load.load`.
    workers
        Number of processes, one thread each; 1 works in this process. None: :func:`default_workers`. A Ray cluster has
        its own.
    executor
        ``"processes"`` of this machine, or ``"ray"``.
    address
        Address of a Ray cluster; None: one is started on this machine.
    log
        A tracker that hears of every finished run, one of :data:`wis.experiments.sweep.trackers.TRACKERS`.
    retry_failed
        Run failed runs again.
    progress
        Show progress.
    announce
        Called before the first run with what there is to do.

    Returns
    -------
    Tally
        How the runs of the plan ended.

    Raises
    ------
    KeyboardInterrupt
        Runs in flight are lost, nothing else.
    ValueError
        If the folder holds results of another plan, or its results file is damaged; if a graph does not fit into
        memory, see :func:`wis.experiments.sweep.batches.choose_batches`.
    OSError
        If the folder cannot be written.
    RuntimeError
        If the plan's device is not there, or another sweep is running in the folder.

    Notes
    -----
    A run whose process is killed is done once more, alone; if that kills it too it is stored as failed, and the sweep
    goes on with a worker less.
    """
    from wis.experiments.sweep.batches import choose_batches

    device = find_device(plan.device).type
    check_choice("executor", executor, EXECUTORS)
    if log is not None:
        check_choice("log", log, tuple(TRACKERS))
    if executor != "ray" and address is not None:
        raise ValueError(f"address is that of a Ray cluster and needs executor 'ray', got {executor!r}")
    workers = workers or default_workers(device)
    dataset.cache_clear()  # an own graph's file may have changed since another sweep of this process
    batches = choose_batches(plan, folder, data_root=data_root, workers=workers)
    cells = expand(plan, device, batches)
    runs = {cell.run.key: cell.run for cell in cells}
    finished = finished_runs(folder, plan.to_dict())
    if not _missing(finished, runs, retry_failed):
        announce(Extent(len(runs), len(runs), workers))
        return _tally(finished, runs)
    check_own_graphs(plan)
    with Store(folder) as store:
        store.begin(plan.to_dict(), command, cells, environment(device, workers))
        with replace_file(folder / "plan.yaml") as path:
            path.write_text(plan_text(plan.to_dict()), encoding="utf-8")
        missing = _missing(store.finished("runs"), runs, retry_failed)
        announce(Extent(len(runs), len(runs) - len(missing), workers))
        for name in plan.datasets if missing else ():
            split = next(cell.run.split for cell in cells if cell.dataset == name)
            store.add_dataset(name, dataset_facts(dataset(name, data_root), split, find(name).caution))
        with (
            tracked(log, plan.name, folder) as tell,
            _executor(executor, address, device, min(workers, len(missing) or 1), data_root) as place,
        ):
            if isinstance(place, Processes):  # each of which has its own
                dataset.cache_clear()
            work = _Work(store, folder / "orders", place, data_root, progress, tell)
            failed_orders = work.compute_orders(missing)
            work.execute_runs(missing, failed_orders)
        return _tally(store.finished("runs"), runs)


def default_workers(device: str) -> int:
    """Number of processes of a sweep: one a core but at most 8 on the CPU, 1 on a GPU."""
    return min(usable_cores(), _MOST_WORKERS) if device == "cpu" else 1


def _executor(
    kind: str, address: str | None, device: str, workers: int, data_root: Path | None
) -> Serial | Processes | Remote:
    if kind == "processes":
        return choose_executor(workers, LIBRARIES)
    return Remote(RayCluster(address, gpu=device == "cuda"), data_root)


def check_own_graphs(plan: Plan) -> None:
    """Raise ``ValueError`` unless the user's own graphs of a plan have what all of its runs need."""
    from wis.baselines.gnn.data import check_data

    numbers = sorted({number for _, number in plan.seeds_and_splits})
    for name in plan.datasets:
        if not find(name).own:
            continue
        data = load_dataset(name, None).data
        if plan.split is None and has_one_split(data) and plan.split_seeds != "seeds" and len(numbers) > 1:
            raise ValueError(
                f"{name} has masks of one split, and the plan asks for {len(numbers)}: give --split-seeds 0 for that "
                "one, or have others drawn with --split 0.8,0.1,0.1"
            )
        for number in numbers:
            try:
                check_data(with_split(data, number, plan.split))
            except ValueError as error:
                which = f", split {number}" if len(numbers) > 1 else ""
                raise ValueError(f"{name}{which}: {error}") from error


def _missing(finished: Mapping[str, str], wanted: Mapping[str, Run], retry_failed: bool) -> list[Run]:
    done = {key for key, status in finished.items() if not (retry_failed and status == "failed")}
    return [run for key, run in wanted.items() if key not in done]


def _tally(finished: Mapping[str, Status], runs: Iterable[str]) -> Tally:
    statuses = Counter(finished[key] for key in runs)
    return Tally(statuses["ok"], statuses["diverged"], statuses["failed"])


@dataclass(frozen=True)
class _Work:
    """The two halves of a sweep. Only this process writes the store."""

    store: Store
    orders: Path
    executor: Executor
    data_root: Path | None
    progress: bool
    tell: Callable[[Run, RunOutcome], None]

    def compute_orders(self, runs: list[Run]) -> dict[str, str]:
        """Have each distinct removal order, computed once; return the messages of those that failed."""
        self.orders.mkdir(exist_ok=True)
        finished = self.store.finished("orders")
        tasks = {}
        for run in runs:
            sparsifier, path = run.sparsifier, self._order_path(run)
            if sparsifier and path:
                # No device is promised to a method: some run on the CPU only.
                device = "cpu" if run.device == "cpu" else "auto"
                may_be_there = finished.get(sparsifier.key) == "ok" and path.exists()
                tasks[sparsifier.key] = OrderTask(sparsifier, path, self.data_root, device, may_be_there)
        failed = {}

        def note(task: OrderTask, outcome: OrderOutcome | None) -> None:
            if outcome is None:
                return
            self.store.add_order(task.sparsifier, outcome)
            if outcome.status == "failed":
                failed[task.sparsifier.key] = outcome.message

        work_through(
            self.executor, compute_order, list(tasks.values()), note,
            what="removal orders", unit="orders", progress=self.progress, lost=partial(OrderOutcome, "failed"),
        )  # fmt: skip
        return failed

    def execute_runs(self, runs: list[Run], failed_orders: Mapping[str, str]) -> None:
        """Do the runs; those whose order failed are noted as failed."""
        tasks = []
        for run in runs:
            if run.sparsifier and run.sparsifier.key in failed_orders:
                message = f"its removal order failed: {failed_orders[run.sparsifier.key]}"
                self._note(run, RunOutcome("failed", message))
            else:
                tasks.append(RunTask(run, self._order_path(run), self.data_root))
        work_through(
            self.executor, execute_run, tasks, lambda task, outcome: self._note(task.run, outcome),
            what="training", unit="runs", progress=self.progress, lost=partial(RunOutcome, "failed"),
        )  # fmt: skip

    def _order_path(self, run: Run) -> Path | None:
        """Where the removal order of a run is kept; None if it needs none."""
        if run.sparsifier is None or not run.sparsifier.has_order:
            return None
        return self.orders / f"{run.sparsifier.key}.npz"

    def _note(self, run: Run, outcome: RunOutcome) -> None:
        self.store.add_run(run, outcome)
        self.tell(run, outcome)
        if outcome.status != "ok":
            _log.warning("%s %s: %s", describe(run), outcome.status, outcome.message)


def describe(run: Run) -> str:
    """A run in a few words."""
    method = "no sparsifier" if run.sparsifier is None else run.sparsifier.method
    return f"{run.dataset}, {run.model}, {method}, {run.removed:.0%} removed, split {run.split.number}, seed {run.seed}"
