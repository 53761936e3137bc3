"""Which vertices a model learns from, is chosen by, and is tested on."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

MASKS = ("train_mask", "val_mask", "test_mask")
SPLIT = 1
PARTS = (0.8, 0.1, 0.1)


def with_split(data: Any, split: int = SPLIT, parts: tuple[float, ...] | None = None) -> Any:
    """The same graph with one split.

    Parameters
    ----------
    data
        PyG ``Data`` with labels ``y``, and with masks ``[n]``, ``[n, splits]`` or none. It is not changed.
    split
        Column of the masks where they are ``[n, splits]``; seed where the split is drawn; else of no effect.
    parts
        Shares for training, validation and test: the split is drawn, whatever masks there are. None: it is drawn where
        there are no masks, 80/10/10.

    Returns
    -------
    torch_geometric.data.Data
        With bool masks ``[n]``. Drawn splits are of the vertices with a label, ``y >= 0``.

    Raises
    ------
    ValueError
        If there are masks but not all three, or no such split.
    """
    given = [name for name in MASKS if data.get(name) is not None]
    if given and parts is None:
        lacking = [name for name in MASKS if name not in given]
        if lacking:
            raise ValueError(
                f"the graph has {given[0]} but no {lacking[0]}; give all of {', '.join(MASKS)}, or none, or have a "
                "split drawn with --split 0.8,0.1,0.1"
            )
        masks = [_column(name, data[name], split) for name in MASKS]
    else:
        masks = _draw(data.y, split, parts or PARTS)
    chosen = copy.copy(data)
    for name, mask in zip(MASKS, masks, strict=True):
        chosen[name] = mask
    return chosen


def has_one_split(data: Any) -> bool:
    """Whether a graph has masks ``[n]``."""
    return all(data.get(name) is not None and data[name].dim() == 1 for name in MASKS)


def random_split(num_nodes: int, seed: int = SPLIT, parts: tuple[float, ...] = PARTS) -> tuple[Any, Any, Any]:
    """Masks of a random split: three bool tensors ``[num_nodes]`` for training, validation and test.

    Drawn as Razin et al.'s code draws it (NumPy's legacy generator), so that the same seed gives the same split. Where
    ``parts`` add up to less than 1, the rest of the vertices is in none.
    """
    import torch

    order = torch.from_numpy(np.random.RandomState(seed).permutation(num_nodes))
    num_train, num_val, num_test = (int(part * num_nodes) for part in parts)
    end = num_nodes if math.isclose(sum(parts), 1) else num_train + num_val + num_test
    masks = torch.zeros(3, num_nodes, dtype=torch.bool)
    for mask, part in zip(masks, order[:end].tensor_split((num_train, num_train + num_val)), strict=True):
        mask[part] = True
    return masks[0], masks[1], masks[2]


def _draw(labels: Any, seed: int, parts: tuple[float, ...]) -> list[Any]:
    labelled = labels >= 0
    masks = []
    for part in random_split(int(labelled.sum()), seed, parts):
        mask = labelled.clone()
        mask[labelled] = part.to(mask.device)
        masks.append(mask)
    return masks


def _column(name: str, masks: Any, split: int) -> Any:
    if masks.dim() != 2:
        return masks
    if split >= masks.shape[1]:
        raise ValueError(f"there is no split {split}: {name} has splits 0 to {masks.shape[1] - 1}")
    return masks[:, split]
