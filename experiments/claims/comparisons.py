"""Claims that one sparsifier beats another: paired differences of stored sweeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from wis.experiments.claims.claim import Claim, Measured, Region
from wis.experiments.claims.stored import Stored
from wis.experiments.report.analysis import averaged, paired, summarise, unit_of
from wis.experiments.report.labels import method_label, model_label

# Plans of sweeps, with the data set and the model of each as a reader calls them.
GCN_PLANS = {
    "reduced/cora-gcn-splits": ("Cora", "gcn"),
    "reduced/dblp-gcn": ("DBLP", "gcn"),
    "reduced/computers-gcn": ("Computers", "gcn"),
    "reduced/chameleon-gcn": ("chameleon", "gcn"),
    "reduced/squirrel-gcn": ("squirrel", "gcn"),
    "reduced/chameleon-filtered-gcn": ("chameleon, filtered", "gcn"),
    "reduced/squirrel-filtered-gcn": ("squirrel, filtered", "gcn"),
    "reduced/minesweeper-gcn": ("minesweeper", "gcn"),
    "reduced/digits-gcn": ("digits", "gcn"),
}
OTHER_PLANS = {
    "reduced/cora-gin": ("Cora", "gin"),
    "reduced/dblp-gin": ("DBLP", "gin"),
    "reduced/cora-gat": ("Cora", "gat"),
    "reduced/cora-sage": ("Cora", "sage"),
    "reduced/cora-resgcn": ("Cora", "resgcn"),
}
# All methods that graphs without weights allow.
RIVALS_PLANS = {
    "rivals/cora": ("Cora", "gcn"),
    "rivals/squirrel-filtered": ("squirrel, filtered", "gcn"),
}
UGS = "ugs:epochs=100,lr=0.005"
HIGHER = Region("above 0", low=1e-12)


def difference(stored: Stored, plan: str, method: str, rival: str) -> Measured | None:
    """Points of ``method`` above ``rival``, averaged over the removed shares and paired by split and seed.

    None where the sweep does not have both.
    """
    runs = stored.table(plan, "runs.csv")
    fine = runs[(runs["status"] == "ok") & runs["method"].isin([method, rival])]
    if {method, rival} - set(fine["method"]):
        return None
    pairs = averaged(paired(fine.assign(accuracy=100 * fine["test_score"]), rival))
    unit = unit_of(pairs)
    found = summarise(pairs.groupby(unit)["difference"].mean())
    return Measured(found["mean"], found["low"], found["high"], f"{found['seeds']} {unit}s")


def beats(
    source: str,
    where: str,
    text: str,
    method: str,
    rival: str,
    plans: Mapping[str, tuple[str, str]],
    agrees: Region = HIGHER,
) -> Iterator[Claim]:
    """One claim that ``method`` beats ``rival``, a row a plan."""
    for plan, (dataset, model) in plans.items():
        yield Claim(
            source,
            where,
            text,
            about=f"{dataset}, {model_label(model)}",
            quantity=f"points of {method_label(method)} above {method_label(rival)}",
            agrees=agrees,
            results=plan,
            measure=partial(difference, plan=plan, method=method, rival=rival),
        )
