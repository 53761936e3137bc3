"""Examples: a prompt and its references, from the hub or a local JSON-lines file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from wis.experiments.lm.grue.config import Config

_HISTORY = 5


@dataclass(frozen=True)
class Example:
    """A prompt and the texts that answer it well; `id` is its row number in the source."""

    id: str
    prompt: str
    references: tuple[str, ...]


def load_examples(config: Config, split: str, file: Path | None = None) -> list[Example]:
    """The examples of a split, in the order of the source.

    Parameters
    ----------
    config
        Which data set, and how a row becomes a prompt and references.
    split
        ``"train"``, ``"validation"`` or ``"test"``; a local file is taken whole.
    file
        A ``.jsonl`` file instead of the hub: objects with the columns of the data set, or with ``prompt`` and
        ``references`` (a string or a list).

    Raises
    ------
    RuntimeError
        If the hub cannot be reached, or does not have the data set.
    ValueError
        If the file or a row is not as described, or nothing is left.
    """
    rows = _read_lines(file) if file is not None else _from_hub(config, split)
    examples = list(_examples(config, rows))
    if not examples:
        raise ValueError(f"{config.name}: no example in {file or split}")
    return examples


def choose(examples: list[Example], count: int, seed: int) -> list[Example]:
    """`count` examples drawn without replacement, in the order of the source; all if there are fewer."""
    if count >= len(examples):
        return list(examples)
    chosen = np.random.default_rng(seed).choice(len(examples), size=count, replace=False)
    return [examples[i] for i in np.sort(chosen)]


def _from_hub(config: Config, split: str) -> Iterable[Mapping[str, Any]]:
    if config.hub is None:
        raise ValueError(f"{config.name} names no hub data set; give a local file of examples")
    import datasets

    try:
        return datasets.load_dataset(**config.hub, split=split)
    except Exception as error:  # what datasets raises depends on where it failed
        raise RuntimeError(
            f"cannot load {config.hub['path']} ({split}) from the hub: {type(error).__name__}: {error}. "
            "Give a local JSON-lines file instead (--data)."
        ) from error


def _read_lines(file: Path) -> Iterator[Mapping[str, Any]]:
    if not file.is_file():
        raise FileNotFoundError(f"there is no file of examples {file}")
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ValueError(f"{file}, line {number}: not JSON ({error})") from error
            if not isinstance(row, dict):
                raise ValueError(f"{file}, line {number}: must be an object, got {type(row).__name__}")
            yield row


def _examples(config: Config, rows: Iterable[Mapping[str, Any]]) -> Iterator[Example]:
    for number, row in enumerate(rows):
        if "prompt" in row and "references" in row:
            pairs = [(str(row["prompt"]), _texts(row["references"]))]
        elif config.dialogue is not None:
            pairs = list(_turns(_texts(look_up(row, config.dialogue))))
        else:
            pairs = [(fill(config.prompt, row), _texts(look_up(row, config.references)))]
        for part, (prompt, references) in enumerate(pairs):
            name = f"{number}.{part}" if len(pairs) > 1 else str(number)
            if references:
                yield Example(name, prompt, tuple(references))


def _turns(dialogue: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Each utterance but the first, after up to five before it [ours]."""
    for i in range(1, len(dialogue)):
        history = [turn.strip() for turn in dialogue[max(0, i - _HISTORY) : i]]
        yield "\n".join(history) + "\n", [dialogue[i].strip()]


def fill(template: str, row: Mapping[str, Any]) -> str:
    """Put the columns named in braces into the template; lists are joined by spaces."""
    return re.sub(r"{([^{}]+)}", lambda match: " ".join(_texts(look_up(row, match[1]))), template)


def look_up(row: Any, path: str) -> Any:
    """The value at ``a.b``, or the list of values at ``a.*.b``; a list is looked into element by element."""
    value = row
    for i, part in enumerate(path.split(".")):
        if part == "*":
            continue
        if isinstance(value, list):
            rest = ".".join(path.split(".")[i:])
            return [look_up(element, rest) for element in value]
        if not isinstance(value, Mapping) or part not in value:
            have = ", ".join(map(str, value)) if isinstance(value, Mapping) else type(value).__name__
            raise ValueError(f"a row has no {path!r}: there is no {part!r} in {have}")
        value = value[part]
    return value


def _texts(value: Any) -> list[str]:
    """The texts in a value; lists in lists are laid flat."""
    return [text for part in value for text in _texts(part)] if isinstance(value, list | tuple) else [str(value)]
