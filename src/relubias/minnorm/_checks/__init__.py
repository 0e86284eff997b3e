"""Checks of minimum-norm answers that share no code with the solvers."""

__all__: list[str] = []
