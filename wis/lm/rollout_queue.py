"""The queue that TRL's Async GRPO reads its completions from, with an eye on it.

Its reward functions run in another process, so nothing is put around them; their rewards come with the completions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class RecordedQueue:
    """A queue whose groups are handed on once the next one begins.

    Parameters
    ----------
    queue
        What the trainer reads; the samples of a group follow each other.
    see
        Called with the samples of each group.
    """

    def __init__(self, queue: Any, see: Callable[[Sequence[Any]], None]) -> None:
        self._queue, self._see = queue, see
        self._group: list[Any] = []

    def get(self, *args: Any, **kwargs: Any) -> Any:
        """The next sample."""
        sample = self._queue.get(*args, **kwargs)
        if self._group and sample.group_id != self._group[0].group_id:
            group, self._group = self._group, []
            self._see(group)
        self._group.append(sample)
        return sample

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)


def one_a_completion(samples: Sequence[Any], group_size: int) -> list[Any]:
    """The samples of a group without the further rows that a conversation was cut into, which follow the first."""
    if len(samples) <= group_size:
        return list(samples)
    return [s for i, s in enumerate(samples) if not i or s.completion != samples[i - 1].completion]
