"""Names as a reader sees them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wis.registry import format_method, parse_method, split_method

_MODELS = {"gcn": "GCN", "gin": "GIN", "resgcn": "ResGCN", "gat": "GAT", "sage": "GraphSAGE"}
_METRICS = {"accuracy": "accuracy", "roc_auc": "ROC-AUC"}
# As their sources write them, where that is not the name of the method here.
_METHODS = {
    "ugs": "UGS", "scan": "SCAN", "teddy": "TEDDY", "dspar": "DSpar", "dspar-reweighted": "DSpar (reweighted)",
    "k-neighbor": "K-Neighbor", "local-degree": "LocalDegree", "rank-degree": "RankDegree",
}  # fmt: skip


def method_label(text: str) -> str:
    """``wis:depth=2`` is 1-WIS, ``wis:depth=3`` (or ``wis``, its default) 2-WIS; further options stand in brackets.

    A method that is not installed here keeps its text; one by its place is not imported to be named.
    """
    place, rest = split_method(text)
    if ":" in place:
        return f"{place} ({rest})" if rest else place
    try:
        name, options = parse_method(text)
    except (ValueError, TypeError):
        return text
    if name == "wis" and isinstance(options.get("depth", 3), int):
        shown = f"{options.pop('depth', 3) - 1}-WIS"
    else:
        shown = _METHODS.get(name) or name.replace("-", " ").capitalize()
    rest = format_method("", options).removeprefix(":")
    return f"{shown} ({rest})" if rest else shown


def removal(text: str) -> str:
    """A method as part of a sentence."""
    return "random removal" if text == "random" else method_label(text)


def short_labels(methods: Sequence[str]) -> list[str]:
    """The labels of some methods, without the options that none of them needs to be told apart from the others."""
    names = [split_method(text)[0] for text in methods]
    # The depth of WIS is part of what it is called.
    clear = {name for name in names if name != "wis" and names.count(name) == 1}
    return [method_label(name if name in clear else text) for text, name in zip(methods, names, strict=True)]


def model_label(name: str) -> str:
    """``gcn`` is GCN."""
    return _MODELS.get(name, name)


def score_label(metrics: Iterable[str]) -> str:
    """What the scores of runs are: ``accuracy``, ``ROC-AUC``, or both."""
    return " or ".join(_METRICS.get(metric, metric) for metric in dict.fromkeys(metrics)) or "accuracy"


def percent(share: float) -> str:
    """A share as a percentage without needless digits: 0.125 is ``12.5%``."""
    return f"{round(100 * share, 2):g}%"
