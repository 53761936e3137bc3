"""Claims of Razin et al., Vanishing Gradients in Reinforcement Finetuning of Language Models."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd
from wis.experiments.claims.claim import Claim, Measured, Region
from wis.experiments.claims.stored import Stored
from wis.experiments.lm.small import TUNING_SEEDS
from wis.experiments.report.analysis import summarise

SOURCE = "Razin et al. (ICLR 2024, arXiv:2310.20703)"
_NONE = Region("none", high=0)
_QUARTER = Region("below a quarter", high=0.25)
_ABOVE = Region("above 0", low=1e-12)
# Half of the prompts are in the format that pretraining has not seen.
_SHARE = 0.5


def claims() -> Iterator[Claim]:
    """All its claims."""
    claim = partial(Claim, SOURCE)
    yield from _theory()
    yield claim(
        "finding I", "3 of 7 data sets have many inputs with a small reward std", about="GRUE, t5-base and gpt2",
        why_not="needs the models and data sets of a hub; `wis lm std` measures any run",
    )  # fmt: skip
    small = partial(
        claim, about="tiny GPT-2, half of the prompts in an unseen format, rates tuned alike", results="lm/small"
    )
    yield small(
        "finding II", "RFT hardly moves the reward of inputs with a small std",
        quantity="RFT's change of their reward, as a share of SFT's, rates tuned alike", agrees=_QUARTER,
        measure=_movement,
    )  # fmt: skip
    yield claim(
        "finding III", "RFT does worse than SFT where inputs with a small std are many",
        about="tiny GPT-2, three quarters of the prompts in an unseen format, rates tuned alike", results="lm/small",
        agrees=_ABOVE, quantity="reward of SFT above RFT", measure=_separation,
    )  # fmt: skip
    for optimizer in ("Adam", "SGD"):
        yield claim(
            "section 4.2, controlled experiments", "exploration is not the cause: exact gradients vanish too",
            about=f"digits, MLP, {optimizer}; inputs with a small std", results="lm/controlled", agrees=_QUARTER,
            quantity="accuracy after RFT", measure=partial(_controlled, optimizer=optimizer),
        )  # fmt: skip
    yield from _remedies(small)


def _theory() -> Iterator[Claim]:
    theory = partial(Claim, SOURCE, results="lm/theory")
    for policies, name in (("tabular", "tabular policies"), ("gpt2", "tiny GPT-2s")):
        for bound, text in (
            ("Theorem 1", "a small reward std makes the expected gradient small"),
            ("PPO", "that holds for PPO too"),
        ):
            yield theory(
                "theorem 1" if bound == "Theorem 1" else "appendix, PPO", text, about=name, agrees=_NONE,
                quantity="policies whose gradient is beyond the bound",
                measure=partial(_violations, policies=policies, bound=bound),
            )  # fmt: skip
    yield theory(
        "theorem 1", "the gradient falls with at least the 2/3rd power of the std", about="three families of policies",
        quantity="least slope of log gradient on log std", agrees=Region("at least 2/3", low=2 / 3), measure=_slope,
    )  # fmt: skip
    yield theory(
        "theorem 2", "time separation: RFT needs a time of the order of 1 / STD²", about="gradient flow by quadrature",
        quantity="slope of log time on log std", agrees=Region("−2, to 0.01", -2.01, -1.99), measure=_flow,
    )  # fmt: skip


def _remedies(small: partial[Claim]) -> Iterator[Claim]:
    yield small(
        "section 5", "a higher learning rate, temperature or entropy does not help", agrees=_QUARTER,
        quantity="share of the distance from untuned RFT to tuned SFT that the best closes", measure=_heuristics,
    )  # fmt: skip
    yield small(
        "section 5", "SFT before RFT helps", quantity="reward above RFT alone", agrees=_ABOVE, measure=_initial_sft,
    )  # fmt: skip
    yield small(
        "section 5", "few steps of SFT on few labels do: 40% of the steps, 1% of the labels",
        quantity="reward as a share of that with full SFT", agrees=Region("at least 96%", low=0.96),
        measure=_few_labels,
    )  # fmt: skip


def _violations(stored: Stored, policies: str, bound: str) -> Measured:
    table = stored.table("lm/theory", "bounds.csv")
    row = table[(table["policies"] == policies) & table["bound"].str.startswith(bound)].iloc[0]
    return Measured.exactly(float(row["violations"]), f"{row['count']} policies")


def _slope(stored: Stored) -> Measured:
    return Measured.exactly(float(stored.table("lm/theory", "slopes.csv")["slope [ours]"].min()))


def _flow(stored: Stored) -> Measured:
    table = stored.table("lm/theory", "flow_slopes.csv").set_index("flow")
    return Measured.exactly(float(table["measured [ours]"]["RFT"]))


def _controlled(stored: Stored, optimizer: str) -> Measured:
    table = stored.table("lm/controlled", "controlled.csv").set_index("arm")
    return Measured.exactly(float(table["modified accuracy"][f"RFT {optimizer}"]), "1 run")


def _runs(stored: Stored) -> pd.DataFrame:
    return stored.rows("lm/small", "runs.jsonl")


def _by_seed(stored: Stored, value: str = "reward_after", share: float = _SHARE) -> pd.DataFrame:
    """A number at a share of unseen prompts, one row a seed, one column an arm."""
    runs = _runs(stored)
    main = runs[(runs["share"] == share) & ~runs["diverged"].astype(bool) & (runs["seed"] < TUNING_SEEDS[0])]
    return main.pivot_table(index="seed", columns="name", values=value)


def _over_seeds(values: pd.Series) -> Measured:
    found = summarise(values.dropna())
    return Measured(found["mean"], found["low"], found["high"], f"{found['seeds']} seeds")


def _movement(stored: Stored) -> Measured:
    change = _by_seed(stored, "small_std_after") - _by_seed(stored, "small_std_before")
    return _over_seeds(change["RFT, tuned"] / change["SFT, tuned"])


def _separation(stored: Stored) -> Measured:
    rewards = _by_seed(stored, share=0.75)
    return _over_seeds(rewards["SFT, tuned"] - rewards["RFT, tuned"])


def _heuristics(stored: Stored) -> Measured:
    rewards = _by_seed(stored)
    tried = rewards[[name for name in rewards if str(name).startswith("RFT, ")]].dropna(axis=1)
    best = tried[tried.mean().idxmax()]
    return _over_seeds((best - rewards["RFT"]) / (rewards["SFT, tuned"] - rewards["RFT"]))


def _initial_sft(stored: Stored) -> Measured:
    rewards = _by_seed(stored)
    return _over_seeds(rewards["SFT 100% of steps, 100% of labels, then RFT"] - rewards["RFT"])


def _few_labels(stored: Stored) -> Measured:
    rewards = _by_seed(stored)
    few, full = (f"SFT {part}, then RFT" for part in ("40% of steps, 1% of labels", "100% of steps, 100% of labels"))
    return _over_seeds(rewards[few] / rewards[full])
