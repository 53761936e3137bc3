import pytest
import torch

pytest.importorskip("trl")

from wis.lm.kl import KLConfiguration
from wis.lm.kl.trainer import KLTrainer

TRL_DEFAULT = KLConfiguration(estimator="k3", ratio="token", aggregation="token-mean", sampler="old-policy")


# Of the outputs that are cut, grpo, dr_grpo and luspo count those without tokens in their means, dapo and bnpo do not.
LOSS_TYPES = {
    "grpo": {"aggregation": "sequence-mean-token-mean"},
    "dr_grpo": {"aggregation": "constant", "constant_length": 3},
    "luspo": {"aggregation": "sum"},
    "dapo": {},
    "bnpo": {},
}


def _weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


def _trained(make_trainer, *args, **options):
    # Not Adam, which makes steps of the rounding errors of parameters without a gradient.
    trainer = make_trainer(*args, steps=4, optim="sgd", learning_rate=0.1, **options)
    trainer.train()
    return trainer


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({}, {}),
        ({"use_bias_correction_kl": False}, {"ratio": "none"}),
        ({"loss_type": "grpo"}, {"aggregation": "sequence-mean-token-mean"}),
        ({"importance_sampling_level": "sequence"}, {"ratio": "geometric"}),
        ({"num_iterations": 2}, {}),
        *(({"mask_truncated_completions": True, "loss_type": name}, changes) for name, changes in LOSS_TYPES.items()),
    ],
    ids=["default", "no ratio", "mean a sequence", "geometric", "off policy", *(f"cut, {name}" for name in LOSS_TYPES)],
)
def test_trls_own_terms_train_the_same_weights(make_trainer, options, changes):
    kl = KLConfiguration(**(vars(TRL_DEFAULT) | changes))
    theirs = _trained(make_trainer, beta=0.5, **options)
    ours = _trained(make_trainer, KLTrainer, beta=0.5, more={"kl": kl}, **options)
    torch.testing.assert_close(_weights(ours), _weights(theirs), rtol=1e-4, atol=1e-5)


def test_another_configuration_trains_other_weights(make_trainer):
    theirs = _trained(make_trainer, beta=0.5)
    prefix = KLConfiguration(**(vars(TRL_DEFAULT) | {"ratio": "prefix"}))
    ours = _trained(make_trainer, KLTrainer, beta=0.5, more={"kl": prefix})
    assert (_weights(ours) - _weights(theirs)).abs().max() > 1e-3
    assert all(line["kl"] >= -1 for line in ours.state.log_history if "kl" in line)


def test_the_kl_is_over_the_outputs_that_have_tokens(make_trainer):
    trainer = make_trainer(KLTrainer, beta=0.5, more={"kl": TRL_DEFAULT}, mask_truncated_completions=True)
    inputs = {
        "completion_mask": torch.tensor([[1, 1, 0], [0, 0, 0], [1, 0, 0]]),
        "ref_per_token_logps": torch.zeros(3, 3),
    }
    trainer._log_divergence("train", torch.tensor([[1.0, 2.0, 9.0], [9.0, 9.0, 9.0], [5.0, 9.0, 9.0]]), inputs)
    assert trainer._metrics["train"]["kl"] == [4.0]
    inputs["completion_mask"] = torch.zeros(3, 3)
    trainer._log_divergence("train", torch.zeros(3, 3), inputs)
    assert trainer._metrics["train"]["kl"] == [4.0]


def test_refusals(make_trainer):
    with pytest.raises(ValueError, match="baseline='none' and scaling='none'"):
        make_trainer(KLTrainer, beta=0.1, more={"kl": KLConfiguration(baseline="mean")})
    with pytest.raises(ValueError, match="estimator='full'"):
        make_trainer(KLTrainer, beta=0.1, more={"kl": KLConfiguration(estimator="full")})
    with pytest.raises(ValueError, match="beta above 0"):
        make_trainer(KLTrainer, beta=0.0, more={"kl": KLConfiguration()})
