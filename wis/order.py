"""One removal order for every budget."""

from __future__ import annotations

import functools
import json
import os
import zipfile
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wis.budget import pairs_to_keep
from wis.calls import check_ranking
from wis.checks import check_count
from wis.extras import needed_for
from wis.files import DAMAGED_NPZ, replace_file
from wis.graphs.edge_list import EdgeList, LoadedGraph
from wis.graphs.labels import name_of, renumbering
from wis.graphs.load import counts_its_vertices, load_edges, load_graph

if TYPE_CHECKING:
    import torch

_FORMAT = 1

# What a saved order says of itself, and the types that are allowed; labels are new, and may be missing.
_FIELDS: dict[str, tuple[type, ...]] = {
    "format": (int,),
    "num_nodes": (int,),
    "directed": (bool,),
    "method": (str,),
    "options": (dict,),
    "seed": (int, type(None)),
    "fingerprint": (str,),
}


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
        labels: Sequence[Any] | None = None,
    ) -> None:
        self._edge_list = edge_list
        # Labels 0, 1, … say no more than positions do; there may be 10^9 vertices, and none has a label then.
        numbered = labels is None or all(name_of(label) == repr(number) for number, label in enumerate(labels))
        self._labels = None if numbered else [name_of(label) for label in labels or ()]
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

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the graph that the order was made from."""
        return self._edge_list.fingerprint()

    @property
    def edges(self) -> torch.Tensor:
        """CPU int64 ``[2, m]``: the pairs, first removed first; ``u < v`` if undirected. A copy at every access."""
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
        TypeError, ValueError
            If both are given, or one is no number or out of range.
        """
        with needed_for("RemovalOrder.keep_mask"):
            import torch

        num_keep = pairs_to_keep(len(self), keep, num_edges)
        return torch.arange(len(self)) >= len(self) - num_keep

    def apply(
        self,
        graph: Any,
        keep: float | None = None,
        num_edges: int | None = None,
        *,
        edge_attrs: Collection[str] | None = None,
    ) -> Any:
        """Sparsify the graph that the order was made from.

        Parameters
        ----------
        graph
            The same graph, of any supported type; other types and other attributes than before are fine, other edges
            are not. Vertices with labels (NetworkX, igraph, tables of names) are found by them, in whatever order
            they stand. It is not changed.
        keep, num_edges
            As in :meth:`keep_mask`.
        edge_attrs
            As in :func:`wis.sparsify`.

        Returns
        -------
        Any
            A graph of the type of ``graph``.

        Raises
        ------
        TypeError
            If the graph is several (a ``Batch``, a list).
        ValueError
            If the graph has other pairs, another number of vertices or other labels than the one the order was made
            from.
        """
        num_keep = pairs_to_keep(len(self), keep, num_edges)
        loaded = self.read(graph, edge_attrs=edge_attrs)
        return loaded.keep_pairs(self.kept_pairs(loaded.edges, num_keep, loaded.labels))

    def column_mask(self, graph: Any, keep: float | None = None, num_edges: int | None = None) -> torch.Tensor:
        """Which columns of an ``edge_index`` stay.

        Parameters
        ----------
        graph
            The ``edge_index`` ``[2, E]`` of the graph that the order was made from, or any graph that :meth:`apply`
            takes and that is held in memory: its stored edges, in their order.
        keep, num_edges
            As in :meth:`keep_mask`.

        Returns
        -------
        torch.Tensor
            bool ``[E]``, on the GPU if the graph is there. Self-loops stay. ``mask.nonzero()[:, 0]`` are the ids of the
            columns: see :meth:`kept_columns`.

        Raises
        ------
        TypeError, ValueError
            As :meth:`apply`.
        """
        with needed_for("RemovalOrder.column_mask"):
            import torch

        num_keep = pairs_to_keep(len(self), keep, num_edges)
        loaded = self.read(graph, for_edges=True)
        if not isinstance(loaded, LoadedGraph):
            raise TypeError("graph is read from a file as it is needed; pass its edge_index")
        return torch.as_tensor(loaded.column_mask(self.kept_pairs(loaded.edges, num_keep, loaded.labels)))

    def kept_columns(self, graph: Any, keep: float | None = None, num_edges: int | None = None) -> torch.Tensor:
        """The positions of the columns that stay: int64 ``[kept]``, rising.

        Parameters and errors are those of :meth:`column_mask`.
        """
        return self.column_mask(graph, keep, num_edges).nonzero()[:, 0]

    def read(self, graph: Any, *, edge_attrs: Collection[str] | None = None, for_edges: bool = False) -> LoadedGraph:
        """Read a graph as that of the order was read, for :meth:`kept_pairs`.

        Parameters
        ----------
        graph, edge_attrs
            As in :meth:`apply`.
        for_edges
            Whether it is read for its edges alone, so that no attribute is asked about.

        Raises
        ------
        TypeError, ValueError
            If it is no graph, or several; whether it is that of the order is left to :meth:`kept_pairs`.
        """
        reader = load_edges if for_edges else functools.partial(load_graph, edge_attrs=edge_attrs)
        homogeneous = any(base.__name__ == "HeteroData" for base in type(graph).__mro__)
        if not counts_its_vertices(graph):
            try:
                return reader(graph, self.num_nodes, self.directed, homogeneous=homogeneous)
            except ValueError:
                # Larger, or with names: another graph, or an error that has nothing to do with a number of vertices.
                pass
        return reader(graph, None, self.directed, homogeneous=homogeneous)

    def kept_pairs(self, edges: EdgeList, num_keep: int, labels: Sequence[Any] | None = None) -> np.ndarray:
        """Bool ``[m]`` in canonical order: whether each pair of ``edges`` is among the ``num_keep`` removed last.

        Parameters
        ----------
        edges
            The graph that the order was made from; its vertices may be numbered in another order if they have labels.
        num_keep
            How many pairs stay.
        labels
            What the graph calls its vertices; None where they are numbered.

        Raises
        ------
        ValueError
            If ``edges`` is another graph than the one that the order was made from.
        """
        own, ranking = self._edge_list, self._ranking
        same = (edges.num_nodes, edges.directed) == (own.num_nodes, own.directed)
        if same:
            own, ranking = self._renumbered([name_of(label) for label in labels] if labels is not None else None)
        if not (same and np.array_equal(edges.pairs, own.pairs)):
            raise ValueError(f"graph is not the one that this order was made from: {self._difference(edges)}")
        kept = np.zeros(len(self), dtype=bool)
        kept[ranking[len(self) - num_keep :]] = True
        return kept

    def _difference(self, edges: EdgeList) -> str:
        """In what a graph differs from that of the order."""
        if edges.directed != self.directed:
            own, other = ("directed", "undirected") if self.directed else ("undirected", "directed")
            return f"the order is for {own} pairs, and graph was read as {other}"
        counts = (
            f"the order is for {self.num_nodes} vertices and {len(self)} pairs, graph has {edges.num_nodes} and "
            f"{edges.num_pairs}"
        )
        if edges.num_pairs != len(self):
            return counts
        if edges.num_nodes != self.num_nodes:
            return f"{counts}; read it by num_nodes={self.num_nodes} if only vertices without an edge are missing"
        return f"{counts} (their endpoints differ)"

    def _renumbered(self, labels: list[str] | None) -> tuple[EdgeList, np.ndarray]:
        """The order's pairs and ranking with the vertices numbered as in a graph with these labels."""
        position = renumbering(self._labels, labels, self.num_nodes)
        if position is None:
            return self._edge_list, self._ranking
        columns = position[self._edge_list.pairs]
        edges = EdgeList.from_columns(columns, self.num_nodes, self.directed)
        return edges, edges.pair_of_columns(columns)[self._ranking]

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
        header = order_header(
            num_nodes=self.num_nodes,
            directed=self.directed,
            method=self.method,
            options=self.options,
            seed=self.seed,
            fingerprint=self.fingerprint,
            labels=self._labels,
        )
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
                order = cls._from_parts(archive["edges"], json.loads(str(archive["header"])))
        except DAMAGED_NPZ as error:
            raise ValueError(f"{os.fspath(path)} is not a removal order written by save(): {error}") from error
        return order

    @classmethod
    def _from_parts(cls, edges: np.ndarray, facts: Any) -> RemovalOrder:
        """The order from what :meth:`save` wrote, every field of it checked."""
        _check_fields(facts)
        edge_list = EdgeList.from_columns(edges, facts["num_nodes"], facts["directed"])
        if edge_list.fingerprint() != facts["fingerprint"]:
            raise ValueError("it is damaged: its edges do not match its fingerprint")
        ranking = edge_list.pair_of_columns(edges)
        order = cls(edge_list, ranking, method=facts["method"], options=facts["options"], seed=facts["seed"])
        order._labels = facts.get("labels")
        return order


def order_header(**facts: Any) -> str:
    """What a saved order says of itself, as JSON: the fields of :class:`RemovalOrder`, and the labels.

    Parameters
    ----------
    **facts
        All fields but the format.

    Raises
    ------
    TypeError
        If an option cannot be written as JSON.
    """
    return json.dumps({"format": _FORMAT, **facts}, default=_to_plain)


def _check_fields(facts: Any) -> None:
    """Raise ``ValueError`` that names the field if a saved order says of itself what it cannot."""
    if not isinstance(facts, dict):
        raise ValueError(f"its header must be a JSON object, got {type(facts).__name__}")
    for name, kinds in _FIELDS.items():
        if name not in facts:
            raise ValueError(f"its header has no field {name}")
        if type(facts[name]) not in kinds:
            raise ValueError(f"its {name} must be of type {kinds[0].__name__}, got {facts[name]!r}")
    if facts["format"] != _FORMAT:
        raise ValueError(f"its format is {facts['format']}, and this version of wis reads format {_FORMAT}")
    check_count("num_nodes", facts["num_nodes"])
    if facts["seed"] is not None:
        check_count("seed", facts["seed"])
    labels = facts.get("labels")
    if labels is not None and not (
        isinstance(labels, list)
        and len(labels) == facts["num_nodes"]
        and all(isinstance(label, str) for label in labels)
    ):
        raise ValueError(f"its labels must be {facts['num_nodes']} strings")


def _to_plain(value: Any) -> Any:
    """Arrays and tensors among the options as lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"option value {value!r} cannot be written as JSON")
