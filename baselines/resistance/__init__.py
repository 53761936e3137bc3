"""Effective resistances of all edges of a graph."""

from wis.baselines.resistance.solve import effective_resistances

__all__ = ["effective_resistances"]
