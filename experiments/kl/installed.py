"""The installed TRL's own loss in exact expectation: all outputs of a tiny GPT-2, against what `explain` says of it.

The gradient of TRL's loss is taken at the log-probabilities that TRL computed, one row an output. Rows do not mix where
the normaliser is fixed, so weighting each row's part by its output's probability makes the expectation. The reference
is loaded by TRL from the folder of the model, and replaced by another one in what TRL is given.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from wis.lm.kl.explain import explain
from wis.lm.kl.libraries import trl
from wis.lm.kl.verdict import Verdict, name_gradients, with_differences
from wis.lm.policies import all_prefixes

WORDS = ("<pad>", "<eos>", "a", "b", "c", "d", "e", "f")
END, LENGTH = 1, 3
PROMPT = (2, 3)
BETA = 0.5
SEEDS = (1, 2, 3)
DRIFT = 0.05
SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "default": ({}, ".147 / .989"),
    "use_bias_correction_kl=False": ({"use_bias_correction_kl": False}, ".992 / .628"),
    "importance_sampling_level=sequence": ({"importance_sampling_level": "sequence"}, ".662 / .800"),
    "loss_type=grpo": ({"loss_type": "grpo"}, "–"),
    "loss_type=dr_grpo": ({"loss_type": "dr_grpo"}, "–"),
    "loss_type=luspo": ({"loss_type": "luspo"}, "–"),
}
CASES = (("equal", "on policy"), ("different", "on policy"), ("different", "old policy"))


def installed_table() -> pd.DataFrame:
    """Class, error and cosine of the installed TRL's KL gradient, for each of `SETTINGS` and `CASES`."""
    rows = []
    for name, (options, reference) in SETTINGS.items():
        for (lengths, sampling), (said, found) in compare(options).items():
            rows.append(
                {
                    "setting": name,
                    "lengths": lengths,
                    "sampling": sampling,
                    "explain says": said.kind,
                    "TRL does": found.kind,
                    "relative error": found.error,
                    "cosine": found.cosine,
                    "reference (error / cosine)": reference if lengths == "equal" else "–",
                }
            )
    return pd.DataFrame(rows)


def compare(options: dict[str, Any]) -> dict[tuple[str, str], tuple[Verdict, Verdict]]:
    """What `explain` says of GRPO options and what the installed TRL's loss does, for each of `CASES`."""
    (term,) = trl.read({"beta": BETA, **options}).terms
    explained = explain(term)
    with tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(Path(folder), options)
        found = {}
        for lengths, sampling in CASES:
            said = explained.equal_lengths if lengths == "equal" else explained.verdicts[sampling]
            gradients, named = [], []
            for seed in SEEDS:
                world = _World(trainer.model, seed, lengths == "different", sampling != "on policy")
                gradients.append(world.gradient_of_trl(trainer, options))
                named.append(world.named_gradients())
            found[lengths, sampling] = said, name_gradients(gradients, named)
    return found


class _World:
    """All outputs of one model, another one as its reference, and a third that drew them."""

    def __init__(self, model: nn.Module, seed: int, ends: bool, drifts: bool) -> None:
        self.model = model.double()  # the trainer's own, which TRL has given another head
        self.model.load_state_dict(new_model(seed).state_dict())
        self.reference, self.old = new_model(seed + 100).double(), new_model(seed).double()
        self.drifts = drifts
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.old.parameters():
                noise = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
                parameter.add_(noise, alpha=DRIFT * drifts)
        self.outputs = all_prefixes(len(WORDS), LENGTH)
        ended = (self.outputs == END).long()
        self.mask = (ended.cumsum(1) - ended == 0) if ends else torch.ones_like(ended, dtype=torch.bool)

    def named_gradients(self) -> dict[str, Tensor]:
        """Gradients of the objectives that have a name, by the model's parameters."""
        every, chosen = self._log_probs(self.model)
        with torch.no_grad():
            (every_q, chosen_q), drawn = self._log_probs(self.reference), self._log_probs(self.old)[1]
        weight, reference = chosen.sum(1).exp(), chosen_q.sum(1).exp()
        share = drawn.sum(1).exp()[:, None] * self.mask
        gap = ((chosen - chosen_q) * self.mask).sum(1)
        scalars = {
            "reverse": (weight * gap).sum(),
            "forward": -(reference * gap).sum(),
            "variation": (reference * (gap.exp() - 1).abs()).sum() / 2,
            "partial reverse": (share * (every.exp() * (every - every_q)).sum(-1)).sum(),
            "partial forward": (share * (every_q.exp() * (every_q - every)).sum(-1)).sum(),
            "partial variation": (share * (every.exp() - every_q.exp()).abs().sum(-1) / 2).sum(),
        }
        return with_differences({name: self._gradient(scalar) for name, scalar in scalars.items()})

    def gradient_of_trl(self, trainer: Any, options: dict[str, Any]) -> Tensor:
        """Expected gradient of the KL term of TRL's own loss, over β and its normaliser."""
        with torch.no_grad():
            reference, old = self._log_probs(self.reference)[1], self._log_probs(self.old)[1]
        count = len(self.outputs)
        weight = old.sum(1).exp()
        length = (weight * self.mask.sum(1)).sum()
        inputs = {
            "prompt_ids": torch.tensor([PROMPT]).expand(count, -1),
            "prompt_mask": torch.ones(count, len(PROMPT), dtype=torch.int64),
            "completion_ids": self.outputs,
            "completion_mask": self.mask.long(),
            "advantages": torch.zeros(count, dtype=torch.float64),
            "ref_per_token_logps": reference,
            "num_items_in_batch": count * length,
        }
        if self.drifts:
            inputs["old_per_token_logps"] = old
        seen = []
        original = type(trainer)._get_per_token_logps_and_entropies

        def spy(model: Any, ids: Tensor, attention: Tensor, *args: Any, **kwargs: Any) -> Any:
            # The model is to see what stands behind the end of an output as it does when outputs are enumerated.
            found = original(trainer, model, ids, torch.ones_like(attention), *args, **kwargs)
            seen.append(found[0])
            return found

        trainer._get_per_token_logps_and_entropies = spy
        trainer.current_gradient_accumulation_steps = 1
        (by_row,) = torch.autograd.grad(trainer._compute_loss(self.model, inputs), seen[0], retain_graph=True)
        expected = self._gradient((count * weight[:, None] * by_row.detach() * seen[0]).sum()) / BETA
        normaliser = {"dr_grpo": float(LENGTH), "luspo": 1.0}.get(options.get("loss_type", ""), float(length))
        return expected * normaliser

    def _log_probs(self, model: nn.Module) -> tuple[Tensor, Tensor]:
        prompt = torch.tensor([PROMPT]).expand(len(self.outputs), -1)
        logits = model(torch.cat([prompt, self.outputs], 1)).logits[:, len(PROMPT) - 1 : -1]
        every = torch.log_softmax(logits, -1)
        return every, every.gather(-1, self.outputs[..., None])[..., 0]

    def _gradient(self, scalar: Tensor) -> Tensor:
        parameters = list(self.model.parameters())
        parts = torch.autograd.grad(scalar, parameters, retain_graph=True, allow_unused=True)
        zeros = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, parts, strict=True)]
        return torch.cat([part.flatten() for part in zeros])


def new_model(seed: int) -> Any:
    """A GPT-2 with one layer of width 16 over `WORDS`, without dropout."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=len(WORDS), n_positions=16, n_embd=16, n_layer=1, n_head=2, bos_token_id=END, eos_token_id=END,
        pad_token_id=0, initializer_range=0.2, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


def new_tokenizer() -> Any:
    """A tokenizer of the words `WORDS`."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<eos>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", padding_side="left")


def _trainer(folder: Path, options: dict[str, Any]) -> Any:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    new_model(0).save_pretrained(folder / "model")
    config = GRPOConfig(
        output_dir=str(folder), per_device_train_batch_size=8, num_generations=4, max_completion_length=LENGTH,
        report_to="none", use_cpu=True, bf16=False, beta=BETA, model_init_kwargs={"dtype": "float32"}, **options,
    )  # fmt: skip
    return GRPOTrainer(
        model=str(folder / "model"),
        reward_funcs=[lambda completions, **_: [0.0] * len(completions)],
        args=config,
        train_dataset=Dataset.from_dict({"prompt": ["a b"]}),
        processing_class=new_tokenizer(),
    )
