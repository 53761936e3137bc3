"""Checks of arguments: each returns its value, or raises an error that names the argument and what is allowed."""

from __future__ import annotations

import numbers
import operator
from typing import Any


def check_count(name: str, value: Any, *, at_least: int = 0) -> int:
    """Return ``value`` as an int of at least ``at_least``, which is not negative, or raise an error that names it."""
    try:
        if isinstance(value, bool) or str(getattr(value, "dtype", "")).endswith("bool"):  # NumPy's or torch's
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
    if number < 0:
        raise ValueError(f"{name} must not be negative, got {number}")
    if number < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {number}")
    return number


def check_fraction(name: str, value: Any) -> float:
    """Return ``value`` as a float in ``[0, 1]``, or raise an error that names the argument."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number from 0 to 1, got {value!r}")
    fraction = float(value)
    if not 0 <= fraction <= 1:  # NaN is neither
        raise ValueError(f"{name} must be from 0 to 1, got {value!r}")
    return fraction


def check_number(name: str, value: Any) -> float:
    """Return ``value`` if it is a real number, or raise a ``TypeError`` that names the option."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return value


def check_choice(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of ``allowed``, or raise a ``ValueError`` that lists them."""
    if value not in allowed:
        raise ValueError(f"{name} must be {' or '.join(map(repr, allowed))}, got {value!r}")
    return value
