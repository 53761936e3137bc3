"""What a library's settings say about its KL penalty."""

from __future__ import annotations

import difflib
import functools
import numbers
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wis.checks import check_number, did_you_mean
from wis.lm.kl.configuration import KLConfiguration

Settings = Mapping[str, Any]
_MISSPELT = 0.85  # likeness from which a name is taken for a slip: the libraries' own other settings are below


@dataclass(frozen=True)
class Reading:
    """A library's settings in this package's words.

    Attributes
    ----------
    library, version
        Whose they are; the version is what was assumed where none was given.
    terms
        One configuration for each KL term that the settings turn on.
    notes
        What the settings do that no configuration holds, and what is not known of this version.
    unknown
        Names of settings that were given and are not known here, so were not read.
    """

    library: str
    version: str
    terms: tuple[KLConfiguration, ...]
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def version_numbers(version: str) -> tuple[int, ...]:
    """``"1.16.0"`` as (1, 16, 0), for comparisons.

    Raises
    ------
    ValueError
        If it does not begin with a number.
    """
    numbers = re.match(r"v?(\d+(?:\.\d+)*)", version.strip())
    if numbers is None:
        raise ValueError(f"version must be like '1.16.0', got {version!r}")
    return tuple(int(part) for part in numbers[1].split("."))


def unread(library: str, version: str, first: tuple[int, ...], last: tuple[int, ...]) -> tuple[str, ...]:
    """A note, unless the version's source was read: from ``first`` to ``last``, compared to their length."""
    numbers = version_numbers(version)
    if numbers[: len(first)] >= first and numbers[: len(last)] <= last:
        return ()
    span = f"{'.'.join(map(str, first))} to {'.'.join(map(str, last))}"
    return (
        f"{library} {version} was not read (versions {span} were): it is taken to do the same as the nearest of them",
    )


def unknown_names(
    library: str, settings: Settings, known: tuple[str, ...], prefixes: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Names that are not known.

    Parameters
    ----------
    library
        Its name.
    settings
        Those given.
    known
        Names that are known, in full.
    prefixes
        What they begin with, and is not part of the likeness.

    Raises
    ------
    ValueError
        If one is near a known one: the default of the setting that was meant would be explained.
    """
    unknown = tuple(name for name in settings if name not in known)
    for name in unknown:
        meant = _meant(name, known, prefixes)
        if meant:
            raise ValueError(f"unknown setting {name!r} of {library}{meant} If it is another setting, leave it out")
    return unknown


@functools.cache
def _meant(name: str, known: tuple[str, ...], prefixes: tuple[str, ...]) -> str:
    """``"; did you mean 'NAME'?"`` if the name is a slip for a known one."""
    own = next((prefix for prefix in prefixes if name.startswith(prefix)), "")
    short = {other: functools.reduce(str.removeprefix, prefixes, other) for other in known if other.startswith(own)}
    given = name.removeprefix(own).replace("-", "_").lower()
    near = [(difflib.SequenceMatcher(None, given, text.lower()).ratio(), other) for other, text in short.items()]
    likeness, meant = max(near, default=(0.0, ""))
    return did_you_mean(meant, [meant]) if likeness >= _MISSPELT else ""


def option(settings: Settings, name: str, default: Any, kind: type | None = None) -> Any:
    """One setting, a text turned into the kind of its default: true and false, a number, or nothing.

    A number may be nothing only where `kind` is given.

    Raises
    ------
    ValueError
        If the text is no such value, or what is no text is no number where one is needed.
    """
    value = settings.get(name, default)
    nullable, kind = kind is not None, kind or type(default)
    if kind is str:
        return value
    if isinstance(value, str) and value.lower() in ("none", "null"):
        value = None
    if kind in (int, float) and not isinstance(value, str):
        allowed = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not allowed and not (value is None and nullable):
            raise ValueError(f"{name} must be a number, got {settings[name]!r}")
    if not isinstance(value, str):
        return value
    if kind is bool:
        if value.lower() not in ("true", "false", "1", "0"):
            raise ValueError(f"{name} must be true or false, got {value!r}")
        return value.lower() in ("true", "1")
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {value!r}") from None


def penalty_coefficient(settings: Settings, name: str, default: float) -> float:
    """β, by the library's name for it.

    Raises
    ------
    ValueError
        If it is no number, or below 0.
    """
    return check_number(name, option(settings, name, default), at_least=0)


def chosen(name: str, value: Any, meanings: Mapping[Any, Any]) -> Any:
    """What a setting's value means.

    Raises
    ------
    ValueError
        If it is none of those known.
    """
    if value not in meanings:
        raise ValueError(f"{name} must be one of {', '.join(map(str, meanings))}, got {value!r}")
    return meanings[value]


def unscaled(advantages: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of advantages that are not divided by a standard deviation after all."""
    return {name: value for name, value in advantages.items() if name not in ("scaling", "std_floor")}


def assignments(words: list[str]) -> dict[str, str]:
    """``["beta=0.04", "+a.b=c"]`` as a dictionary; a leading + or ++, which adds a key in hydra, is dropped.

    Raises
    ------
    ValueError
        If a word has no equals sign.
    """
    found = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise ValueError(f"settings are written name=value, got {word!r}")
        found[name.lstrip("+")] = value
    return found


def flattened(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` as ``{"a.b": 1}``."""
    found: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            found |= flattened(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def from_files(words: list[str]) -> dict[str, Any]:
    """YAML files, and assignments that go over them, in the order given.

    Raises
    ------
    ValueError
        If a file holds no settings, or a word is neither a file nor an assignment.
    """
    import yaml

    found: dict[str, Any] = {}
    for word in words:
        if "=" in word or not word.endswith((".yaml", ".yml")):
            found |= assignments([word])
            continue
        try:
            loaded = yaml.safe_load(Path(word).read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"{word} is no YAML file that can be read: {error}") from error
        if not isinstance(loaded, Mapping):
            raise ValueError(f"{word} must hold settings, as 'name: value' lines")
        found |= flattened(loaded)
    return found
