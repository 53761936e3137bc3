import math

import pytest
import torch

from wis.lm.bounds import (
    check_rewards,
    diagnose,
    diagnose_sampled,
    estimate_gamma,
    exact_gamma,
    exact_gradient,
    linear_bound,
    ppo_bound,
    ppo_gradient,
    reward_moments,
    theorem1_bound,
)
from wis.lm.policies import CausalPolicy, TabularPolicy, all_log_probs, all_prefixes, sample_outputs, token_log_probs


def _generator(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=5, n_positions=8, n_embd=16, n_layer=1, n_head=2)
    return CausalPolicy(GPT2LMHeadModel(config).double(), torch.tensor([1, 3]), length=2)


def test_enumeration_agrees_with_the_product_of_conditionals():
    policy = TabularPolicy(3, 3, generator=_generator(0))
    outputs = all_prefixes(3, 3)
    assert outputs[5].tolist() == [0, 1, 2]
    torch.testing.assert_close(all_log_probs(policy), token_log_probs(policy, outputs).sum(1))
    assert all_log_probs(policy).exp().sum().item() == pytest.approx(1)


def test_gradient_of_a_worked_case():
    # One step, p = (.4, .3, .2, .1), r = (1, 0, 0, -1): dV/dz = p (r - V) with V = .3.
    policy = TabularPolicy.from_probabilities([[[0.4, 0.3, 0.2, 0.1]]])
    rewards = torch.tensor([1.0, 0.0, 0.0, -1.0], dtype=torch.float64)
    torch.testing.assert_close(
        exact_gradient(policy, rewards), torch.tensor([0.28, -0.09, -0.06, -0.13], dtype=torch.float64)
    )
    value, std = reward_moments(all_log_probs(policy), rewards)
    assert value == pytest.approx(0.3)
    assert std == pytest.approx(math.sqrt(0.5 - 0.09))


def test_tabular_gamma_is_one():
    policy = TabularPolicy(4, 3, generator=_generator(1))
    assert exact_gamma(policy) == pytest.approx(1)
    assert estimate_gamma(policy, [torch.tensor([[2]])]) == pytest.approx(1)


def test_no_bound_is_violated_and_ratios_are_of_the_known_size():
    # In 400 such policies (4 tokens, length 3) the largest ratio to Theorem 1 was 0.04, and 0.23 to L γ STD: √6 more to
    # ours.
    largest = [0.0, 0.0, 0.0]
    for seed in range(60):
        generator = _generator(seed)
        policy, old = (TabularPolicy(4, 3, generator=generator, scale=2.0) for _ in range(2))
        rewards = 2 * torch.rand(64, generator=generator, dtype=torch.float64) - 1
        norm = exact_gradient(policy, rewards).norm().item()
        std = reward_moments(all_log_probs(policy), rewards)[1]
        gradient, ratio = ppo_gradient(policy, old, rewards)
        bound = ppo_bound(3, 1.0, reward_moments(all_log_probs(old), rewards)[1], ratio)
        ratios = (norm / theorem1_bound(3, 1, std), norm / linear_bound(3, 1, std), gradient.norm().item() / bound)
        largest = [max(a, b) for a, b in zip(largest, ratios, strict=True)]
    assert 0.02 < largest[0] < 0.1
    assert 0.25 < largest[1] < 1
    assert 0 < largest[2] < 1


class _OneWeight(torch.nn.Module):
    """Two tokens, and one weight that all positions share; γ is 1."""

    num_tokens = 2

    def __init__(self, length):
        super().__init__()
        self.length, self.weight = length, torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, prefixes):
        return torch.cat([self.weight, -self.weight]).expand(len(prefixes), 2) / math.sqrt(2)


@pytest.mark.parametrize("length", [1, 2, 4, 8])
def test_a_weight_shared_by_all_positions_attains_our_bound(length):
    found = diagnose(_OneWeight(length), lambda outputs: (1 - 2 * outputs.double()).sum(1))
    assert found.gradient_norm / found.std == pytest.approx(math.sqrt(length / 2))  # .7071, 1, 1.414, 2
    assert found.gradient_per_std == pytest.approx(found.linear / found.std)
    assert found.gamma == pytest.approx(1)


def test_ppo_at_the_old_policy_is_the_policy_gradient():
    policy = TabularPolicy(3, 2, generator=_generator(2))
    rewards = torch.rand(9, generator=_generator(3), dtype=torch.float64)
    gradient, ratio = ppo_gradient(policy, policy, rewards)
    torch.testing.assert_close(gradient, exact_gradient(policy, rewards))
    assert ratio == pytest.approx(1)


def test_ppo_gradient_is_zero_where_all_is_clipped():
    old = TabularPolicy.from_probabilities([[[0.5, 0.5]]])
    policy = TabularPolicy.from_probabilities([[[0.9, 0.1]]])
    gradient, ratio = ppo_gradient(policy, old, torch.tensor([1.0, 0.0], dtype=torch.float64))
    assert gradient.norm().item() == 0
    assert ratio == 0


def test_gamma_of_gpt2_by_definition(gpt2):
    from torch.func import functional_call, jacrev

    parameters = {name: p.detach() for name, p in gpt2.named_parameters()}

    def norm(prefix):
        jacobian = jacrev(lambda values: functional_call(gpt2, values, (prefix,))[0])(parameters)
        matrix = torch.cat([part.reshape(5, -1) for part in jacobian.values()], dim=1)
        return torch.linalg.matrix_norm(matrix, ord=2).item()

    prefixes = [all_prefixes(5, 0), *all_prefixes(5, 1)[:, None]]
    truth = [norm(prefix) for prefix in prefixes]
    assert exact_gamma(gpt2) == pytest.approx(max(truth))
    assert estimate_gamma(gpt2, prefixes, iterations=20) == pytest.approx(max(truth), rel=1e-3)
    assert estimate_gamma(gpt2, prefixes, iterations=2) <= max(truth) * (1 + 1e-9)


def test_diagnosis_of_gpt2_keeps_its_bounds_and_tags(gpt2):
    found = diagnose(gpt2, lambda outputs: (outputs[:, 0] == outputs[:, 1]).double())
    assert 0 < found.gradient_norm < found.linear < found.theorem1
    for tag in ("[paper]", "[2nd]", "[ours]"):
        assert tag in str(found)


def test_sampled_diagnosis_approaches_the_exact_one(gpt2):
    def reward(outputs):
        return (outputs[:, 0] == outputs[:, 1]).double()

    exact, sampled = diagnose(gpt2, reward), diagnose_sampled(gpt2, reward, samples=5000, prefixes=6)
    assert sampled.value == pytest.approx(exact.value, abs=0.02)
    assert sampled.std_low < exact.std < sampled.std_high
    assert sampled.gradient_norm == pytest.approx(exact.gradient_norm, rel=0.05)
    assert sampled.gamma <= exact.gamma * (1 + 1e-6)
    assert "may fail" in str(sampled)


def test_samples_follow_the_policy():
    policy = TabularPolicy(2, 2, generator=_generator(5))
    outputs = sample_outputs(policy, 20_000, _generator(6))
    found = torch.bincount(outputs[:, 0] * 2 + outputs[:, 1], minlength=4) / 20_000
    torch.testing.assert_close(found.double(), all_log_probs(policy).exp().detach(), atol=0.02, rtol=0)


def test_rewards_out_of_range_leave_theorem_1_out():
    policy = TabularPolicy(2, 1)
    found = diagnose(policy, lambda outputs: 5.0 * outputs[:, 0].double())
    assert found.gradient_per_std == pytest.approx(found.gradient_norm / found.std)
    assert math.isnan(found.theorem1)
    assert found.gradient_norm == pytest.approx(found.linear)  # attained: two tokens, each with probability 1/2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TabularPolicy.from_probabilities([[[0.5, 0.4]]]), "sum to 1; the worst sum is 0.9"),
        (lambda: TabularPolicy.from_probabilities([[[1.0, 0.0]]]), "positive"),
        (lambda: TabularPolicy.from_probabilities([[[0.5, 0.5]], [[0.5, 0.5]]]), "position 1"),
        (lambda: TabularPolicy(1, 3), "num_tokens must be at least 2, got 1"),
        (lambda: TabularPolicy(10, 9), "too many to enumerate"),
        (lambda: check_rewards(torch.zeros(3), 4), "one an output"),
        (lambda: check_rewards(torch.tensor([math.nan]), 1), "finite"),
        (lambda: estimate_gamma(TabularPolicy(2, 1), []), "prefixes is empty"),
        (lambda: diagnose_sampled(TabularPolicy(2, 1), lambda y: y[:, 0].double(), samples=3), "at least 4"),
        (lambda: diagnose_sampled(TabularPolicy(2, 1), lambda y: y[:, 0].double(), prefixes=0), "prefixes"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_nan_logits_are_noticed():
    policy = TabularPolicy(2, 1)
    policy.tables[0].data[0, 0] = math.nan
    with pytest.raises(ValueError, match="not all finite"):
        all_log_probs(policy)
