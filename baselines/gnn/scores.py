"""How good a model's outputs are: accuracy, or the area under the ROC curve where classes are two and unequal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of vertices whose largest logit is that of their label; one with a logit that is NaN is told wrong."""
    right = (logits.argmax(dim=1) == labels) & ~logits.isnan().any(dim=1)  # argmax takes NaN for the largest
    # 32 bits would round equal differences of counts to different numbers.
    return right.double().mean()


def roc_auc(logits: Tensor, labels: Tensor) -> Tensor:
    """Area under the ROC curve of two classes, by ranks (Mann and Whitney, 1947): ties count one half.

    NaN where one of the classes has no vertex, or a logit is NaN.
    """
    from scipy.stats import rankdata

    ranks = torch.from_numpy(rankdata((logits[:, 1] - logits[:, 0]).double().cpu().numpy()))
    positive = labels.cpu() == 1
    ones = positive.sum()
    zeros = len(positive) - ones
    return (ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros)


SCORES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType({"accuracy": accuracy, "roc_auc": roc_auc})
