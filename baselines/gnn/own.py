"""Models of users' own, by ``package.module:Class`` or by an entry point of the group ``wis.models``.

Loads no heavy library by itself; a user's module loads what it likes.
"""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from wis.baselines.gnn.protocol import MODEL_NAMES

from wis.checks import did_you_mean
from wis.own_code import file_fingerprint, load_own

ENTRY_POINT_GROUP = "wis.models"


def check_model(name: Any, field: str = "model") -> str:
    """Return the name of a model that is there, or raise.

    Raises
    ------
    ValueError
        If there is none: the message names the field, the nearest name, and what is allowed. If it is one of a user's
        own, the message says what keeps it from being imported or used.
    """
    if isinstance(name, str) and is_own(name):
        find_own(name)
    elif name not in MODEL_NAMES:
        allowed = [*MODEL_NAMES, *_entry_points()]
        raise ValueError(
            f"{field} must be among {', '.join(allowed)}, or package.module:Class of your own, got {name!r}"
            f"{did_you_mean(name, allowed)}"
        )
    return str(name)


def is_own(name: str) -> bool:
    """Whether a model is not one of the package's."""
    return name not in MODEL_NAMES and (":" in name or name in _entry_points())


def find_own(name: str) -> Callable[..., Any]:
    """The class of a model of a user's own: ``Class(num_features, num_classes)`` with ``forward(x, edge_index)``.

    Modules are also looked for in the current folder.

    Raises
    ------
    ValueError
        If it cannot be imported, or takes other arguments.
    """
    found = load_own(_entry_points().get(name, name), f"model {name!r}")
    if not _takes(found, 2) or not _takes(getattr(found, "forward", None), 3):
        raise ValueError(
            f"model {name!r} must be a class made by Class(num_features, num_classes), with forward(x, edge_index) "
            "that returns logits [n, num_classes]"
        )
    return found


def fingerprint(name: str) -> str:
    """SHA-256 of the file that a model of a user's own is written in; empty where there is none."""
    return file_fingerprint(find_own(name))


def _takes(function: Any, count: int) -> bool:
    try:
        inspect.signature(function).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True


@functools.cache
def _entry_points() -> Mapping[str, str]:
    return {point.name: point.value for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}
