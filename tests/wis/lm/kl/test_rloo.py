"""What the reading of RLOO says, against the advantages of the installed TRL."""

import pytest
import torch

pytest.importorskip("trl")
from trl import RLOOTrainer

from wis.lm.kl.libraries import trl

from .conftest import new_model, reward


def test_rloos_advantages_are_the_reward_less_the_summed_k1(make_trainer):
    (term,) = trl.read({"trainer": "rloo", "beta": 0.3}).terms
    assert (term.placement, term.estimator, term.ratio, term.penalty_policy) == ("reward", "k1", "sequence", "old")
    trainer = make_trainer(RLOOTrainer, beta=0.3, steps=2)
    seen = []
    original = trainer._compute_loss

    def spy(model, inputs):
        seen.append((inputs, [p.detach().clone() for p in model.parameters()]))
        return original(model, inputs)

    trainer._compute_loss = spy
    trainer.train()
    inputs, parameters = seen[1]  # the policy has left the reference
    ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1)
    mask = inputs["completion_mask"]

    def summed(model):
        with torch.no_grad():
            logits = model(ids).logits[:, inputs["prompt_ids"].shape[1] - 1 : -1]
        return (torch.log_softmax(logits, -1).gather(-1, inputs["completion_ids"][..., None])[..., 0] * mask).sum(1)

    policy = new_model()
    for parameter, value in zip(policy.parameters(), parameters, strict=True):
        parameter.data = value
    k1 = summed(policy) - summed(new_model())
    prompts = trainer.processing_class.batch_decode(inputs["prompt_ids"], skip_special_tokens=True)
    texts = trainer.processing_class.batch_decode(inputs["completion_ids"], skip_special_tokens=True)
    total = torch.tensor(reward(texts, prompts)) - 0.3 * k1
    for row, prompt in enumerate(prompts):
        others = [j for j, other in enumerate(prompts) if other == prompt and j != row]
        if len(others) == 3:
            assert inputs["advantages"][row].item() == pytest.approx(
                (total[row] - total[others].mean()).item(), abs=1e-4
            )
