"""Training protocols. Loads no heavy library, so that the command line can list them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from wis.checks import check_number

MODEL_NAMES = ("gcn", "gin", "resgcn")


@dataclass(frozen=True)
class Protocol:
    """How a model is trained: full batches, Adam, test accuracy at the best validation epoch.

    Attributes
    ----------
    lr, weight_decay
        Step size and L2 penalty of Adam.
    epochs
        Most epochs, one step each.
    patience
        Stop once validation accuracy has not improved in this many epochs in a row; None: never stop early.
    min_delta
        What counts as an improvement for ``patience``.
    """

    lr: float = 5e-3
    weight_decay: float = 1e-3
    epochs: int = 300
    patience: int | None = None
    min_delta: float = 1e-4

    def __post_init__(self) -> None:
        for name, least in (("lr", 0.0), ("weight_decay", 0.0), ("epochs", 1), ("min_delta", 0.0)):
            value = check_number(name, getattr(self, name))
            if not value >= least:
                raise ValueError(f"{name} must be at least {least}, got {value!r}")
        for name in ("epochs", "patience"):
            value = getattr(self, name)
            if not isinstance(value, int) and not (name == "patience" and value is None):
                raise TypeError(f"{name} must be an integer, got {value!r}")
        if self.patience is not None and self.patience < 0:
            raise ValueError(f"patience must be None or at least 0, got {self.patience}")


# "paper": Razin et al. (NeurIPS 2023), appendix on edge sparsification. "reduced": fewer epochs with larger steps.
PROTOCOLS: Mapping[str, Protocol] = MappingProxyType({
    "reduced": Protocol(),
    "paper": Protocol(lr=5e-4, epochs=10_000, patience=1000),
})  # fmt: skip


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
