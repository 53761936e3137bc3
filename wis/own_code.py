"""Code of users' own: methods and models by their place, ``package.module:name``."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
from pathlib import Path
from typing import Any


def load_own(place: str, what: str) -> Any:
    """What stands at ``package.module:name``; modules are also looked for in the current folder.

    Raises
    ------
    ValueError
        If it cannot be imported; the message calls it ``what``.
    """
    module, _, name = place.partition(":")
    if str(Path.cwd()) not in sys.path:  # as `python -m` has it; commands do not
        sys.path.append(str(Path.cwd()))
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever a module does when it is imported
        raise ValueError(f"{what} cannot be imported: {type(error).__name__}: {error}") from error


def file_fingerprint(found: Any) -> str:
    """SHA-256 of the file that a function or class is written in; empty where there is none."""
    try:
        source = inspect.getsourcefile(inspect.unwrap(found))
    except TypeError:  # an object that can be called, or something compiled
        source = None
    return hashlib.sha256(Path(source).read_bytes()).hexdigest() if source else ""
