"""The KL term of one of TRL's micro-batches, as TRL's dictionaries hold it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wis.lm.kl.configuration import KLConfiguration
from wis.lm.kl.objective import Batch, objective


def mask_of(inputs: dict[str, Any]) -> Tensor:
    """Tokens that are trained on, bool ``[N, T]``: none of an output that ``mask_truncated_completions`` leaves out."""
    mask = inputs["completion_mask"]
    return (mask * inputs["tool_mask"] if "tool_mask" in inputs else mask).bool()


def kl_loss(configuration: KLConfiguration, log_probs: Tensor, inputs: dict[str, Any]) -> Tensor:
    """Loss of the KL term alone, a scalar.

    An output without tokens adds nothing. As in TRL, it counts in every mean over outputs (``loss_type`` grpo, sapo,
    dr_grpo and luspo), and not in a mean over tokens, which has none of its own (bnpo, dapo, cispo, vespo).

    Parameters
    ----------
    configuration
        Without baseline and scaling.
    log_probs
        ``[N, T]``, with a gradient.
    inputs
        What TRL's ``_compute_loss`` is given.

    Raises
    ------
    KLDivergedError
        If a log-ratio, a ratio or the loss is not finite.
    """
    mask = mask_of(inputs)
    kept = mask.any(1)
    if not bool(kept.any()):
        return torch.where(mask, log_probs, 0.0).sum()  # 0, with a graph for backward

    def rows(name: str) -> Tensor | None:
        return None if inputs.get(name) is None else inputs[name][kept]

    batch = Batch(
        log_probs=log_probs[kept],
        reference=inputs["ref_per_token_logps"][kept],
        mask=mask[kept],
        old=rows("old_per_token_logps"),
        rollout=rows("sampling_per_token_logps"),
        weights=torch.full((int(kept.sum()),), 1 / len(mask), dtype=torch.float64, device=mask.device),
    )
    return objective(configuration, batch).loss
