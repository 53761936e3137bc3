"""Bounds on the separation rank of a GNN, each with what is known about it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from wis.engine.walk_counts import walk_index
from wis.interactions.admissible import most_walks
from wis.interactions.min_cut import cheapest_cut, log_size
from wis.interactions.setting import Setting, find_setting, walks_to

PAPER = "the paper's (arXiv:2211.16494)"
PROVED = "proved here"
MEASURED = "a conjecture, measured"

# Larger integers are given by their logarithm alone.
_MOST_NATS = 500.0
_ROUNDING = 1e-9


class Bound(NamedTuple):
    """One bound on a separation rank.

    Attributes
    ----------
    nats
        Its natural logarithm.
    integer
        The bound itself where it is an integer below e**500; else None.
    standing
        Whose it is: the paper's, proved here, or a conjecture that was measured.
    """

    nats: float
    integer: int | None
    standing: str


@dataclass(frozen=True)
class SeparationRankBounds:
    """What :func:`separation_rank_bounds` returns.

    Attributes
    ----------
    walk_index
        ``WI_{L-1}(I)``, or ``WI_{L-1,t}(I)`` for a target.
    admissible_walks
        The most walks from a set that the paper's lower bound may use; at most the walk index.
    paper_upper
        ``log(D_h) (4 WI + 1)``, for a target ``log(D_h) 4 WI`` nats; for all weights.
    min_cut
        ``D_h^a D_x^b``: the cheapest cut of the GNN's tree tensor network (:mod:`wis.interactions.min_cut`).
    polynomial
        ``prod over j in I of C(w_j + D - 1, D - 1)`` with ``w_j`` the walks of length L from j, or the same over the
        other side if that is smaller: the GNN is homogeneous of degree ``w_j`` in the input of j.
    paper_lower
        ``max over admissible C of log((D - 1) / w_C + 1) w_C`` nats, ``w_C`` walks of length ``L - 1`` from C; for
        almost all weights. At L = 1 ``log D``.
    binomial
        ``C(D + WI - 1, WI)``; ``D`` for graph prediction at L = 1 or WI = 0. Equal to the rank for a single vertex
        with a neighbour at L >= 2. For other subsets never seen to fail, and not proved.
    num_cut
        ``a + b`` of ``min_cut``.

    Notes
    -----
    ``D = min(D_x, D_h)``.
    """

    walk_index: int
    admissible_walks: int
    paper_upper: Bound
    min_cut: Bound
    polynomial: Bound
    paper_lower: Bound
    binomial: Bound
    num_cut: int

    def contradicted_by(self, rank: int, resolved: bool = True) -> list[str]:
        """Names of the bounds that a rank is beyond.

        A rank that is only known to be at least so large contradicts no lower bound.

        Parameters
        ----------
        rank, resolved
            As in :class:`~wis.interactions.rank.SeparationRank`.
        """
        upper = [name for name in ("paper_upper", "min_cut", "polynomial") if _is_above(rank, getattr(self, name))]
        lower = [name for name in ("paper_lower", "binomial") if resolved and _is_below(rank, getattr(self, name))]
        return upper + lower


def separation_rank_bounds(
    graph: Any,
    subset: Iterable[int],
    depth: int,
    target: int | None = None,
    *,
    width: int = 2,
    input_width: int | None = None,
    num_nodes: int | None = None,
    directed: bool | None = None,
) -> SeparationRankBounds:
    """Bounds on the separation rank of a product-aggregation GNN across a partition.

    Parameters
    ----------
    graph, subset, depth, target, width, input_width, num_nodes, directed
        As in :func:`wis.separation_rank`.

    Returns
    -------
    SeparationRankBounds
        Three upper and two lower bounds, each labelled as the paper's, as proved here, or as a conjecture.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit, or more than 24 vertices are next to the boundary.
    OverflowError
        If the depth is too large for the graph: see :func:`wis.separation_rank`.

    Notes
    -----
    The separation-rank upper and lower bounds of Razin, Verbin, Cohen (NeurIPS 2023, arXiv:2211.16494); the others are
    this project's. O(L m) time, and 2**k for the paper's lower bound with k vertices next to the boundary.

    Examples
    --------
    >>> import networkx as nx, wis
    >>> bounds = wis.separation_rank_bounds(nx.path_graph(4), [0, 1], depth=2, target=1)
    >>> bounds.walk_index, bounds.binomial.integer, bounds.min_cut.integer
    (2, 3, 4)
    """
    setting = find_setting(graph, subset, depth, target, width, input_width, num_nodes, directed)
    setting.degree()
    index = walk_index(setting.edges, setting.subset, depth, target)
    admissible = most_walks(setting)
    return SeparationRankBounds(
        walk_index=index,
        admissible_walks=admissible,
        paper_upper=_paper_upper(setting, index),
        min_cut=_min_cut(setting),
        polynomial=_polynomial(setting),
        paper_lower=_paper_lower(setting, admissible),
        binomial=_binomial(setting, index),
        num_cut=sum(cheapest_cut(setting)),
    )


def _is_above(rank: int, bound: Bound) -> bool:
    return math.log(rank) > bound.nats + _ROUNDING if bound.integer is None else rank > bound.integer


def _is_below(rank: int, bound: Bound) -> bool:
    return math.log(rank) < bound.nats - _ROUNDING if bound.integer is None else rank < bound.integer


def proved_upper(setting: Setting) -> float:
    """The smaller of the two upper bounds that are proved here: an int, or infinity where it is beyond e**500."""
    integers = (bound.integer for bound in (_min_cut(setting), _polynomial(setting)))
    return min((integer for integer in integers if integer is not None), default=math.inf)


def _paper_upper(setting: Setting, index: int) -> Bound:
    exponent = 4 * index + (setting.target is None)
    return _power(setting.width, exponent, PAPER)


def _power(base: int, exponent: int, standing: str) -> Bound:
    nats = exponent * math.log(base)
    return Bound(nats, base**exponent if nats < _MOST_NATS else None, standing)


def _min_cut(setting: Setting) -> Bound:
    cut = cheapest_cut(setting)
    nats = log_size(setting, cut)
    size = setting.width ** cut[0] * setting.input_width ** cut[1] if nats < _MOST_NATS else None
    return Bound(nats, size, PROVED)


def _polynomial(setting: Setting) -> Bound:
    width = _least_width(setting)
    walks = next(islice(walks_to(setting.edges, setting.target), setting.depth, None))
    sides = ([_log_choose(w + width - 1, width - 1) for w in walks[side]] for side in (setting.inside, ~setting.inside))
    logs, side = min((sum(logs), at) for at, logs in enumerate(sides))
    if logs >= _MOST_NATS:
        return Bound(logs, None, PROVED)
    chosen = walks[~setting.inside if side else setting.inside]
    size = math.prod(math.comb(w + width - 1, width - 1) for w in chosen)
    return Bound(math.log(size), size, PROVED)


def _paper_lower(setting: Setting, admissible: int) -> Bound:
    width = _least_width(setting)
    if admissible == 0:
        return Bound(0.0, 1, PAPER)
    if setting.depth == 1:
        return Bound(math.log(width), width, PAPER)
    return Bound(admissible * math.log1p((width - 1) / admissible), None, PAPER)


def _binomial(setting: Setting, index: int) -> Bound:
    width = _least_width(setting)
    if not setting.is_partition:
        return Bound(0.0, 1, MEASURED)
    if setting.target is None and (setting.depth == 1 or index == 0):
        return Bound(math.log(width), width, MEASURED)
    nats = _log_choose(width + index - 1, width - 1)
    if nats >= _MOST_NATS:
        return Bound(nats, None, MEASURED)
    size = math.comb(width + index - 1, width - 1)
    return Bound(math.log(size), size, MEASURED)


def _least_width(setting: Setting) -> int:
    return min(setting.width, setting.input_width)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
