"""Where the work of an experiment is done.

An executor is a context manager with ``map(function, tasks, lost)``, which yields ``(task, outcome)`` as outcomes come
in, in any order. Functions and tasks are picklable, and ``function(task)`` does not raise for a run that fails;
``lost`` makes the outcome of a task that took its process with it. That is all that an experiment asks for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from wis.experiments.running.processes import Outcome, Outcomes, Processes, Task

from wis.progress import track


class Serial:
    """One piece of work after the other, in this process, on one thread."""

    def __enter__(self) -> Serial:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(
        self, function: Callable[[Task], Outcome], tasks: Sequence[Task], lost: Callable[[str], Outcome] | None = None
    ) -> Outcomes[Task, Outcome]:
        """Yield every task with its outcome. Closing the iterator gives up what has not begun."""
        with one_thread():
            for task in tasks:
                yield task, function(task)


class Executor(Protocol):
    """Who does the work."""

    def map(
        self, function: Callable[[Task], Outcome], tasks: Sequence[Task], lost: Callable[[str], Outcome] | None = None
    ) -> Outcomes[Task, Outcome]:
        """Yield every task with its outcome."""


def choose_executor(workers: int, libraries: Sequence[str] = ()) -> Serial | Processes:
    """``workers`` processes that import ``libraries``; this process if it is one."""
    return Serial() if workers == 1 else Processes(workers, libraries)


def work_through(
    executor: Executor,
    function: Callable[[Task], Outcome],
    tasks: Sequence[Task],
    note: Callable[[Task, Outcome], None],
    *,
    what: str,
    unit: str,
    lost: Callable[[str], Outcome] | None = None,
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
    lost
        Makes the outcome of a task that took its process with it, of a message; None: that is an error.
    progress
        Show progress.
    """
    if not tasks:
        return
    with (
        track(len(tasks), what, unit=unit, enabled=progress) as advance,
        contextlib.closing(executor.map(function, tasks, lost)) as outcomes,
    ):
        for task, outcome in outcomes:
            note(task, outcome)
            advance(1)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
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
