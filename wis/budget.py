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
    if keep is not None and num_edges is not None:
        raise ValueError(f"give keep or num_edges, not both; got keep={keep!r} and num_edges={num_edges!r}")
    if num_edges is not None:
        count = check_count("num_edges", num_edges)
        if count > num_pairs:
            raise ValueError(f"num_edges must be at most the number of pairs, {num_pairs}, got {count}")
        return count
    keep = 0.5 if keep is None else check_fraction("keep", keep)
    return round(keep * num_pairs)
