"""Masks on edges and weights, learned together with a GNN: one round of UGS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from wis.baselines.gnn.data import TrainingData
from wis.baselines.gnn.graph import Graph
from wis.baselines.gnn.models import build
from wis.baselines.gnn.protocol import Protocol
from wis.baselines.gnn.training import Outcome, seeded, train

_NOISE = 1e-5


@dataclass(frozen=True)
class LearnedMasks:
    """What a round learned.

    Attributes
    ----------
    pairs
        float ``[k]``: the mask of every pair.
    weights
        For every weight matrix, by the name of its layer: its mask; empty if weights have none.
    outcome
        How well the masked model did.
    """

    pairs: np.ndarray
    weights: dict[str, np.ndarray]
    outcome: Outcome


@dataclass(frozen=True)
class MaskLearner:
    """Learns masks on a labelled graph, every time from the same weights, which the seed decides.

    Attributes
    ----------
    data
        Features, labels and splits; its edges are not used.
    model
        Name of the model.
    protocol
        How a round is trained. Its penalty on weights holds for masks too, as in the published codes.
    seed
        Seed of weights, noise and dropout.
    s1
        Factor of the L1 norm of the edge mask.
    s2
        Factor of the L1 norm of the weight masks; None: weights have no masks.
    hidden
        Width of the model; None: that of the protocol.
    """

    data: TrainingData
    model: str
    protocol: Protocol
    seed: int
    s1: float
    s2: float | None = None
    hidden: int | None = None

    def learn(
        self,
        pairs: np.ndarray,
        directed: bool,
        number: int,
        kept_weights: Mapping[str, np.ndarray],
        advance: Callable[[int], Any],
    ) -> LearnedMasks:
        """Train one round.

        Parameters
        ----------
        pairs
            int64 ``[2, k]``, the pairs that are left.
        directed
            Whether a pair is one edge or two.
        number
            Number of the round, which changes the noise that masks start with.
        kept_weights
            bool masks of the weights that are left, by the name of the layer; missing ones: all are.
        advance
            Called with 1 after every epoch.

        Returns
        -------
        LearnedMasks
            The last masks if weights have none (Razin et al.), else those of the best validation epoch (Chen et al.).
        """
        device = self.data.device
        columns, pair = torch.from_numpy(pairs).to(device), torch.arange(pairs.shape[1], device=device)
        if not directed:
            columns, pair = torch.cat([columns, columns.flip(0)], dim=1), pair.repeat(2)
        graph = Graph(columns, self.data.graph.num_nodes)
        noise = np.random.default_rng([self.seed, number])
        with seeded(self.seed, device):
            model = build(self.model, self.data.num_features, self.data.num_classes, self.hidden).to(device)
            mask = _near_one((pairs.shape[1],), noise).to(device).requires_grad_()
            layers = {} if self.s2 is None else _mask_weights(model, kept_weights, noise)
            masks = [mask, *(layer.mask for layer in layers.values())]
            factors = [self.s1] + [self.s2 or 0.0] * len(layers)

            def penalty() -> Tensor:
                return torch.stack([s * m.abs().sum() for s, m in zip(factors, masks, strict=True)]).sum()

            best: list[Tensor] = []
            outcome = train(
                model,
                self.data,
                self.protocol,
                parameters=[mask],
                graph=lambda: graph.reweighted(mask.index_select(0, pair)),
                penalty=penalty,
                on_best=(lambda: _copy(masks, best)) if layers else None,
                advance=advance,
            )
        arrays = [tensor.detach().cpu().numpy() for tensor in (best if layers else masks)]
        return LearnedMasks(arrays[0], dict(zip(layers, arrays[1:], strict=True)), outcome)


def _copy(tensors: list[Tensor], into: list[Tensor]) -> None:
    into[:] = [tensor.detach().clone() for tensor in tensors]


def _near_one(shape: tuple[int, ...], noise: np.random.Generator) -> Tensor:
    return torch.from_numpy(1 + noise.uniform(-_NOISE, _NOISE, shape)).to(torch.get_default_dtype())


class _WeightMask(nn.Module):
    """Multiplies a weight matrix by a learned mask and a fixed one."""

    kept: Tensor

    def __init__(self, mask: Tensor, kept: Tensor) -> None:
        super().__init__()
        self.mask = nn.Parameter(mask)
        self.register_buffer("kept", kept)

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.mask * self.kept


def _mask_weights(
    model: nn.Module, kept: Mapping[str, np.ndarray], noise: np.random.Generator
) -> dict[str, _WeightMask]:
    """Put a mask on every weight matrix of the model; biases and norms have none."""
    layers = {}
    for name, module in list(model.named_modules()):
        weight = getattr(module, "weight", None)
        if not isinstance(weight, nn.Parameter) or weight.dim() != 2:
            continue
        left = torch.from_numpy(kept[name]) if name in kept else torch.ones(weight.shape, dtype=torch.bool)
        layers[name] = _WeightMask(_near_one(tuple(weight.shape), noise), left).to(weight.device)
        parametrize.register_parametrization(module, "weight", layers[name])
    return layers
