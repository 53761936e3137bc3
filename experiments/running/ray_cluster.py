"""Work on a Ray cluster: an existing one, or one that is started on this machine."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any

from wis.experiments.running.processes import ONE_THREAD, Outcome, Outcomes, Task

from wis.extras import needed_for

# How often a task is begun again after its node or its process was lost, before it is given up.
_RETRIES = 3
_LOSSES = ("WorkerCrashedError", "NodeDiedError", "ObjectLostError", "OutOfMemoryError", "LocalRayletDiedError")
_LOST = f"its node or process was lost {_RETRIES + 1} times, perhaps for want of memory"


class RayCluster:
    """Tasks on the cores of a Ray cluster, one thread each, or one GPU each.

    Nodes need this package, at the same version. Ray begins the tasks of a lost node again elsewhere; each task has one
    outcome, whatever was lost. Leaving the ``with`` block cancels what is in flight and disconnects.

    Parameters
    ----------
    address
        Address of the cluster, such as ``"auto"`` or ``"ray://head:10001"``; None: a cluster on this machine alone.
    gpu
        Whether a task takes a GPU.

    Raises
    ------
    ImportError
        If Ray is not installed.
    """

    def __init__(self, address: str | None = None, *, gpu: bool = False) -> None:
        with needed_for("--executor ray"):
            import ray
        self._ray = ray
        self._losses = tuple(getattr(ray.exceptions, name) for name in _LOSSES)
        self._address = address
        self._gpu = gpu

    def __enter__(self) -> RayCluster:
        try:
            self._ray.init(
                address=self._address, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True,
                runtime_env={"env_vars": ONE_THREAD},
            )  # fmt: skip
        except ConnectionError as error:
            raise RuntimeError(f"no Ray cluster answers at --address {self._address}: {error}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()

    def put(self, value: Any) -> Any:
        """Have a value in the cluster's store once; tasks :func:`fetch` it by what is returned."""
        return self._ray.put(value)

    def map(
        self, function: Callable[[Task], Outcome], tasks: Sequence[Task], lost: Callable[[str], Outcome] | None = None
    ) -> Outcomes[Task, Outcome]:
        """Yield every task with its outcome as it comes in. Closing the iterator cancels the others.

        Raises
        ------
        RuntimeError
            If a task is lost time and again and there is no ``lost``.
        """
        ray = self._ray
        remote = ray.remote(num_cpus=1, num_gpus=int(self._gpu), max_retries=_RETRIES)(function)
        pending = {remote.remote(task): task for task in tasks}
        try:
            while pending:
                (done, *_), _ = ray.wait(list(pending), num_returns=1)
                task = pending.pop(done)
                try:
                    outcome = ray.get(done)
                except self._losses as error:
                    outcome = _give_up(lost, error)
                yield task, outcome
        finally:
            for reference in pending:
                ray.cancel(reference, force=True)


def _give_up(lost: Callable[[str], Outcome] | None, error: Exception) -> Outcome:
    if lost is None:
        raise RuntimeError(f"a task of the cluster was given up: {_LOST}") from error
    return lost(f"{_LOST}: {type(error).__name__}")


@functools.lru_cache(maxsize=4)
def fetch(reference: Any) -> Any:
    """In a task: what :meth:`RayCluster.put` has put; kept in the process for the tasks that follow."""
    import ray

    return ray.get(reference)
