"""Work in a pool of processes on this machine, which outlives processes that die."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import multiprocessing.connection
import multiprocessing.context
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeAlias, TypeVar

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
Outcomes: TypeAlias = Generator[tuple[Task, Outcome], None, None]

# Libraries read these variables when they are loaded.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_log = logging.getLogger("wis")
_KILLED = "its process was killed twice, the second time with no other beside it: most likely for want of memory"


class Processes:
    """A pool of processes on this machine, one thread each. Leaving the ``with`` block ends them.

    Parameters
    ----------
    workers
        Number of processes.
    libraries
        Modules that the work imports: imported once, and their memory shared, where the system can. The first pool of a
        process decides which. Those that are not installed are left out.
    """

    def __init__(self, workers: int, libraries: Sequence[str] = ()) -> None:
        self._workers = workers
        self._libraries = list(libraries)
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Processes:
        self._others = set(multiprocessing.active_children())
        return self

    def __exit__(self, *_: object) -> None:
        for process in set(multiprocessing.active_children()) - self._others:
            process.terminate()
        self._close()

    def map(
        self, function: Callable[[Task], Outcome], tasks: Sequence[Task], lost: Callable[[str], Outcome] | None = None
    ) -> Outcomes[Task, Outcome]:
        """Yield every task with its outcome as it comes in. Closing the iterator gives up what has not begun.

        When a process dies, the system tells neither which one nor why. So the tasks that were in flight are done once
        more, one at a time; the one whose process dies then too is given up, and the others go on, in one process less.

        Parameters
        ----------
        function, tasks
            What is done.
        lost
            Makes the outcome of a task whose process died twice, of a message that says so.

        Raises
        ------
        RuntimeError
            If a process dies and there is no ``lost``.
        """
        waiting, suspects = deque(tasks), deque[Task]()
        while waiting or suspects:
            alone = bool(suspects)
            queue = deque([suspects.popleft()]) if alone else waiting
            died = yield from self._until_one_dies(function, queue, 1 if alone else self._workers)
            if not died:
                continue
            self._close()
            if lost is None:
                raise RuntimeError(
                    "a worker process died, perhaps for want of memory; what has finished is kept: run the same "
                    "command again, with fewer --workers"
                )
            if alone:
                yield died[0], lost(_KILLED)
                continue
            suspects.extend(died)
            self._workers = max(1, self._workers - 1)
            _log.warning(
                "a worker process died, perhaps for want of memory: what it was at is done again, and the rest with %d "
                "worker%s",
                self._workers,
                "s" * (self._workers != 1),
            )

    def _until_one_dies(
        self, function: Callable[[Task], Outcome], queue: deque[Task], workers: int
    ) -> Generator[tuple[Task, Outcome], None, list[Task]]:
        """Work through a queue; return the tasks that were in flight when a process died, none if none did."""
        flight: dict[Future[Outcome], Task] = {}
        died: list[Task] = []
        try:
            while (queue or flight) and not died:
                # No more than there are processes, so that what is in flight is what may have killed one.
                while queue and len(flight) < workers:
                    task = queue.popleft()
                    flight[self._submit(function, task)] = task
                done, _ = wait(flight, return_when=FIRST_COMPLETED)
                for future in done:
                    task = flight.pop(future)
                    try:
                        outcome = future.result()
                    except BrokenProcessPool:
                        died.append(task)
                    else:
                        yield task, outcome
        finally:
            for future in flight:
                future.cancel()
        return died + list(flight.values()) if died else []

    def _submit(self, function: Callable[[Task], Outcome], task: Task) -> Future[Outcome]:
        try:
            with _one_thread_in_children():
                if self._pool is None:
                    self._pool = ProcessPoolExecutor(
                        self._workers,
                        mp_context=_context(self._libraries),
                        initializer=_start_worker,
                        initargs=(dict(os.environ),),
                    )
                future = self._pool.submit(function, task)
                # The pool looks after the processes that it knew when it was last woken, and ``submit`` wakes it before
                # it starts one: that one's death would stay unseen until another task is done. This wakes it again.
                self._pool.submit(int)
                return future
        except BrokenProcessPool as error:
            broken: Future[Outcome] = Future()
            broken.set_exception(error)
            return broken

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _context(libraries: list[str]) -> multiprocessing.context.BaseContext:
    """How processes are started.

    A fork of this process would inherit the locks of the threads of torch and Numba, but not the threads. So they are
    forked from a server, a process of one thread that imports the libraries, once for all of them: those of PyG take
    seconds and 300 MB. Where a system has no such server, each process is started anew and imports its own.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(libraries)
    return context


def _start_worker(environment: dict[str, str]) -> None:
    """Prepare a worker: Ctrl-C is the parent's to handle, and no worker outlives a parent that was killed.

    The server that it was forked from has the environment of the time when the first pool of the parent began.
    """
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # In a process that says that it was forked, Numba's threads begin under a semaphore, which a worker that is ended
    # leaves behind, with a warning at the end of the parent. This one has no threads yet, so that it needs none.
    multiprocessing.set_start_method("spawn", force=True)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


@contextlib.contextmanager
def _one_thread_in_children() -> Iterator[None]:
    """Have processes started meanwhile use one thread."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
