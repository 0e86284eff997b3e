"""Gradient descent in weight space, as people write it with other packages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Loop = Callable[[], tuple[Any, int]]
LOSS = 1e-20  # half the squared residual on positive labels at which the loops stop


def steps_needed(gram, y, beta, step_size, limit, max_steps=10**6):
    """Return the step at which plain steps are within 1e-10 of the known limit; for free."""
    beta = beta.copy()
    allowed = 1e-10 * np.abs(y).max()
    u = gram @ beta
    for step in range(max_steps):
        if np.abs(u - limit).max() <= allowed:
            return step
        beta -= step_size * np.where(u > 0, u - y, 0.0)
        u = gram @ beta
    raise RuntimeError("the loop does not reach the limit")


def numpy_loop(X, y, w, step_size, max_steps=10**6) -> Loop:
    """Return one neuron in NumPy."""
    fitted = y > 0

    def run():
        v = w.copy()
        for step in range(max_steps):
            u = X @ v
            active = u > 0
            residual = np.where(active, u, 0.0) - y
            on = residual[fitted]
            if 0.5 * (on @ on) < LOSS:
                return v, step
            v -= step_size * (X.T @ (active * residual))
        return v, max_steps

    return run


def torch_autograd_loop(X, y, w, step_size, max_steps=10**6) -> Loop:
    """Return one neuron in PyTorch with autograd and its SGD optimiser, float64."""
    import torch

    torch.set_num_threads(1)
    features, labels, start = (torch.from_numpy(np.array(a)) for a in (X, y, w))
    fitted = labels > 0

    def run():
        v = start.clone().requires_grad_(True)
        optimiser = torch.optim.SGD([v], lr=step_size)
        for step in range(max_steps):
            optimiser.zero_grad()
            residual = torch.relu(features @ v) - labels
            loss = 0.5 * (residual**2).sum()
            if 0.5 * (residual[fitted] ** 2).sum().item() < LOSS:
                return v.detach().numpy(), step
            loss.backward()
            optimiser.step()
        return v.detach().numpy(), max_steps

    return run


def torch_loop(X, y, w, step_size, max_steps=10**6) -> Loop:
    """Return one neuron in PyTorch with the gradient by hand, float64."""
    import torch

    torch.set_num_threads(1)
    features, labels, start = (torch.from_numpy(np.array(a)) for a in (X, y, w))
    fitted = labels > 0
    transposed = features.T

    @torch.no_grad()
    def run():
        v = start.clone()
        for step in range(max_steps):
            u = features @ v
            residual = torch.relu(u) - labels
            on = residual[fitted]
            if 0.5 * (on @ on).item() < LOSS:
                return v.numpy(), step
            v -= step_size * (transposed @ ((u > 0) * residual))
        return v.numpy(), max_steps

    return run


def jax_loop(X, y, w, step_size, max_steps=10**6) -> Loop:
    """Return one neuron in JAX: one compiled while_loop, float64, compiled before it is timed."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    labels, start = jnp.asarray(y), jnp.asarray(w)
    fitted = labels > 0

    @jax.jit
    def descend(features, v):
        def going(state):
            return (state[1] >= LOSS) & (state[2] < max_steps)

        def step(state):
            v, _, count = state
            u = features @ v
            residual = jnp.where(u > 0, u, 0.0) - labels
            loss = 0.5 * jnp.sum(jnp.where(fitted, residual, 0.0) ** 2)
            update = features.T @ jnp.where(u > 0, residual, 0.0)
            return v - step_size * update, loss, count + 1

        return jax.lax.while_loop(going, step, (v, jnp.inf, 0))

    features = jnp.asarray(X)

    def run():
        v, _, count = descend(features, start)
        v.block_until_ready()
        return np.asarray(v), int(count) - 1

    return run
