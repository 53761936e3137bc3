"""The whole command line: ``wis``, also ``python -m experiments``."""

from __future__ import annotations

from wis.experiments.commands.claims import claims
from wis.experiments.commands.datasets import datasets
from wis.experiments.commands.interactions import app as interactions
from wis.experiments.commands.lm import app as lm
from wis.experiments.commands.report import report
from wis.experiments.commands.sweep import sweep

from wis.commands.app import OneLineErrors, app
from wis.extras import needed_for


class _LanguageModels(OneLineErrors):
    extra = "lm"


for command in (sweep, report, datasets, claims):
    app.command()(needed_for(f"wis {command.__name__}", "sweep")(command))
app.add_typer(lm, name="lm", cls=_LanguageModels)
app.add_typer(interactions, name="interactions")
