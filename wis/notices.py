"""What a user is told besides results and errors."""

from __future__ import annotations

import sys
import warnings


def tell(message: str) -> None:
    """Give a ``UserWarning`` to the caller of this package; the command line shows it as one line."""
    warnings.warn(message, UserWarning, stacklevel=_levels_to_the_caller())


def _levels_to_the_caller() -> int:
    """How many calls up the first function outside this package is: whom a warning is for."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "wis":
        level, frame = level + 1, frame.f_back
    return level
