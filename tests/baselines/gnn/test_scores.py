from __future__ import annotations

import pytest
import torch
from sklearn.metrics import roc_auc_score
from wis.baselines.gnn.scores import SCORES


def test_accuracy_is_the_share_of_right_answers():
    logits = torch.tensor([[0.0, 1.0], [2.0, 1.0], [0.0, 3.0]])
    assert float(SCORES["accuracy"](logits, torch.tensor([1, 1, 1]))) == pytest.approx(2 / 3)


@pytest.mark.parametrize("levels", [3, 1000])
def test_roc_auc_is_scikit_learn_s_ties_included(levels):
    generator = torch.Generator().manual_seed(levels)
    logits = torch.randint(levels, (80, 2), generator=generator).float()
    labels = (torch.rand(80, generator=generator) < 0.2).long()
    expected = roc_auc_score(labels, logits[:, 1] - logits[:, 0])
    assert float(SCORES["roc_auc"](logits, labels)) == pytest.approx(expected)


def test_roc_auc_of_one_class_or_of_no_number_is_none():
    logits = torch.rand(4, 2, generator=torch.Generator().manual_seed(0))
    assert SCORES["roc_auc"](logits, torch.ones(4, dtype=torch.int64)).isnan()
    assert SCORES["roc_auc"](logits * torch.nan, torch.tensor([0, 1, 0, 1])).isnan()


def test_an_output_that_is_no_number_is_no_answer():
    """argmax gives the place of a NaN: vertices of class 0 would be told right by a model that has diverged."""
    logits = torch.tensor([[torch.nan, torch.nan], [torch.nan, 1.0], [1.0, torch.nan], [2.0, 1.0]])
    assert float(SCORES["accuracy"](logits, torch.tensor([0, 0, 1, 0]))) == 0.25
