"""Work for all cores: Python's threads around kernels, which run without its lock.

Numba's own parallel loops are not used. The pool that most installations have ends the process where two threads call
it at once, another one where a process was forked after its first use; and such a kernel takes several times as long to
compile. Threads of Python have none of these faults, end with the call, and see Ctrl-C.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

from wis.machine import usable_cores

# Seconds between two looks at Ctrl-C and the progress bar.
_LOOK_EVERY_SECONDS = 0.1

# Threads at most where each has an array of its own with a number for every vertex or edge: memory grows with them.
MOST_COPIES = 8


def num_threads() -> int:
    """How many threads to use: as many as Numba has (``NUMBA_NUM_THREADS``), no more than cores."""
    import numba

    return max(1, min(numba.get_num_threads(), usable_cores()))


def run_blocks(work: Callable[[int, int, int], None], size: int, threads: int) -> None:
    """Call ``work(i, low, high)`` for the blocks of ``range(size)``, one after another of about equal size, on threads.

    Ctrl-C ends the call when the blocks are done: they should take less than a second.
    """
    run_threads(lambda i, _: work(i, size * i // threads, size * (i + 1) // threads), threads)


def run_threads(
    work: Callable[[int, Callable[[], bool]], None], count: int, meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Call ``work(i, is_stopped)`` for every ``i`` below ``count``, each in a thread of its own, and wait for all.

    Parameters
    ----------
    work
        What a thread does. It must return soon after ``is_stopped()`` has become true.
    count
        Number of threads; one is that of the caller.
    meanwhile
        Called again and again by the calling thread while others work; what it raises, and Ctrl-C, stops them first.
    """
    if count == 1:

        def is_stopped() -> bool:
            meanwhile()
            return False

        work(0, is_stopped)
        return
    stop = threading.Event()
    with ThreadPoolExecutor(count) as pool:
        try:
            waiting = {pool.submit(work, i, stop.is_set) for i in range(count)}
            while waiting:
                done, waiting = wait(waiting, timeout=_LOOK_EVERY_SECONDS, return_when="FIRST_EXCEPTION")
                for future in done:
                    future.result()
                meanwhile()
        finally:
            stop.set()
