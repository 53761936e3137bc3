"""One check that methods with fractional options share."""

from __future__ import annotations

from typing import Any


def check_number(name: str, value: Any) -> float:
    """Return ``value`` if it is a real number, or raise a ``TypeError`` that names the option."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return value
