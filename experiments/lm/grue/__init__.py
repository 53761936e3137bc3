"""The paper's real-scale experiments on seven text-generation data sets (GRUE), on `transformers`.

`config` and ``datasets.yaml`` say what to run, `data` reads examples, `rewards` scores texts, `models` wraps GPT-2 and
T5, `sampling` measures reward std, `sft` and `ppo` finetune, `findings` makes the tables.
"""
