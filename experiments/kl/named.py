"""The configurations whose bias and variance are tabled by name, with what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wis.lm.kl.configuration import KLConfiguration


@dataclass(frozen=True)
class Named:
    """A configuration, its name in the tables, and the value that others found for it.

    Attributes
    ----------
    name, configuration
        Which.
    reference
        Relative error and cosine on policy, from an independent derivation over 60 other policies of this kind: their
        digits depend on the policies, their zeros and ones do not.
    """

    name: str
    configuration: KLConfiguration
    reference: str


_LOSS = KLConfiguration(coefficient=1.0, aggregation="sum", sampler="rollout-engine")
_REWARD = replace(_LOSS, estimator="k1", placement="reward")
_BOTH = replace(_LOSS, placement="both", ratio_differentiated=False)

ON_POLICY = (
    Named("K1 in reward, full return", _REWARD, "0 / 1"),
    Named("K1 in reward, to-go", replace(_REWARD, returns="to-go"), "0 / 1"),
    Named("K2 in loss, sequence", replace(_LOSS, estimator="k2", level="sequence"), "0 / 1"),
    Named("K1 in both", replace(_BOTH, estimator="k1"), "0 / 1"),
    Named("K3 in both", replace(_BOTH, estimator="k3"), "0 / 1"),
    Named("K3 in both, to-go", replace(_BOTH, estimator="k3", returns="to-go"), "0 / 1"),
    Named("full in both, to-go", replace(_BOTH, estimator="full", returns="to-go"), "0 / 1"),
    Named("K3 in loss, prefix ratio", replace(_LOSS, ratio="prefix"), "0 / 1"),
    Named("K1 in loss", replace(_LOSS, estimator="k1"), "1 (norm 0) / –"),
    Named("K2 in loss, token", replace(_LOSS, estimator="k2"), ".154 to .288 / .98"),
    Named("K3 in loss, token ratio", replace(_LOSS, ratio="token"), ".154 to .288 / .98"),
    Named("K1 in reward, own token", replace(_REWARD, returns="none"), ".154 to .288 / .98"),
    Named("K3 in loss, sequence", replace(_LOSS, level="sequence"), ".56 / .87"),
    Named("K3 in loss, token", _LOSS, ".26 to .58 / .92 to .97"),
    Named("K2 in reward", replace(_REWARD, estimator="k2"), ".83 / .61"),
    Named("K3 in reward", replace(_REWARD, estimator="k3"), ".97 to 1.13 / −.9 to .98"),
    Named("absolute Δ in loss, sequence", replace(_LOSS, estimator="abs", level="sequence"), "2 ∇TV"),
)
_SEQUENCE = replace(_LOSS, level="sequence", ratio="sequence")
OFF_POLICY = (
    Named("K3 in loss, prefix ratio", replace(_LOSS, ratio="prefix"), "0"),
    Named("K3 in loss, sequence, sequence ratio", _SEQUENCE, "0"),
    Named(
        "K2 in loss, sequence, sequence ratio detached",
        replace(_SEQUENCE, estimator="k2", ratio_differentiated=False),
        "0",
    ),
    Named("K1 in reward, sequence ratio", replace(_REWARD, ratio="sequence"), "0"),
    Named("K2 in loss, sequence, sequence ratio", replace(_SEQUENCE, estimator="k2"), "biased"),
    Named("K3 in loss, token ratio", replace(_LOSS, ratio="token"), ".41"),
    Named("K3 in loss, geometric ratio", replace(_LOSS, ratio="geometric"), "–"),
    Named("K1 in reward, no ratio", _REWARD, ".50 to .91"),
    Named("K2 in loss, sequence, no ratio", replace(_LOSS, estimator="k2", level="sequence"), ".50 to .91"),
    Named("K3 in both, no ratio", replace(_BOTH, estimator="k3"), ".50 to .91"),
    Named("K3 in loss, no ratio", _LOSS, ".50 to .91"),
)
LENGTHS = (
    Named("K1 in reward, sum over tokens", _REWARD, "0 / 1"),
    Named("K1 in reward, mean over all tokens", replace(_REWARD, aggregation="token-mean"), "0 / 1"),
    Named("K1 in reward, constant length", replace(_REWARD, aggregation="constant"), "–"),
    Named(
        "K1 in reward, mean over tokens of each sequence",
        replace(_REWARD, aggregation="sequence-mean-token-mean"),
        ".379 / .925",
    ),
)
VARIANCE = (
    (Named("K1 in reward, full return", _REWARD, "35.6"), "on policy"),
    (Named("K1 in reward, full return, mean baseline", replace(_REWARD, baseline="mean"), "26.8"), "on policy"),
    (Named("K1 in reward, to-go", replace(_REWARD, returns="to-go"), "21.1"), "on policy"),
    (Named("K2 in loss, sequence", replace(_LOSS, estimator="k2", level="sequence"), "35.6"), "on policy"),
    (Named("K3 in both, to-go", replace(_BOTH, estimator="k3", returns="to-go"), "11.4"), "on policy"),
    (Named("full in both, to-go", replace(_BOTH, estimator="full", returns="to-go"), "6.1"), "on policy"),
    (Named("K3 in loss, token ratio", replace(_LOSS, ratio="token"), "–"), "on policy"),
    (Named("K3 in loss, token", _LOSS, "–"), "on policy"),
    (Named("K3 in loss, prefix ratio", replace(_LOSS, ratio="prefix"), "14.7"), "old policy"),
    (Named("K3 in loss, sequence, sequence ratio", _SEQUENCE, "52.3"), "old policy"),
    (Named("K1 in reward, sequence ratio", replace(_REWARD, ratio="sequence"), "–"), "old policy"),
)
