"""How many pairs stay."""

from __future__ import annotations

from wis.checks import check_count, check_fraction


def pairs_to_keep(num_pairs: int, keep: float | None = None, num_edges: int | None = None) -> int:
    """Turn a budget into a number of pairs.

    Parameters
    ----------
    num_pairs
        Number of pairs ``m`` of the graph.
    keep
        Fraction kept, in ``[0, 1]``: ``round(keep * m)`` pairs stay (Python's ``round``). 0.5 if neither is given.
    num_edges
        Number of pairs kept, in ``[0, m]``.

    Raises
    ------
    TypeError
        If an argument is not a number.
    ValueError
        If both are given, or one is out of range.
    """
    keep, num_edges = check_budget(keep, num_edges)
    if num_edges is None:
        return round((0.5 if keep is None else keep) * num_pairs)
    if num_edges > num_pairs:
        raise ValueError(f"num_edges must be at most the number of pairs, {num_pairs}, got {num_edges}")
    return num_edges


def check_budget(keep: float | None, num_edges: int | None) -> tuple[float | None, int | None]:
    """Return both as numbers after the checks that need no graph, which raise as :func:`pairs_to_keep` does."""
    if keep is not None and num_edges is not None:
        raise ValueError(f"give keep or num_edges, not both; got keep={keep!r} and num_edges={num_edges!r}")
    return (
        None if keep is None else check_fraction("keep", keep),
        None if num_edges is None else check_count("num_edges", num_edges),
    )
