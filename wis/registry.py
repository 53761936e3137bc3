"""The registry of sparsification methods.

A method is one function, found through the entry-point group ``wis.methods``, whose name is then that of the method; or
by its place, ``package.module:function``, which is its name then; or it is given itself. It is one of two kinds:

``rank(edges, *, data, seed, device, progress, limit, **options)``
    returns an int64 permutation of ``range(edges.num_pairs)``, first removed first. One order serves every budget.
``select(edges, num_keep, *, data, seed, device, progress, **options)``
    returns a bool mask ``[m]`` of the pairs kept and their weights (float64 ``[m]``, or None), for methods that have no
    order of their own.

A rank may say besides how it scores pairs one by one (:class:`Scores`): then it ranks graphs too whose pairs are on
disk.

The kind is read off the signature: a parameter ``num_keep`` makes it a selection. A function takes only those of the
standard keywords that it needs; every other keyword-only parameter is an option that users may set.
"""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import inspect
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

import numpy as np

from wis.checks import check_flag, did_you_mean
from wis.extras import needed_for
from wis.own_code import file_fingerprint, load_own

ENTRY_POINT_GROUP = "wis.methods"

# What the caller hands over by itself; `limit` is the number of removals after which a rank may stop being exact.
STANDARD_KEYWORDS = frozenset({"data", "seed", "device", "progress", "limit"})

# The same for scores of pairs on disk.
_SCORE_KEYWORDS = frozenset({"seed", "memory", "folder"})

# Options of every method, and their defaults: wis.calls does what they say, and the functions do not get them.
SHARED_OPTIONS: Mapping[str, Any] = MappingProxyType({"keep_connected": False})

# A string of Python after "=", a comma, or a bracket; and what makes a string one that has to stand in quotes.
_QUOTED = r"""(?<=[=,\[({ :])(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
_NEEDS_QUOTES = re.compile(r"""[,\[\](){}'"]|^\s|\s$|^$""")

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Pairs(Protocol):
    """The pairs of a graph, in memory (:class:`wis.EdgeList`) or on disk."""

    @property
    def num_nodes(self) -> int:
        """Number of vertices ``n``."""

    @property
    def num_pairs(self) -> int:
        """Number of pairs ``m``."""

    def degrees(self) -> np.ndarray:
        """Number of pairs at every vertex: int64 ``[n]``, int32 where the pairs are on disk."""

    def pair_blocks(self) -> Iterator[np.ndarray]:
        """The pairs, some at a time, in canonical order: int64 ``[2, block]``. On disk they are read at every call."""


@dataclass(frozen=True)
class Scores:
    """How a method ranks pairs that do not fit into memory: by a score of each, the lowest first.

    Attributes
    ----------
    function
        ``function(pairs, *, seed, memory, folder, **options)``, of which it takes those of the three keywords that it
        needs, and all options: yields float64 arrays that are the scores of all :class:`Pairs` in canonical order, in
        blocks of any length. Pairs are removed by rising score, equal ones in canonical order; that must be the order
        that the method itself gives for the same undirected graph without weights. ``memory`` is the bytes that it may
        take beside ``node_bytes``, ``folder`` where it may put files.
    node_bytes
        Bytes in memory that it takes for every vertex.
    disk_bytes
        Bytes on disk that it takes for every pair.
    """

    function: Callable[..., Iterator[np.ndarray]]
    node_bytes: int = 0
    disk_bytes: int = 0


@dataclass(frozen=True)
class Method:
    """A sparsification method and what it needs.

    Attributes
    ----------
    name
        The name to call it by.
    summary
        One line on what it does: the first line of the function's docstring.
    source
        Where it comes from: paper and section, or the library.
    options
        Names of the options and their defaults.
    kind
        ``"rank"`` (gives an order) or ``"select"`` (chooses edges for one budget).
    devices
        The devices that it runs on.
    learns
        Whether it needs a labelled PyG graph (features, labels and masks), with any options.
    reads_weights
        Whether the weights of the edges matter to it, with some options at least.
    function
        The function itself.
    scores
        How it scores pairs on disk; None if it ranks graphs in memory only.
    scored_by
        The option that names another method, whose order it works on; None if there is none.
    """

    name: str
    summary: str
    source: str
    options: Mapping[str, Any]
    kind: str
    devices: tuple[str, ...]
    learns: bool
    reads_weights: bool
    function: Callable[..., Any]
    scores: Scores | None
    scored_by: str | None
    _seeded: bool | Callable[[Mapping[str, Any]], bool]
    _weighed: bool | Callable[[Mapping[str, Any]], bool]
    _check: Callable[..., object] | None = None

    def chain(self, options: Mapping[str, Any]) -> list[tuple[Method, dict[str, Any]]]:
        """The method, the one whose order it works on, and so on, each with all of its options."""
        options = {**self.options, **options}
        if self.scored_by is None:
            return [(self, options)]
        name, own = parse_method(options[self.scored_by])
        return [(self, options), *find_method(name).chain(own)]

    def uses_seed(self, options: Mapping[str, Any]) -> bool:
        """Whether the result depends on the seed, given these options."""
        return any(_says(method._seeded, own) for method, own in self.chain(options))

    def uses_weights(self, options: Mapping[str, Any]) -> bool:
        """Whether the weights of the edges matter, given these options."""
        return any(_says(method._weighed, own) for method, own in self.chain(options))

    def learner(self, options: Mapping[str, Any]) -> str | None:
        """The method of the chain that needs a labelled PyG graph (features, labels and masks), if there is one."""
        return next((method.name for method, _ in self.chain(options) if method.learns), None)

    @property
    def file_fingerprint(self) -> str:
        """SHA-256 of the file of a method that is not of this package; empty for those that are."""
        module = str(self.function.__module__)
        return "" if f"{module}.".startswith("wis.") else file_fingerprint(self.function)

    @property
    def uses_model(self) -> bool:
        """Whether the result depends on the GNN: the method has an option ``model``."""
        return "model" in self.options

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Check names and values of options, as far as they can be checked before a graph is read.

        Raises
        ------
        ValueError
            If there is an option that the method does not have, or a value out of range.
        TypeError
            If a value is of another type.
        """
        self.check_names(options)
        self.check_values(options)

    def check_names(self, options: Mapping[str, Any]) -> None:
        """Raise ``ValueError`` if there is an option that the method does not have."""
        all_options = {**self.options, **SHARED_OPTIONS}
        unknown = [name for name in options if name not in all_options]
        if unknown:
            allowed = ", ".join(f"{k}={v!r}" for k, v in all_options.items())
            hint = ""
            if unknown[0] in inspect.signature(self.function).parameters:
                hint = "; options are the keyword-only arguments of its function, after *"
            raise ValueError(f"method {self.name!r} has no option {unknown[0]!r}; its options are: {allowed}{hint}")

    def check_values(self, options: Mapping[str, Any]) -> None:
        """Raise ``ValueError`` or ``TypeError`` if the value of an option does not fit."""
        check_flag("keep_connected", options.get("keep_connected", False))
        if self._check is not None:
            with needed_for(f"method {self.name!r}"):
                self._check(**{**self.options, **own_options(options)})

    def call(self, *args: Any, **keywords: Any) -> Any:
        """Call the function with those of the standard keywords that it takes, and with all options."""
        with needed_for(f"method {self.name!r}"):
            return self.function(*args, **_taken(self.function, STANDARD_KEYWORDS, keywords))

    def score(self, pairs: Pairs, **keywords: Any) -> Iterator[np.ndarray]:
        """The scores of all pairs, block by block: see :class:`Scores`, which the method must have.

        Raises
        ------
        ValueError
            If they are not one number a pair; third-party methods may err.
        """
        assert self.scores is not None
        count = 0
        with needed_for(f"method {self.name!r}"):
            for block in self.scores.function(pairs, **_taken(self.scores.function, _SCORE_KEYWORDS, keywords)):
                if block.ndim != 1 or block.dtype != np.float64:
                    raise ValueError(
                        f"the scores of method {self.name!r} must be float64 arrays of one dimension, got "
                        f"{block.dtype} {list(block.shape)}"
                    )
                count += len(block)
                yield block
        if count != pairs.num_pairs:
            raise ValueError(f"method {self.name!r} must score each of the {pairs.num_pairs} pairs once, got {count}")


def _says(fact: bool | Callable[[Mapping[str, Any]], bool], options: Mapping[str, Any]) -> bool:
    return fact(options) if callable(fact) else fact


def own_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those that the function of a method gets: all but the shared ones."""
    return {name: value for name, value in options.items() if name not in SHARED_OPTIONS}


def _taken(function: Callable[..., Any], standard: frozenset[str], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the standard keywords that a function takes, and all options."""
    taken = inspect.signature(function).parameters
    return {name: value for name, value in keywords.items() if name in taken or name not in standard}


def method(
    *,
    source: str,
    seeded: bool | Callable[[Mapping[str, Any]], bool] | None = None,
    learns: bool = False,
    reads_weights: bool | Callable[[Mapping[str, Any]], bool] = False,
    check: Callable[..., object] | None = None,
    devices: tuple[str, ...] = ("cpu",),
    scores: Scores | None = None,
    scored_by: str | None = None,
) -> Callable[[_Function], _Function]:
    """State where a method comes from and what it uses; the function itself is left as it is.

    Parameters
    ----------
    source
        Paper and section, or the library that does the work.
    seeded
        Whether the result depends on ``seed``; or a function of the options that says so. None: if the function takes
        it.
    learns
        Whether the method needs a labelled PyG graph in ``data``.
    reads_weights
        Whether it uses ``edges.weights``; or a function of the options that says so. Otherwise it gets none, and a
        graph whose weights differ is warned of.
    check
        A function of all options by name, which raises ``ValueError`` or ``TypeError`` if one does not fit. Called
        before a graph is read, so that hours of other work do not end in a slip of the pen. None: nothing to check.
    devices
        The devices that it runs on. Asking for another one is an error, never a silent fall-back.
    scores
        How it scores pairs, if each has a score of its own: with it, ``--max-memory`` ranks graphs larger than memory.
    scored_by
        The option that names another method, if it works on the order of one: it draws, learns and reads weights where
        that one does, besides what is said here of its own.
    """

    def mark(function: _Function) -> _Function:
        function.__wis_method__ = {  # type: ignore[attr-defined]
            "source": source,
            "seeded": seeded,
            "learns": learns,
            "reads_weights": reads_weights,
            "check": check,
            "devices": devices,
            "scores": scores,
            "scored_by": scored_by,
        }
        return function

    return mark


def methods() -> list[Method]:
    """All registered methods, third-party ones included, sorted by name.

    Returns
    -------
    list of Method
        Records with ``.name``, ``.summary``, ``.source`` and ``.options``. A method that cannot be loaded is left out,
        with a warning.
    """
    found = []
    for name in sorted(_entry_points()):
        try:
            found.append(find_method(name))
        except (ImportError, ValueError) as error:
            warnings.warn(str(error), RuntimeWarning, stacklevel=2)
    return found


def find_method(method: str | Callable[..., Any]) -> Method:
    """Return the method of this name, or make one of a function.

    Parameters
    ----------
    method
        A registered name, the place ``package.module:function`` of a function of one's own, or the function itself.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If no method has this name; the message lists those there are. If a function cannot be imported, or takes other
        arguments than a method does.
    ImportError
        If an entry point cannot be loaded.
    """
    if inspect.isfunction(method):
        return _method_of(f"{method.__module__}:{method.__qualname__}", method)
    if not isinstance(method, str):
        raise TypeError(f"method must be a name or a function, got {type(method).__name__}")
    if method in _entry_points():
        return _load(method)
    if ":" in method:
        found = load_own(method, f"method {method!r}")
        if not inspect.isfunction(found):
            raise ValueError(f"method {method!r} must be a function, got {type(found).__name__}")
        return _method_of(method, found)
    names = sorted(_entry_points())
    raise ValueError(
        f"unknown method {method!r}{did_you_mean(method, names)}; the methods are: {', '.join(names)}, and "
        "package.module:function of your own"
    )


@functools.cache
def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}


@functools.cache
def _load(name: str) -> Method:
    point = _entry_points()[name]
    try:
        with needed_for("it"):
            function = point.load()
    except Exception as error:  # whatever the module of another package does when it is imported
        raise ImportError(f"method {name!r} ({point.value}) cannot be loaded: {error}") from error
    return _method_of(name, function)


def _method_of(name: str, function: Callable[..., Any]) -> Method:
    facts = getattr(function, "__wis_method__", {})
    parameters = inspect.signature(function).parameters
    kind = "select" if "num_keep" in parameters else "rank"
    _check_signature(name, function, kind)
    options = {
        p.name: p.default for p in parameters.values() if p.kind is p.KEYWORD_ONLY and p.name not in STANDARD_KEYWORDS
    }
    summary = (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
    return Method(
        name=name,
        summary=summary,
        source=facts.get("source", function.__module__),
        options=MappingProxyType(options),
        kind=kind,
        devices=facts.get("devices", ("cpu", "cuda")),
        learns=facts.get("learns", False),
        reads_weights=bool(facts.get("reads_weights", False)) or facts.get("scored_by") is not None,
        function=function,
        scores=facts.get("scores"),
        scored_by=facts.get("scored_by"),
        _seeded="seed" in parameters if facts.get("seeded") is None else facts["seeded"],
        _weighed=facts.get("reads_weights", False),
        _check=facts.get("check"),
    )


def _check_signature(name: str, function: Callable[..., Any], kind: str) -> None:
    """Raise ``ValueError`` unless a function can be called as methods are, with its options left at their defaults."""
    signature = inspect.signature(function)
    standard = STANDARD_KEYWORDS & signature.parameters.keys()
    try:
        signature.bind(*range(2 if kind == "select" else 1), **dict.fromkeys(standard))
    except TypeError as error:
        raise ValueError(
            f"method {name!r} must be a function (edges, *, ...) that returns an order, or (edges, num_keep, *, ...), "
            f"and its options after * must have defaults; got {signature}: {error}"
        ) from error


def split_method(text: str) -> tuple[str, str]:
    """Split ``"wis:depth=2"`` at the colon into a name and the text of its options; looks at names only.

    A place has a colon of its own: ``"my_methods:rank:bias=2"`` is ``"my_methods:rank"`` and ``"bias=2"``.
    """
    name, _, rest = text.partition(":")
    function, _, options = rest.partition(":")
    if name not in _entry_points() and function.isidentifier():
        return f"{name}:{function}", options
    return name, rest


def parse_method(text: str) -> tuple[str, dict[str, Any]]:
    """Split ``"wis:depth=2,ties=random"`` or ``"my_methods:rank:bias=2"`` into a name and its options.

    Values are read as Python literals (``2``, ``0.5``, ``None``, ``True``, ``[0, 4]``) where they are, else taken as
    strings; those with a comma stand in quotes (``"local:score='wis:depth=2,ties=random'"``).

    Raises
    ------
    ValueError
        If the text is not of that form, the method or an option is unknown or given twice, or a value does not fit.
    """
    name, rest = split_method(text)
    options: dict[str, Any] = {}
    for part in filter(None, _split_options(rest)):
        key, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"method {text!r}: expected option=value after the colon, got {part!r}")
        if key.strip() in options:
            raise ValueError(f"method {text!r}: option {key.strip()!r} is given twice")
        options[key.strip()] = _value_of(value.strip())
    found = find_method(name)
    found.check_names(options)
    try:
        found.check_values(options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"method {text!r}: {error}") from error
    return name, options


def _value_of(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _split_options(text: str) -> list[str]:
    """Split at commas, but not inside of brackets and quotes."""
    # A quote in the middle of a word, as in a path, is a letter like others.
    pieces = re.findall(_QUOTED + r"|.", text, re.DOTALL)
    parts, depth = [""], 0
    for piece in pieces:
        if piece == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += piece
        depth += (piece in "[({") - (piece in "])}")
    return parts


def format_method(name: str, options: Mapping[str, Any]) -> str:
    """The inverse of :func:`parse_method`: ``wis:depth=2,ties=random``, options sorted by name."""
    if not options:
        return name
    return name + ":" + ",".join(f"{key}={_text_of(options[key])}" for key in sorted(options))


def _text_of(value: Any) -> str:
    """The value as :func:`_value_of` reads it; strings without quotes where that is possible."""
    plain = str(value)
    is_plain = not isinstance(value, str) or (_value_of(plain) == value and not _NEEDS_QUOTES.search(value))
    return plain if is_plain else repr(value)
