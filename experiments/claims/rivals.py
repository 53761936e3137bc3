"""Claims of the cheap rivals that this project runs, and that they are hard to beat."""

from __future__ import annotations

from collections.abc import Iterator

from wis.experiments.claims.claim import Claim, Region
from wis.experiments.claims.comparisons import GCN_PLANS, OTHER_PLANS, RIVALS_PLANS, beats
from wis.experiments.report.labels import method_label

_PLANS = GCN_PLANS | OTHER_PLANS
_TEDDY = "Seo et al., TEDDY (ICLR 2024, arXiv:2402.01261)"
_DSPAR = "Liu et al., DSpar (TMLR 2023)"
_CALLED = "K-Neighbor and LocalDegree, which comparisons call hard to beat"
_CHEAP = "Cheap rivals against WIS: this project's question"
_VLDB = "Chen et al., Demystifying Graph Sparsification Algorithms (VLDB 2024, arXiv:2311.12314)"


def claims() -> Iterator[Claim]:
    """All their claims."""
    text = "degrees of the ends and of their neighbours choose better than chance"
    yield from beats(_TEDDY, "method", text, "teddy", "random", _PLANS)
    yield from beats(_DSPAR, "method", "degrees of the ends choose better than chance", "dspar", "random", _PLANS)
    for method in ("k-neighbor", "local-degree"):
        yield from beats(_CALLED, "GNN accuracy", f"{method_label(method)} beats chance", method, "random", _PLANS)
    for rival in ("teddy", "dspar", "k-neighbor", "local-degree"):
        text = f"2-WIS keeps more accuracy than {method_label(rival)}"
        yield from beats(_CHEAP, "–", text, "wis:depth=3", rival, _PLANS)
    text = "sparsifiers that preserve distances do poorly for GNNs"
    yield from beats(_VLDB, "abstract", text, "spanner", "random", RIVALS_PLANS, agrees=Region("at most 0", high=0))
