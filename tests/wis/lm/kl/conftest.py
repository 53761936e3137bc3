import pytest
import torch

WORDS = ["<pad>", "<eos>", "a", "b", "c", "d", "e", "f"]


def tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<eos>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", padding_side="left")


def new_model(seed=0):
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=8, n_positions=16, n_embd=16, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=1, pad_token_id=0,
        initializer_range=0.3, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


def reward(completions, prompts, **kwargs):
    # "a b" never gets anything: its groups have no spread.
    return [0.0 if prompt == "a b" else float("c" in text) for prompt, text in zip(prompts, completions, strict=True)]


@pytest.fixture
def make_trainer(tmp_path):
    """A GRPO or RLOO trainer of a tiny GPT-2, of any of their subclasses."""
    pytest.importorskip("trl")
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer, RLOOConfig

    def make(trainer_class=GRPOTrainer, config_class=None, model=None, steps=2, more=None, **options):
        config_class = config_class or (RLOOConfig if "RLOO" in trainer_class.__name__ else GRPOConfig)
        settings = {
            "output_dir": str(tmp_path), "per_device_train_batch_size": 8, "num_generations": 4,
            "max_completion_length": 3, "max_steps": steps, "logging_steps": 1, "learning_rate": 1e-2,
            "report_to": "none", "use_cpu": True, "bf16": False, "seed": 3, "save_strategy": "no",
            "model_init_kwargs": {"dtype": "float32"},
        }  # fmt: skip
        folder = tmp_path / "model"  # TRL makes the reference from the same place
        (model or new_model()).save_pretrained(folder)
        data = Dataset.from_dict({"prompt": ["a b", "c d"]})
        return trainer_class(
            model=str(folder), args=config_class(**(settings | options)), train_dataset=data, eval_dataset=data,
            processing_class=tokenizer(), **({"reward_funcs": [reward]} | (more or {})),
        )  # fmt: skip

    return make
