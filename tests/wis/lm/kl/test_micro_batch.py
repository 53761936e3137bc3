"""The KL term of TRL's micro-batches where outputs have no tokens left, against TRL's own formulas."""

import pytest
import torch

from wis.lm.kl import KLConfiguration
from wis.lm.kl.micro_batch import kl_loss, mask_of

MASK = torch.tensor([[1, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0]])


def _inputs(mask=MASK):
    generator = torch.Generator().manual_seed(0)
    reference, old = (-torch.rand(mask.shape, generator=generator, dtype=torch.float64) for _ in range(2))
    log_probs = -torch.rand(mask.shape, generator=generator, dtype=torch.float64)
    # What stands where nothing is trained on is not read.
    return torch.where(mask.bool(), log_probs, -torch.inf).requires_grad_(), {
        "completion_mask": mask, "ref_per_token_logps": reference, "old_per_token_logps": old,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("aggregation", "of_trl"),
    [
        ("sequence-mean-token-mean", lambda k: (k.sum(1) / MASK.sum(1).clamp(min=1)).mean()),
        ("sum", lambda k: k.sum(1).mean()),
        ("constant", lambda k: k.sum() / (4 * 7)),
        ("token-mean", lambda k: k.sum() / MASK.sum()),
    ],
)
def test_outputs_without_tokens_count_where_trl_counts_them(aggregation, of_trl):
    log_probs, inputs = _inputs()
    length = 7 if aggregation == "constant" else None
    made = KLConfiguration(
        coefficient=0.5, ratio="token", sampler="old-policy", aggregation=aggregation, constant_length=length
    )
    found = kl_loss(made, log_probs, inputs)
    gap = torch.where(MASK.bool(), log_probs - inputs["ref_per_token_logps"], 0.0)
    ratio = torch.where(MASK.bool(), log_probs - inputs["old_per_token_logps"], 0.0).exp()
    assert found.item() == pytest.approx(0.5 * of_trl((torch.expm1(-gap) + gap) * ratio).item(), rel=1e-12)
    (gradient,) = torch.autograd.grad(found, log_probs)
    assert bool((gradient[~MASK.bool()] == 0).all())


def test_a_sequence_estimate_counts_them_too():
    log_probs, inputs = _inputs()
    made = KLConfiguration(coefficient=1.0, estimator="k2", level="sequence", aggregation="token-mean")
    gap = torch.where(MASK.bool(), log_probs - inputs["ref_per_token_logps"], 0.0).sum(1)
    assert kl_loss(made, log_probs, inputs).item() == pytest.approx((gap**2 / 2).mean().item(), rel=1e-12)


def test_a_micro_batch_without_any_token_has_no_loss_and_a_graph():
    log_probs, inputs = _inputs(torch.zeros_like(MASK))
    found = kl_loss(KLConfiguration(), log_probs, inputs)
    found.backward()
    assert found.item() == 0
    assert bool((log_probs.grad == 0).all())


def test_tokens_of_tools_are_not_trained_on():
    _, inputs = _inputs()
    tools = torch.tensor([[1, 0, 1, 1]] * 4)
    assert mask_of(inputs | {"tool_mask": tools}).tolist() == (MASK * tools).bool().tolist()
