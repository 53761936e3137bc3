"""``python -m experiments`` is ``wis``."""

from experiments.cli import app

app(prog_name="wis")
