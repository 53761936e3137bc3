"""Why a group of completions gives no advantage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from wis.lm.trained_reward import TrainedReward, has_spread

REASONS = ("unscorable", "identical", "clipped", "truncated", "all_right", "all_wrong", "equal")


def dead_groups(
    trained: TrainedReward,
    rewards: NDArray[np.float32],
    texts: Sequence[Hashable],
    truncated: Sequence[bool],
    support: tuple[float, float] | None,
) -> Counter[str]:
    """Count the groups without advantage by their reason, the first that fits.

    Parameters
    ----------
    trained
        How rewards are summed, and the size of a group.
    rewards
        ``[N, functions]``, the completions of a group one after the other, NaN where a function gave no number.
    texts
        What is equal for completions that are, ``[N]``.
    truncated
        Whether a completion was cut before it ended, ``[N]``.
    support
        Lowest and highest possible reward; without it no group is called right or wrong.

    Returns
    -------
    Counter
        ``unscorable``: fewer than two completions have a reward; ``identical``: the completions are the same;
        ``clipped``: only the clipping made them tie; ``truncated``: none came to its end; ``all_right``, ``all_wrong``:
        all have the highest, or the lowest, reward; ``equal``: none of these.
    """
    size = trained.group_size
    found: Counter[str] = Counter()
    for start in range(0, len(rewards), size):
        rows = slice(start, start + size)
        if not trained.has_spread(rewards[rows]):
            found[_reason(trained, rewards[rows], texts[rows], truncated[rows], support)] += 1
    return found


def _reason(
    trained: TrainedReward,
    rewards: NDArray[np.float32],
    texts: Sequence[Hashable],
    truncated: Sequence[bool],
    support: tuple[float, float] | None,
) -> str:
    totals = trained.totals(rewards)
    scored = totals[np.isfinite(totals)]
    if len(scored) < 2:
        return "unscorable"
    if len(set(texts)) == 1:
        return "identical"
    if has_spread(trained.sums(rewards)) and not has_spread(totals):
        return "clipped"
    if all(truncated):
        return "truncated"
    if support is not None and np.allclose(scored, support[1]):
        return "all_right"
    if support is not None and np.allclose(scored, support[0]):
        return "all_wrong"
    return "equal"
