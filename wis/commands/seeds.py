"""A seed for a command that was given none, said at its end, so that the same can be done again."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wis.registry import Method


def seed_or_drawn(seed: int | None, method: Method, options: Mapping[str, Any]) -> tuple[int | None, str]:
    """The seed that was given, or a fresh one that is short enough to be typed; and what the last line then adds.

    None stays where the method does not draw at random.
    """
    if seed is not None or not method.uses_seed(options):
        return seed, ""
    seed = secrets.randbelow(10**9)
    return seed, f"; --seed {seed} does the same again"
