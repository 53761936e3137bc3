import pytest
import torch

pytest.importorskip("trl")

from wis.lm.kl import KLConfiguration
from wis.lm.kl.trainer import KLTrainer

TRL_DEFAULT = KLConfiguration(estimator="k3", ratio="token", aggregation="token-mean", sampler="old-policy")


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
    ],
    ids=["default", "no ratio", "mean a sequence", "geometric", "off policy"],
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


def test_refusals(make_trainer):
    with pytest.raises(ValueError, match="baseline='none' and scaling='none'"):
        make_trainer(KLTrainer, beta=0.1, more={"kl": KLConfiguration(baseline="mean")})
    with pytest.raises(ValueError, match="estimator='full'"):
        make_trainer(KLTrainer, beta=0.1, more={"kl": KLConfiguration(estimator="full")})
    with pytest.raises(ValueError, match="beta above 0"):
        make_trainer(KLTrainer, beta=0.0, more={"kl": KLConfiguration()})
