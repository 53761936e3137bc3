"""What a sweep compares: datasets × methods × models × removed shares × splits × seeds."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import numbers
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wis.baselines.gnn.own import check_model
from wis.baselines.gnn.protocol import PROTOCOLS
from wis.experiments.datasets.catalogue import find
from wis.experiments.datasets.splits import SPLIT

from wis.checks import did_you_mean
from wis.registry import find_method, format_method, parse_method

_PACKAGED = Path(__file__).parent / "plans"
DEVICES = ("auto", "cpu", "cuda")

# A plan beyond these is a slip of the pen: it would take weeks only to be written down, or years to run.
MOST_CELLS = 1_000_000
MOST_EPOCHS = 1_000_000
# What a column of integers in a results file holds.
_LARGEST_SEED = 2**63 - 1
# Longest name of a folder that is called after what is compared, without the stamp at its end.
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Plan:
    """A validated plan.

    Attributes
    ----------
    name
        A short name; the default run folder is called after it.
    datasets
        Names from ``wis datasets``, or paths of graph files.
    methods
        Methods with options, as ``wis:depth=2``; names from ``wis methods``.
    models
        Names from :data:`wis.baselines.gnn.protocol.MODEL_NAMES`, entry points of the group ``wis.models``, or
        ``package.module:Class``.
    removed
        Shares of the pairs removed, each in ``[0, 1]``, ascending. Given as a list or as ``"start:stop:step"``.
    seeds
        Seeds of the runs. Given as a list, or as a number ``n`` for ``0 … n - 1``.
    split_seeds
        Splits of each data set: seeds of random ones, or which of the published ones. Given as a list, as
        ``"start:stop"`` (without ``stop``), or as ``"seeds"``: the run of each seed has the split of this number.
    split
        Shares of the vertices for training, validation and test, such as ``[0.8, 0.1, 0.1]``: splits are drawn. None:
        the published splits of a data set, and 80/10/10 where it has none.
    protocol
        Preset of the training protocol.
    epochs
        Number of training epochs at most, instead of the protocol's; None leaves the protocol's.
    batches
        Random batches of vertices that a training epoch goes through; 1 is the whole graph at once. ``"auto"``: as few
        as fit into memory, see :func:`wis.experiments.sweep.batches.choose_batches`.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    summary
        One line for readers.

    Raises
    ------
    ValueError
        If a field does not fit; the message names the field, what was given and what is allowed. Also if the plan has
        more than :data:`MOST_CELLS` cells.
    """

    name: str
    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    models: tuple[str, ...] = ("gcn",)
    removed: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    seeds: tuple[int, ...] = (0, 1, 2)
    split_seeds: tuple[int, ...] | Literal["seeds"] = (SPLIT,)
    split: tuple[float, ...] | None = None
    protocol: str = "reduced"
    epochs: int | None = None
    batches: int | Literal["auto"] = "auto"
    device: str = "cpu"
    summary: str = ""

    def __post_init__(self) -> None:
        for field, check in (
            ("name", _file_name),
            ("datasets", _dataset_names),
            ("methods", _method_texts),
            ("models", lambda name, value: tuple(check_model(item, name) for item in _items(name, value))),
            ("removed", _shares),
            ("seeds", _seeds),
            ("split_seeds", _splits),
            ("split", _parts),
            ("protocol", lambda name, value: _choice(name, value, PROTOCOLS)),
            ("epochs", _count_or_none),
            ("batches", _count_or_auto),
            ("device", lambda name, value: _choice(name, value, DEVICES)),
        ):
            object.__setattr__(self, field, check(field, getattr(self, field)))
        if self.num_cells > MOST_CELLS:
            raise ValueError(
                f"the plan has {self.size}, and at most {MOST_CELLS:,} are allowed; make several plans of it"
            )
        self._check_splits()

    def _check_splits(self) -> None:
        last = max(split for _, split in self.seeds_and_splits)
        for dataset in map(find, self.datasets):
            if self.split is None and dataset.num_splits > 1 and last >= dataset.num_splits:
                raise ValueError(
                    f"split_seeds: {dataset.name} was published with splits 0 to {dataset.num_splits - 1}, got {last}; "
                    "give other numbers, or split: [0.8, 0.1, 0.1] for random ones"
                )

    @property
    def seeds_and_splits(self) -> list[tuple[int, int]]:
        """Every seed with every split, or with the split of its own number."""
        if self.split_seeds == "seeds":
            return [(seed, seed) for seed in self.seeds]
        return list(itertools.product(self.seeds, self.split_seeds))

    @property
    def _extents(self) -> dict[str, int]:
        return {
            "data set": len(self.datasets),
            "model": len(self.models),
            "method": len(self.methods),
            "removed share": len(self.removed),
            "seed": len(self.seeds),
            **({} if self.split_seeds == "seeds" or len(self.split_seeds) == 1 else {"split": len(self.split_seeds)}),
        }

    @property
    def num_cells(self) -> int:
        """How many entries its grid has; all methods share those where nothing or everything is removed."""
        return math.prod(self._extents.values())

    @property
    def size(self) -> str:
        """Its extents and the number of cells, in words."""
        extents = " × ".join(f"{count:,} {what}" + "s" * (count > 1) for what, count in self._extents.items())
        return f"{extents} = {self.num_cells:,} cell" + "s" * (self.num_cells > 1)

    @property
    def folder_name(self) -> str:
        """A name made of what is compared and, since that may be long, of a hash: another plan has another name."""
        names = [*self.datasets, *(method.replace("=", "-") for method in self.methods)]
        words = "-".join("".join(c if c.isalnum() or c in "-_." else "-" for c in name) for name in names)
        fields = {field: value for field, value in self.to_dict().items() if field not in ("name", "summary")}
        stamp = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:8]
        return f"{words[:_LONGEST_NAME].rstrip('-.')}-{stamp}"

    @property
    def short_name(self) -> str:
        """The data sets and models, as ``cora-gcn``; a graph file is called after itself, without folder and suffix."""
        names = [*(Path(name).stem for name in self.datasets), *self.models]
        words = "-".join("".join(c if c.isalnum() or c in "-_" else "-" for c in name) for name in names)
        return words.lower()[:_LONGEST_NAME].rstrip("-")

    @classmethod
    def from_dict(cls, fields: Any, **changes: Any) -> Plan:
        """Make a plan from the fields of a YAML file; ``changes`` replace fields.

        Raises
        ------
        ValueError
            If a field is unknown, missing or does not fit.
        """
        if not isinstance(fields, Mapping):
            raise ValueError(f"a plan must be a mapping of fields, got {type(fields).__name__}")
        fields = {**fields, **changes}
        known = [field.name for field in dataclasses.fields(cls)]
        for field in fields:
            if field not in known:
                raise ValueError(f"unknown field {field!r}{did_you_mean(str(field), known)}")
        for field in ("name", "datasets", "methods"):
            if field not in fields:
                raise ValueError(f"{field} is missing")
        return cls(**fields)

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain lists, numbers and strings; :meth:`from_dict` reads them back."""
        fields = {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}
        if self.batches == "auto":  # a plan of before there were batches is the same plan
            del fields["batches"]
        return fields


def packaged_plans() -> list[str]:
    """Names of the plans that come with the package."""
    return sorted(path.relative_to(_PACKAGED).with_suffix("").as_posix() for path in _PACKAGED.rglob("*.yaml"))


def load_plan(name_or_path: str | Path, **changes: Any) -> Plan:
    """Read a packaged plan by name, or a plan from a YAML file.

    Parameters
    ----------
    name_or_path
        A name from :func:`packaged_plans`, or the path of a YAML file.
    **changes
        Fields that replace those of the file.

    Raises
    ------
    ValueError
        If there is no such plan, the file is not YAML, or a field does not fit.
    """
    import yaml

    text = str(name_or_path)
    packaged = text in packaged_plans()
    path = _PACKAGED / f"{text}.yaml" if packaged else Path(text)
    if not path.is_file():
        raise ValueError(
            f"no plan {text!r}{did_you_mean(text, packaged_plans())}; it is neither a file nor one of the packaged "
            f"plans {', '.join(packaged_plans())}"
        )
    try:
        fields = _read_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"plan {text}: not a YAML file: {' '.join(str(error).split())}") from error
    if isinstance(fields, dict):
        fields.setdefault("name", text.replace("/", "-") if packaged else path.stem)
        if changes:  # the summary says what the file compares
            changed = [field.name for field in dataclasses.fields(Plan) if field.name in changes]
            changes["summary"] = f"with other {', '.join(changed)}"
    try:
        plan = Plan.from_dict(fields, **changes)
    except ValueError as error:
        raise ValueError(f"plan {text}: {error}") from error
    if {"datasets", "models"}.isdisjoint(changes):
        return plan
    # It is about something else than its name says.
    return dataclasses.replace(plan, name=plan.short_name, summary=f"plan {text} {plan.summary}")


def _read_yaml(text: str) -> Any:
    """Read YAML, in which no key may stand twice: of two values one would be lost."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def mapping(loader: Loader, node: yaml.MappingNode) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands there twice", node.start_mark)
        return loader.construct_mapping(node, deep=True)

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    return yaml.load(text, Loader)


def plan_text(fields: Mapping[str, Any]) -> str:
    """The fields of a plan (:meth:`Plan.to_dict`) as YAML, which :func:`load_plan` reads back."""
    import yaml

    given = {name: value for name, value in fields.items() if value not in (None, "")}
    return yaml.safe_dump(given, sort_keys=False, default_flow_style=None, allow_unicode=True, width=100)


def _items(field: str, value: Any) -> list[Any]:
    """A non-empty list without repeats; a single string or number counts as a list of one."""
    items = [value] if isinstance(value, (str, numbers.Number)) else value
    if not isinstance(items, (list, tuple)) or not items:
        raise ValueError(f"{field} must be a list of at least one entry, got {value!r}")
    if len(items) > MOST_CELLS:
        raise ValueError(f"{field} lists {len(items):,} entries; at most {MOST_CELLS:,} are allowed")
    seen = set()
    for item in items:
        if not isinstance(item, (str, numbers.Number)):
            raise ValueError(f"{field} must list names or numbers, got {type(item).__name__}")
        if item in seen:
            raise ValueError(f"{field} lists {item!r} twice")
        seen.add(item)
    return list(items)


def _choice(field: str, value: Any, allowed: Collection[str]) -> str:
    if value not in list(allowed):
        raise ValueError(
            f"{field} must be among {', '.join(allowed)}, got {value!r}{did_you_mean(str(value), allowed)}"
        )
    return str(value)


def _dataset_names(field: str, value: Any) -> tuple[str, ...]:
    try:
        return tuple(_items(field, [find(item).name for item in _items(field, value)]))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{field}: {error}".replace(f"{field}: {field}", field)) from error


def _method_texts(field: str, value: Any) -> tuple[str, ...]:
    """Methods in their shortest spelling, so that one method cannot be listed under two."""
    texts: dict[str, str] = {}
    for item in _items(field, value):
        if not isinstance(item, str):
            raise ValueError(f"{field} must be strings such as 'wis:depth=2', got {item!r}")
        try:
            name, options = parse_method(item)
        except ValueError as error:
            raise ValueError(f"{field}: {error}") from error
        spelled_out = format_method(name, {**find_method(name).options, **options})
        if spelled_out in texts:
            raise ValueError(f"{field}: {item!r} is the same method as {texts[spelled_out]!r}")
        texts[spelled_out] = format_method(name, options)
    return tuple(texts.values())


def _shares(field: str, value: Any) -> tuple[float, ...]:
    if isinstance(value, str):
        value = parse_shares(value)
    for item in _items(field, value):
        if isinstance(item, bool) or not isinstance(item, (int, float)) or not 0 <= item <= 1:
            raise ValueError(f"{field} must be shares from 0 to 1 (0.25 removes a quarter of the edges), got {item!r}")
    # Rounded, so that 0.1 + 0.2 and 0.3 are one share and one run.
    return tuple(sorted(_items(field, [round(float(item), 9) for item in _items(field, value)])))


def parse_shares(text: str) -> list[float]:
    """Read ``"0,0.25,0.5"`` or ``"start:stop:step"`` (both ends included).

    Raises
    ------
    ValueError
        If the text is neither.
    """
    try:
        if ":" not in text:
            return [float(part) for part in text.split(",")]
        start, stop, step = (float(part) for part in text.split(":"))
        if not (0 < step <= 1 and 0 <= start <= stop <= 1):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"removed must be shares from 0 to 1 as '0,0.25,0.5', or 'start:stop:step' as '0:1:0.05', got {text!r}"
        ) from None
    steps = (stop - start) / step
    if steps >= MOST_CELLS:
        raise ValueError(f"removed would be {steps:,.0f} shares; at most {MOST_CELLS:,} are allowed, got {text!r}")
    return [round(start + i * step, 9) for i in range(round(steps) + 1) if start + i * step < stop + 1e-9]


def _seeds(field: str, value: Any) -> tuple[int, ...]:
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError(f"{field} must be a number of seeds from 1, or a list of seeds, got {value}")
        if value > MOST_CELLS:
            raise ValueError(f"{field} is the number of seeds, at most {MOST_CELLS:,}, got {value:,}")
        return tuple(range(value))
    for item in _items(field, value):
        if isinstance(item, bool) or not isinstance(item, int) or not 0 <= item <= _LARGEST_SEED:
            raise ValueError(f"{field} must be whole numbers from 0 to 2**63 - 1, got {item!r}")
    return tuple(_items(field, value))


def _splits(field: str, value: Any) -> tuple[int, ...] | Literal["seeds"]:
    if value == "seeds":
        return "seeds"
    if isinstance(value, int):
        value = [value]
    if isinstance(value, str):
        value = parse_splits(value)
    return _seeds(field, value)


def parse_splits(text: str) -> list[int]:
    """Read ``"0,3,7"`` or ``"start:stop"`` (without ``stop``).

    Raises
    ------
    ValueError
        If the text is neither.
    """
    try:
        if ":" not in text:
            return [int(part) for part in text.split(",")]
        start, stop = (int(part) for part in text.split(":"))
        if not 0 <= start < stop <= start + MOST_CELLS:
            raise ValueError
    except ValueError:
        raise ValueError(
            f"split_seeds must be whole numbers as '0,3,7', 'start:stop' as '0:5', or 'seeds', got {text!r}"
        ) from None
    return list(range(start, stop))


def _parts(field: str, value: Any) -> tuple[float, ...] | None:
    if value is None:
        return None
    parts = value if isinstance(value, (list, tuple)) else [value]
    numeric = all(isinstance(part, (int, float)) and not isinstance(part, bool) and 0 < part < 1 for part in parts)
    if len(parts) != 3 or not numeric or sum(parts) > 1 + 1e-9:
        raise ValueError(
            f"{field} must be three shares above 0 that add up to at most 1, for training, validation and test, as "
            f"[0.8, 0.1, 0.1], got {value!r}"
        )
    return tuple(float(part) for part in parts)


def _count_or_none(field: str, value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_EPOCHS):
        raise ValueError(f"{field} must be a whole number from 1 to {MOST_EPOCHS:,}, or left out, got {value!r}")
    return value


def _count_or_auto(field: str, value: Any) -> int | Literal["auto"]:
    if value != "auto" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(f"{field} must be a whole number from 1 (the whole graph at once), or 'auto', got {value!r}")
    return value


def _file_name(field: str, value: Any) -> str:
    if not isinstance(value, str) or not value.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"{field} must be letters, digits, '-' and '_', got {value!r}")
    return value
