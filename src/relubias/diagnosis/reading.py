"""From a model, in whatever form it arrives, to a plain network."""

from __future__ import annotations

from typing import Any

from relubias.diagnosis._forms import read
from relubias.diagnosis.agreement import Agreement, agreement
from relubias.diagnosis.files import load_model
from relubias.diagnosis.network import Network

__all__ = ["Agreement", "agreement", "load_model", "read_network"]


def read_network(
    model: Any, *, hidden: str | None = None, output: str | None = None, name: str = "model"
) -> Network:
    r"""Read a network with one hidden relu layer and one output.

    The model is copied to float64 on the CPU before anything is done: its mode, device, type,
    gradients and the random state stay as they are. Outer weights are folded into the neurons
    (see `Network`).

    Parameters
    ----------
    model : torch.nn.Module, mapping, tuple, estimator or Network
        A module, whose forward pass is followed; a state dict, in which relu between the two
        layers is assumed; a fitted ``MLPRegressor`` of scikit-learn; or plain arrays
        ``(W, b, a, c)`` of shapes (m, d), (m,), (m,) and a number for
        :math:`f(x) = c + \sum_k a_k\,\mathrm{relu}(w_k^\top x + b_k)`, as a tuple or as a
        dictionary with these keys. What is absent is None: no biases, all outer weights +1, no
        output bias.
    hidden, output : str, optional
        Names of the two layers. Needed for a state dict with other things in it, and for a
        module whose forward cannot be followed; the layers are then compared with the module on
        random inputs.
    name : str, default="model"
        Name of the argument, for error messages.

    Returns
    -------
    Network
        Its layers in float64, folded, with `Network.notes` saying what was done.

    Raises
    ------
    InvalidInputError
        If the model cannot be read; the message names the layer that is the reason.

    See Also
    --------
    agreement : Compare what was read with the model's own output.

    Examples
    --------
    >>> from relubias.diagnosis import read_network
    >>> network = read_network(([[1.0, 0.0], [3.0, 4.0]], [0.0, 1.0], [2.0, -1.0], 0.5))
    >>> network.weights
    array([[2., 0.],
           [3., 4.]])
    >>> network.signs
    array([ 1., -1.])
    >>> network.predict([[1.0, 0.0]])
    array([-1.5])
    """
    return read(name, model, hidden, output)
