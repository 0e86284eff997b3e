"""Gradient flow between events: closed form, kinks, and the first crossing of exponential sums."""
