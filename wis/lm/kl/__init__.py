"""Which objective a KL setting optimises.

`KLConfiguration` says how a trainer estimates, places, weighs and normalises its KL penalty, and `objective` makes the
loss of a batch from it. `explain` runs a configuration through all outputs of small policies and names the objective by
the gradient; `advise` does so for the settings of TRL, verl, OpenRLHF, NeMo-RL or SkyRL. `wis.lm.kl.live` watches a TRL
run, `wis.lm.kl.trainer` trains with any configuration there.

Source: Shah et al., *A Comedy of Estimators* (arXiv:2512.21852); Tang and Munos (arXiv:2506.09477); Zhang et al.
(arXiv:2505.17508); Amini et al. (arXiv:2504.10637); Schulman, "Approximating KL divergence" (2020).
"""

from __future__ import annotations

from wis.lm.kl.advice import Advice, advise, advise_config
from wis.lm.kl.configuration import KLConfiguration
from wis.lm.kl.explain import Explanation, explain
from wis.lm.kl.objective import Batch, KLDivergedError, Objective, objective
from wis.lm.kl.verdict import Verdict

__all__ = [
    "Advice",
    "Batch",
    "Explanation",
    "KLConfiguration",
    "KLDivergedError",
    "Objective",
    "Verdict",
    "advise",
    "advise_config",
    "explain",
    "objective",
]
