"""Where the work of an experiment is done.

An executor is a context manager with ``map(function, tasks)``, which yields ``(task, outcome)`` as outcomes come in, in
any order. Functions and tasks are picklable, and ``function(task)`` does not raise for a run that fails. That is all
that an experiment asks for, so one on a cluster needs no more than this either.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeAlias, TypeVar

from wis.progress import track

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
Outcomes: TypeAlias = Generator[tuple[Task, Outcome], None, None]


class Serial:
    """One piece of work after the other, in this process, on one thread."""

    def __enter__(self) -> Serial:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, function: Callable[[Task], Outcome], tasks: Sequence[Task]) -> Outcomes[Task, Outcome]:
        """Yield every task with its outcome. Closing the iterator gives up what has not begun."""
        with _one_thread():
            for task in tasks:
                yield task, function(task)


class Processes:
    """A pool of processes on this machine, one thread each. Leaving the ``with`` block ends them.

    Parameters
    ----------
    workers
        Number of processes.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def __enter__(self) -> Processes:
        # Spawned, because a forked process inherits the threads' locks of torch and Numba, but not the threads.
        context = multiprocessing.get_context("spawn")
        self._others = set(multiprocessing.active_children())
        self._pool = ProcessPoolExecutor(self._workers, mp_context=context, initializer=_start_worker)
        return self

    def __exit__(self, *_: object) -> None:
        for process in set(multiprocessing.active_children()) - self._others:
            process.terminate()
        self._pool.shutdown(cancel_futures=True)

    def map(self, function: Callable[[Task], Outcome], tasks: Sequence[Task]) -> Outcomes[Task, Outcome]:
        """Yield every task with its outcome as it comes in. Closing the iterator gives up what has not begun.

        Raises
        ------
        RuntimeError
            If a process dies, for instance for want of memory.
        """
        with _one_thread_in_children():
            futures = {self._pool.submit(function, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise RuntimeError(
                "a worker process died, perhaps for want of memory; what has finished is kept: run the same command "
                "again, with fewer --workers"
            ) from error
        finally:
            for future in futures:
                future.cancel()


Executor: TypeAlias = Serial | Processes


def choose_executor(workers: int) -> Executor:
    """``workers`` processes; this process if it is one."""
    return Serial() if workers == 1 else Processes(workers)


def work_through(
    executor: Executor,
    function: Callable[[Task], Outcome],
    tasks: Sequence[Task],
    note: Callable[[Task, Outcome], None],
    *,
    what: str,
    unit: str,
    progress: bool = True,
) -> None:
    """Do all tasks and note each outcome as it comes in. An error or Ctrl-C meanwhile stops the work in flight.

    Parameters
    ----------
    executor
        Who does it.
    function
        Does one task.
    tasks
        What is to be done.
    note
        Called in this process with each task and its outcome.
    what, unit
        For the progress bar: what is done, and what tasks are called.
    progress
        Show progress.
    """
    if not tasks:
        return
    with (
        track(len(tasks), what, unit=unit, enabled=progress) as advance,
        contextlib.closing(executor.map(function, tasks)) as outcomes,
    ):
        for task, outcome in outcomes:
            note(task, outcome)
            advance(1)


def _start_worker() -> None:
    """Prepare a worker: Ctrl-C is the parent's to handle, and no worker outlives a parent that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


@contextlib.contextmanager
def _one_thread_in_children() -> Iterator[None]:
    """Have processes started meanwhile use one thread; libraries read these variables when they are loaded."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Use one thread for a while, as the workers of :class:`Processes` do: results must not depend on the executor."""
    import threadpoolctl
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpoolctl.threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
