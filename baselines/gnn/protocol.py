"""Training protocols. Loads no heavy library, so that the command line can list them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from wis.checks import check_count, check_number

MODEL_NAMES = ("gcn", "gin", "resgcn", "gat", "sage")


@dataclass(frozen=True)
class Protocol:
    """How a model is trained: Adam, on the whole graph or in batches, test accuracy at the best validation epoch.

    Attributes
    ----------
    lr, weight_decay
        Step size and L2 penalty of Adam.
    epochs
        Most epochs, one step a batch.
    patience
        Stop once validation accuracy has not improved in this many epochs in a row; None: never stop early.
    min_delta
        What counts as an improvement for ``patience``.
    batches
        Random batches of vertices that an epoch goes through; 1: the whole graph at once.
    """

    lr: float = 5e-3
    weight_decay: float = 1e-3
    epochs: int = 300
    patience: int | None = None
    min_delta: float = 1e-4
    batches: int = 1

    def __post_init__(self) -> None:
        for name in ("lr", "weight_decay", "min_delta"):
            check_number(name, getattr(self, name), at_least=0)
        check_count("epochs", self.epochs, at_least=1)
        check_count("batches", self.batches, at_least=1)
        if self.patience is not None:
            check_count("patience", self.patience)


# "paper": Razin et al. (NeurIPS 2023), appendix on edge sparsification, with the rates of Cora and GCN; those of other
# data sets and models are in `_RATES`. "reduced": fewer epochs with larger steps.
PROTOCOLS: Mapping[str, Protocol] = MappingProxyType({
    "reduced": Protocol(),
    "paper": Protocol(lr=5e-4, epochs=10_000, patience=1000),
})  # fmt: skip

# Step size and weight decay of the plans that the paper's code comes with, where they are not those of Cora and GCN.
_RATES: Mapping[tuple[str, str], tuple[float, float]] = MappingProxyType({
    ("Cora", "gin"): (1e-3, 1e-3),
    ("DBLP", "gcn"): (1e-3, 1e-4), ("DBLP", "gin"): (1e-3, 1e-3), ("DBLP", "resgcn"): (5e-4, 1e-4),
    ("ogbn-arxiv", "gcn"): (1e-3, 0.0), ("ogbn-arxiv", "gin"): (1e-3, 0.0), ("ogbn-arxiv", "resgcn"): (1e-3, 0.0),
    ("Computers", "gcn"): (1e-3, 1e-4), ("chameleon", "gcn"): (1e-3, 1e-4), ("squirrel", "gcn"): (5e-4, 0.0),
})  # fmt: skip


def published_protocol(name: str, dataset: str, model: str) -> Protocol:
    """A protocol by name for a data set and a model: ``"paper"`` has rates of its own for some.

    A model without published rates takes those of GCN, and a data set without any takes those of Cora.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    protocol = find_protocol(name)
    rates = _RATES.get((dataset, model)) or _RATES.get((dataset, "gcn"))
    if name != "paper" or rates is None:
        return protocol
    return replace(protocol, lr=rates[0], weight_decay=rates[1])


def find_protocol(protocol: str | Protocol) -> Protocol:
    """Return a protocol by name, or as it is.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if isinstance(protocol, Protocol):
        return protocol
    if protocol not in PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}; the protocols are: {', '.join(PROTOCOLS)}")
    return PROTOCOLS[protocol]
