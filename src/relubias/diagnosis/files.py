"""Weights from files: PyTorch's and NumPy's, by readers that never run what a file holds."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

from numpy.typing import NDArray

from relubias._files import DAMAGE, checked_suffix, opened, require_room, short, unusable
from relubias._npz import opened_archive, read_member
from relubias._validate import fail, shown
from relubias.diagnosis._tensors import as_plain, is_tensor
from relubias.errors import InvalidInputError, MissingExtraError

__all__ = ["load_model"]

_OLDEST = (2, 10)
"""Before it, a crafted file could corrupt memory even with weights_only=True (CVE-2026-24747)."""

_MOST_INDEX = 16 * 2**20
"""Bytes of the index of a file; that of a state dict has a few hundred per tensor."""

_SAVE = "save its weights with torch.save(model.state_dict(), path)"


def load_model(path: str | Path) -> dict[str, NDArray[Any]]:
    """Read the weights of a model from a file, without running anything that it holds.

    Parameters
    ----------
    path : str or Path
        A ``.pt`` or ``.pth`` file with a state dict, or with a checkpoint that holds one; or an
        ``.npz`` archive with arrays ``W, b, a, c`` or with the entries of a state dict.

    Returns
    -------
    dict of str to ndarray, of any shape
        What `read_network` takes.

    Raises
    ------
    InvalidInputError
        If the file is missing, damaged, too large, or holds anything but numbers: a module that
        was saved whole is refused.
    MissingExtraError
        If PyTorch is needed and not installed.

    Notes
    -----
    PyTorch's files are read with ``weights_only=True``, by PyTorch 2.10 or later: in older
    versions that mode had known holes.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from pathlib import Path
    >>> from relubias.diagnosis import load_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.npz"
    ...     np.savez(path, W=np.eye(2), a=[1.0, -1.0])
    ...     sorted(load_model(path))
    ['W', 'a']
    """
    if not isinstance(path, (str, Path)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise fail("path", f"is {shown(path)}", "pass the path of a file")
    place = Path(path)
    suffix = checked_suffix(place, (".pt", ".pth", ".npz"))
    with opened(place) as file:
        if suffix == ".npz":
            with opened_archive(place, file) as archive:
                names = [name for name in archive.namelist() if name.endswith(".npy")]
                return {n.removesuffix(".npy"): read_member(place, archive, n) for n in names}
        return _read_torch(place, file)


def _read_torch(path: Path, file: IO[bytes]) -> dict[str, NDArray[Any]]:
    torch = _torch(path)
    content = _checked_content(path, file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            held = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error)
        if "weights_only" in reason or "WeightsUnpickler" in reason:
            got = "holds more than weights, which is never loaded here"
            raise unusable(path, got, _SAVE) from error
        raise unusable(path, "cannot be read as weights", _SAVE) from error
    return _arrays(path, held)


def _torch(path: Path) -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError(f"reading {path.suffix} files", "torch") from error
    version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    if version < _OLDEST:
        got = f"cannot be read safely by PyTorch {torch.__version__}"
        raise unusable(path, got, 'update it: pip install "torch>=2.10"')
    return torch


def _checked_content(path: Path, file: IO[bytes]) -> bytes:
    """Return the whole file, once its parts are known to be undamaged and of bearable size."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    require_room(path, 4 * size)
    try:
        content = file.read()
    except DAMAGE as error:
        raise unusable(path, "cannot be read", "check the disk") from error
    try:
        if not zipfile.is_zipfile(io.BytesIO(content)):
            raise unusable(path, "is no PyTorch file of today's format, or is cut off", _SAVE)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            names = [part.filename.rpartition("/")[2] for part in parts]
            require_room(path, sum(part.file_size for part in parts))
            if "constants.pkl" in names:
                raise unusable(path, "is a TorchScript module", _SAVE)
            if any(part.compress_type != zipfile.ZIP_STORED for part in parts):
                raise unusable(path, "has compressed parts, as state dicts never have", _SAVE)
            if names.count("data.pkl") != 1:
                raise unusable(path, "is an archive without weights", _SAVE)
            if parts[names.index("data.pkl")].file_size > _MOST_INDEX:
                raise unusable(path, "has an index of more than 16 MiB", _SAVE)
            damaged = archive.testzip()
    except InvalidInputError:
        raise
    except DAMAGE as error:
        raise unusable(path, "is damaged", "save it again") from error
    if damaged is not None:
        raise unusable(path, f"is damaged (in {short(damaged)})", "save it again")
    return content


def _arrays(path: Path, held: Any) -> dict[str, NDArray[Any]]:
    if not isinstance(held, Mapping):
        raise unusable(path, f"holds {shown(held)} instead of a state dict", _SAVE)
    state = cast("Mapping[Any, Any]", held)
    if not any(is_tensor(value) for value in state.values()):
        inner = [value for value in state.values() if _holds_tensors(value)]
        if len(inner) != 1:
            keys = ", ".join(short(key) for key in list(state)[:5]) or "nothing"
            raise unusable(path, f"holds no state dict (but {keys})", _SAVE)
        state = inner[0]
    tensors = {str(key): value for key, value in state.items() if is_tensor(value)}
    require_room(path, sum(8 * int(value.numel()) for value in tensors.values()))
    found: dict[str, NDArray[Any]] = {}
    for key, value in tensors.items():
        try:
            array = as_plain("model", value, f"an entry {short(key)}")
        except InvalidInputError as error:
            raise InvalidInputError(f"{path.name}: {error}") from error
        own = str(value.dtype).removeprefix("torch.")
        found[key] = array.astype(own) if own in ("float16", "float32") else array
    return found


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, Mapping) and any(
        is_tensor(entry) for entry in cast("Mapping[Any, Any]", value).values()
    )
