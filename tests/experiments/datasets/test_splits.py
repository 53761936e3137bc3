from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data
from wis.experiments.datasets.splits import MASKS, random_split, with_split


def test_split_has_the_stated_shares_and_follows_the_seed():
    train, val, test = random_split(1005, seed=1)
    assert (int(train.sum()), int(val.sum()), int(test.sum())) == (804, 100, 101)
    assert torch.equal(train.int() + val.int() + test.int(), torch.ones(1005, dtype=torch.int))
    assert torch.equal(train, random_split(1005, seed=1)[0])
    assert not torch.equal(train, random_split(1005, seed=2)[0])


def test_shares_below_one_leave_vertices_out():
    masks = torch.stack(random_split(100, 3, (0.2, 0.1, 0.3)))
    assert masks.sum(dim=1).tolist() == [20, 10, 30]
    assert masks.sum(dim=0).max() == 1


def sizes(data):
    return [int(data[name].sum()) for name in MASKS]


def test_a_split_is_drawn_where_there_is_none_among_labelled_vertices():
    data = Data(y=torch.tensor([0, -1] * 50))
    chosen = with_split(data, 3)
    assert sizes(chosen) == [40, 5, 5]
    assert all((data.y[chosen[name]] == 0).all() for name in MASKS)
    assert "train_mask" not in data
    labelled = Data(y=torch.zeros(100, dtype=torch.int64))
    assert all(map(torch.equal, (with_split(labelled, 3)[name] for name in MASKS), random_split(100, 3)))


def test_masks_of_the_data_are_kept_unless_shares_are_given():
    masks = torch.zeros(3, 10, 2, dtype=torch.bool)
    masks[0, :4, 0] = masks[1, 4:6, 0] = masks[2, 6:, 0] = masks[0, 9, 1] = masks[1, 8, 1] = masks[2, 7, 1] = True
    data = Data(y=torch.zeros(10, dtype=torch.int64), **dict(zip(MASKS, masks, strict=True)))
    assert [sizes(with_split(data, split)) for split in (0, 1)] == [[4, 2, 4], [1, 1, 1]]
    assert sizes(with_split(data, 7, (0.5, 0.2, 0.3))) == [5, 2, 3]
    with pytest.raises(ValueError, match="there is no split 2: train_mask has splits 0 to 1"):
        with_split(data, 2)


def test_masks_are_three_or_none():
    data = Data(y=torch.zeros(4, dtype=torch.int64), train_mask=torch.ones(4, dtype=torch.bool))
    with pytest.raises(ValueError, match="the graph has train_mask but no val_mask; give all of"):
        with_split(data)
