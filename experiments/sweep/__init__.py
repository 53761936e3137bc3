"""Sweeps: plan → runs → executor → store."""
