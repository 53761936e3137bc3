"""Claims of Razin, Verbin and Cohen, On the Ability of Graph Neural Networks to Model Interactions Between Vertices."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from wis.experiments.claims.claim import Claim, Measured, Region
from wis.experiments.claims.comparisons import GCN_PLANS, HIGHER, OTHER_PLANS, UGS, beats
from wis.experiments.claims.stored import Stored

SOURCE = "Razin, Verbin and Cohen (NeurIPS 2023, arXiv:2211.16494)"
_NONE = Region("none", high=0)
_MODELS = {"gcn": "GCN", "gat": "GAT", "gin": "GIN"}


def claims() -> Iterator[Claim]:
    """All its claims."""
    claim = partial(Claim, SOURCE)
    theory = partial(claim, "section 4.1, theorems", results="interactions/rank")
    upper, lower = "the walk index bounds the separation rank from above", "… and, nearly matching, from below"
    for text, column in ((upper, "paper_upper"), (lower, "paper_lower")):
        for kind in ("graph", "vertex"):
            yield theory(
                text=text, about=f"{kind} prediction", quantity="computed ranks beyond the bound", agrees=_NONE,
                measure=partial(_violations, kind=kind, column=column),
            )  # fmt: skip
    yield theory(
        text="the walk index is the exponent of the width", about="vertex prediction, single vertices",
        quantity="share of determined degrees that are the walk index", agrees=Region("all", low=1), measure=_degrees,
    )  # fmt: skip
    for model, name in _MODELS.items():
        yield claim(
            "section 4.2, experiments", "ReLU GNNs too model more interaction across a larger walk index", about=name,
            quantity="points of test accuracy, high − low walk index", agrees=HIGHER, results="interactions/same-class",
            measure=partial(_same_class, model=model),
        )  # fmt: skip
    yield claim(
        "section 4.2, experiments", "ReLU GNNs too model more interaction across a larger walk index",
        about="GCN, eight arrangements", quantity="Spearman's correlation of walk index and test accuracy",
        agrees=HIGHER, results="interactions/dose", measure=_dose,
    )  # fmt: skip
    yield from _comparisons()
    yield claim(
        "section 5, figures", "WIS beats random, spectral and UGS", about="ogbn-arxiv; full protocol",
        why_not="the graph and 10,000 epochs are beyond two cores; plans paper/… run it",
    )  # fmt: skip


def _comparisons() -> Iterator[Claim]:
    where = "section 5, figures"
    plans = GCN_PLANS | OTHER_PLANS
    for depth, name in ((3, "2-WIS"), (2, "1-WIS")):
        method = f"wis:depth={depth}"
        for rival, text in (("random", "random removal"), ("spectral", "spectral sparsification"), (UGS, "UGS")):
            yield from beats(SOURCE, where, f"{name} keeps more accuracy than {text}", method, rival, plans)
    same = Region("within 1 point", -1, 1)
    text = "1-WIS is as good as 2-WIS"
    yield from beats(SOURCE, where, text, "wis:depth=2", "wis:depth=3", plans, same)
    faster = Region("below 1", high=1)
    for plan, (dataset, _) in GCN_PLANS.items():
        for rival, text in (("spectral", "spectral sparsification"), (UGS, "UGS")):
            yield Claim(
                SOURCE, "section 5", "WIS is simple and efficient", about=f"2-WIS beside {text}, {dataset}",
                quantity="time of one order, as a multiple", agrees=faster, results=plan,
                measure=partial(_time, plan=plan, rival=rival),
            )  # fmt: skip


def _violations(stored: Stored, kind: str, column: str) -> Measured:
    table = stored.table("interactions/rank", "summary.csv")
    own = table[table["prediction"] == kind]
    return Measured.exactly(float(own[column].sum()), f"{own['cases'].sum():,} cases")


def _degrees(stored: Stored) -> Measured:
    table = stored.table("interactions/rank", "degrees.csv")
    own = table[table["prediction"] == "vertex"]
    determined = own["determined"].sum()
    return Measured.exactly(float(own["degree is the walk index"].sum() / determined), f"{determined:,} cases")


def _same_class(stored: Stored, model: str) -> Measured:
    table = stored.table("interactions/same-class", "differences.csv")
    row = table[(table["model"] == model) & (table["accuracy"] == "test")].iloc[0]
    return Measured(row["high − low"], row["from"], row["to"], f"{row['seeds']} seeds")


def _dose(stored: Stored) -> Measured:
    table = stored.table("interactions/dose", "trend.csv")
    row = table[(table["accuracy"] == "test") & (table["statistic"] == "Spearman")].iloc[0]
    return Measured(row["mean"], row["from"], row["to"], f"{row['seeds']} seeds")


def _time(stored: Stored, plan: str, rival: str) -> Measured | None:
    costs = stored.table(plan, "cost.csv").set_index("method")
    if {"wis:depth=3", rival} - set(costs.index):
        return None
    ratio = float(costs["order_seconds"]["wis:depth=3"] / costs["order_seconds"][rival])
    ours, theirs = (int(costs["orders"][method]) for method in ("wis:depth=3", rival))
    return Measured.within_a_factor_of_two(ratio, f"{ours} order{'s' * (ours != 1)} beside {theirs}")
