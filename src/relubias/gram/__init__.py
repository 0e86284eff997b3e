"""G from features in memory, on disk, on a device, on a cluster, or made as they are read."""

from __future__ import annotations

from relubias.gram.matrix import gram_matrix

__all__ = ["gram_matrix"]
