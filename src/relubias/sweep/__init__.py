"""Sweeps: a plan, its execution that survives a crash, and its results."""
