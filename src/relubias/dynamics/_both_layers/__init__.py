"""Stepping both layers: NumPy (`plain`) and compiled (`_kernels`) with the same bits."""
