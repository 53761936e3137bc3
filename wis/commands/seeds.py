"""A seed for a command that was given none, said at its end, so that the same can be done again."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wis.registry import Method


def drawn_seed(method: Method, options: Mapping[str, Any]) -> int | None:
    """A fresh seed, short enough to be typed; None where the method does not draw at random."""
    return secrets.randbelow(10**9) if method.uses_seed(options) else None


def repeated_by(drawn: int | None) -> str:
    """What the last line of a command adds where a seed was drawn."""
    return "" if drawn is None else f"; --seed {drawn} does the same again"
