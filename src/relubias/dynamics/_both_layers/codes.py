"""Integers that both ways of stepping share."""

from __future__ import annotations

# why `advance` returned
STOPPED = 0  # the stopping time was reached
SMALL_RESIDUAL = 1  # the residual on samples that some neuron sees is below the tolerance
BUFFER_FULL = 2  # no room for the switches of one more step
DIVERGED = 3  # the residual left the range of numbers

# positions in the counters of a run
TIME = 0
N_SWITCHES = 1
LAST_SWITCH = 2
N_BUFFERED = 3
N_COUNTERS = 4
