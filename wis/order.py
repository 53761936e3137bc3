"""One removal order for every budget."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from wis.budget import pairs_to_keep
from wis.calls import check_ranking
from wis.extras import needed_for
from wis.files import replace_file
from wis.graphs.edge_list import EdgeList
from wis.graphs.load import load_graph

if TYPE_CHECKING:
    import torch

_FORMAT = 1


class RemovalOrder:
    """All candidate pairs of a graph, first removed first.

    Made by :func:`wis.removal_order`. One order serves every budget: the sparse graph with ``k`` pairs keeps the last
    ``k`` of them, so the graphs of smaller budgets lie inside those of larger ones.

    Attributes
    ----------
    method, options, seed
        What made the order. Options that were left at their default are not in ``options``.
    """

    def __init__(
        self,
        edge_list: EdgeList,
        ranking: np.ndarray,
        *,
        method: str,
        options: Mapping[str, Any],
        seed: int | None,
    ) -> None:
        self._edge_list = edge_list
        self._ranking = check_ranking(ranking, edge_list.num_pairs, method)
        self.method = method
        self.options = dict(options)
        self.seed = seed

    @property
    def num_nodes(self) -> int:
        """Number of vertices."""
        return self._edge_list.num_nodes

    @property
    def directed(self) -> bool:
        """Whether pairs are ordered (source, target). If False, ``u < v``."""
        return self._edge_list.directed

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the graph that the order was made from."""
        return self._edge_list.fingerprint()

    @cached_property
    def edges(self) -> torch.Tensor:
        """CPU int64 ``[2, m]``: the pairs, first removed first; ``u < v`` if undirected."""
        with needed_for("RemovalOrder.edges"):
            import torch

        return torch.from_numpy(self._edge_list.pairs[:, self._ranking])

    def __len__(self) -> int:
        return len(self._ranking)

    def __repr__(self) -> str:
        options = "".join(f", {key}={value!r}" for key, value in self.options.items())
        return f"RemovalOrder(method={self.method!r}{options}, num_nodes={self.num_nodes}, pairs={len(self)})"

    def keep_mask(self, keep: float | None = None, num_edges: int | None = None) -> torch.Tensor:
        """Which pairs stay.

        Parameters
        ----------
        keep
            Fraction of the pairs that stay: exactly ``round(keep * m)``. 0.5 if neither argument is given.
        num_edges
            Number of pairs that stay.

        Returns
        -------
        torch.Tensor
            bool ``[m]``, in the order of ``edges``.

        Raises
        ------
        ValueError
            If both are given, or one is out of range.
        """
        with needed_for("RemovalOrder.keep_mask"):
            import torch

        num_keep = pairs_to_keep(len(self), keep, num_edges)
        return torch.arange(len(self)) >= len(self) - num_keep

    def apply(self, graph: Any, keep: float | None = None, num_edges: int | None = None) -> Any:
        """Sparsify the graph that the order was made from.

        Parameters
        ----------
        graph
            The same graph, of any supported type; other types and other attributes than before are fine, other edges
            are not. It is not changed.
        keep, num_edges
            As in :meth:`keep_mask`.

        Returns
        -------
        Any
            A graph of the type of ``graph``.

        Raises
        ------
        ValueError
            If the graph has other pairs or another number of vertices than the one the order was made from.
        """
        num_keep = pairs_to_keep(len(self), keep, num_edges)
        loaded = load_graph(graph, None if _counts_its_vertices(graph) else self.num_nodes, self.directed)
        return loaded.keep_pairs(self.kept_pairs(loaded.edges, num_keep))

    def kept_pairs(self, edges: EdgeList, num_keep: int) -> np.ndarray:
        """Bool ``[m]`` in canonical order: whether each pair of ``edges`` is among the ``num_keep`` removed last.

        Raises
        ------
        ValueError
            If ``edges`` is another graph than the one that the order was made from.
        """
        own = self._edge_list
        same = (edges.num_nodes, edges.directed) == (own.num_nodes, own.directed)
        if not (same and np.array_equal(edges.pairs, own.pairs)):
            raise ValueError(
                f"graph is not the one that this order was made from: the order is for {self.num_nodes} vertices and "
                f"{len(self)} pairs, graph has {edges.num_nodes} and {edges.num_pairs}"
                + (" (their endpoints differ)" if edges.num_pairs == len(self) else "")
            )
        kept = np.zeros(len(self), dtype=bool)
        kept[self._ranking[len(self) - num_keep :]] = True
        return kept

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the order to an ``.npz`` without pickles, whole or not at all.

        Raises
        ------
        ValueError
            If the path does not end in ``.npz``.
        TypeError
            If an option cannot be written as JSON.
        """
        path = os.fspath(path)
        if not path.endswith(".npz"):
            raise ValueError(f"path must end in .npz, got {path!r}")
        facts = {
            "format": _FORMAT,
            "num_nodes": self.num_nodes,
            "directed": self.directed,
            "method": self.method,
            "options": self.options,
            "seed": self.seed,
            "fingerprint": self.fingerprint,
        }
        header = json.dumps(facts, default=_to_plain)
        with replace_file(path) as temporary, temporary.open("wb") as file:
            np.savez(file, edges=self._edge_list.pairs[:, self._ranking], header=np.array(header))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RemovalOrder:
        """Read an order written by :meth:`save`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is no removal order, or damaged.
        """
        with open(path, "rb") as file:  # noqa: PTH123, path may be a string; a missing file says so by itself
            if not zipfile.is_zipfile(file):
                raise ValueError(f"{os.fspath(path)} is not a removal order written by save(), or it is cut short")
        try:
            with np.load(path, allow_pickle=False) as archive:
                edges, facts = archive["edges"], json.loads(str(archive["header"]))
            edge_list = EdgeList.from_columns(edges, facts["num_nodes"], facts["directed"])
            ranking = edge_list.pair_of_columns(edges)
            order = cls(edge_list, ranking, method=facts["method"], options=facts["options"], seed=facts["seed"])
        except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{os.fspath(path)} is not a removal order written by save(): {error}") from error
        if order.fingerprint != facts["fingerprint"]:
            raise ValueError(f"{os.fspath(path)} is damaged: its edges do not match its fingerprint")
        return order


def _counts_its_vertices(graph: Any) -> bool:
    """Whether the graph knows its number of vertices; a bare edge_index and an edge table do not."""
    if isinstance(graph, np.ndarray) or hasattr(graph, "load_pairs"):
        return False
    return hasattr(graph, "num_nodes") or not hasattr(graph, "dtype")


def _to_plain(value: Any) -> Any:
    """Arrays and tensors among the options as lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"option value {value!r} cannot be written as JSON")
