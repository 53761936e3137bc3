"""KL settings of training libraries, one library a file, in the words of `wis.lm.kl.KLConfiguration`.

Each file says which version it was written from. A library has settings that more than one term comes from; a version
that was not read is taken for the nearest one, and the reading says so.
"""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from wis.lm.kl.libraries import nemo_rl, openrlhf, skyrl, trl, verl
from wis.lm.kl.libraries.reading import Reading, Settings, assignments, unknown_names

LIBRARIES: dict[str, ModuleType] = {
    "trl": trl,
    "verl": verl,
    "openrlhf": openrlhf,
    "nemo-rl": nemo_rl,
    "skyrl": skyrl,
}


def find(library: str) -> ModuleType:
    """The file of a library: ``parse(words)``, ``read(settings, version)``, ``NEWEST`` and ``CHANGES``.

    And the settings it knows: ``KNOWN``, whose names begin with one of ``PREFIXES``.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if library not in LIBRARIES:
        raise ValueError(f"library must be one of {', '.join(LIBRARIES)}, got {library!r}")
    return LIBRARIES[library]


def read(library: str, settings: Settings, version: str | None = None) -> Reading:
    """Read a library's settings.

    Parameters
    ----------
    library
        A key of `LIBRARIES`.
    settings
        By the library's own names; what is left out has the library's default.
    version
        The library's, by default the newest that was read (of TRL, the one installed).

    Raises
    ------
    ValueError
        If a setting has a value that the library does not have, or a name that is near a known one.
    """
    module = find(library)
    unknown = unknown_names(library, settings, module.KNOWN, module.PREFIXES)
    reading: Reading = module.read(settings, version)
    return replace(reading, unknown=unknown)


__all__ = ["LIBRARIES", "Reading", "assignments", "find", "read"]
