"""Regressors for scikit-learn: where gradient descent goes, and the shortest network."""

__all__: list[str] = []
