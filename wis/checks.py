"""Checks of arguments: each returns its value, or raises an error that names the argument and what is allowed."""

from __future__ import annotations

import difflib
import math
import numbers
import operator
import re
from collections.abc import Collection
from typing import Any

import numpy as np

# Bytes in the units that sizes are given in.
_UNITS = {
    "": 1,
    "B": 1,
    **{f"{k}{end}": 1024**i for i, k in enumerate("KMGT", 1) for end in ("", "IB")},
    **{f"{k}B": 1000**i for i, k in enumerate("KMGT", 1)},
}


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


def check_flag(name: str, value: Any) -> bool:
    """Return ``value`` if it is True or False, or raise a ``TypeError`` that names the argument."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def check_fraction(name: str, value: Any) -> float:
    """Return ``value`` as a float in ``[0, 1]``, or raise an error that names the argument."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number from 0 to 1, got {value!r}")
    fraction = float(value)
    if not 0 <= fraction <= 1:  # NaN is neither
        raise ValueError(f"{name} must be from 0 to 1, got {value!r}")
    return fraction


def check_number(name: str, value: Any, *, at_least: float | None = None) -> float:
    """Return ``value`` if it is a real number, and finite and not below ``at_least`` if that is given, or raise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if at_least is not None and not at_least <= value < math.inf:  # type: ignore[operator]  # NaN is neither
        raise ValueError(f"{name} must be finite and at least {at_least:g}, got {value!r}")
    return value  # type: ignore[return-value]


def check_bytes(name: str, value: Any) -> int:
    """Return a number of bytes, given as an integer or as a text with a unit, or raise an error that names it.

    ``K``, ``M``, ``G``, ``T`` and ``KiB`` to ``TiB`` are powers of 1024, ``KB`` to ``TB`` powers of 1000, as GNU's
    tools read them, in any case: ``"4G"``, ``"500 MiB"``, ``"2GB"``.
    """
    if not isinstance(value, str):
        return check_count(name, value)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", value.strip())
    if found is None or found[2].upper() not in _UNITS:
        raise ValueError(f"{name} must be bytes, an integer or a text such as '4G', '500MiB' or '2GB', got {value!r}")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def check_numbers(name: str, values: Any, *, advice: str = "") -> np.ndarray:
    """Return numbers, of any array, tensor or nested lists, as a float64 array of their shape, or raise.

    Parameters
    ----------
    name
        What the caller calls the argument.
    values
        Finite real numbers. A masked array may not hide any: its mask would be lost without a word.
    advice
        What to do where numbers are missing; ends the messages on rows of different lengths and on masks.

    Raises
    ------
    TypeError
        If they are no real numbers.
    ValueError
        If they do not fill an array, one is masked, or one is NaN or infinite.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = (values if values.is_complex() else values.double()).numpy()  # NumPy has no bfloat16
    check_unmasked(name, values, advice)
    try:
        array = np.asarray(values)
        array = array.astype(np.float64) if array.dtype.kind in "biufO" else array
    except ValueError as error:
        if "inhomogeneous" in str(error):
            raise ValueError(f"{name} must be numbers in a full array{advice}") from None
        raise _no_numbers(name, values) from None
    except (TypeError, RuntimeError):  # torch's word for a list of tensors that require gradients
        raise _no_numbers(name, values) from None
    if array.dtype != np.float64:
        raise _no_numbers(name, array)
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name} must be finite, got {array[tuple(where)]}" + (f" at {where}" if where else ""))
    return array


def check_unmasked(name: str, values: Any, advice: str = "") -> None:
    """Raise ``ValueError`` if values are a masked array of NumPy, or a list of such, and one of them is masked."""
    rows = values if isinstance(values, (list, tuple)) else [values]
    if any(isinstance(row, np.ma.MaskedArray) and np.ma.is_masked(row) for row in rows):
        raise ValueError(f"{name} is a masked array, and some of its values are masked; pass those that count{advice}")


def _no_numbers(name: str, values: Any) -> TypeError:
    given = f"an array of {values.dtype.name}" if isinstance(values, np.ndarray) else type(values).__name__
    return TypeError(f"{name} must be real numbers, got {given}")


def did_you_mean(given: Any, allowed: Collection[str]) -> str:
    """``"; did you mean 'NAME'?"`` with the nearest of the names allowed, in any case; empty if none is near."""
    names = {name.lower(): name for name in allowed}
    close = difflib.get_close_matches(str(given).lower(), names, n=1)
    return f"; did you mean {names[close[0]]!r}?" if close else ""


def check_choice(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of ``allowed``, or raise a ``ValueError`` that lists them."""
    if value not in allowed:
        named = " or ".join(map(repr, allowed)) if len(allowed) <= 2 else f"one of {', '.join(map(repr, allowed))}"
        raise ValueError(f"{name} must be {named}, got {value!r}")
    return value
