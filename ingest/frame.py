"""Pixels in memory, and nowhere else.

A `Frame` can be looked at (`pixels`) by code in `ingest` and `detect`. It cannot be pickled, copied, serialised,
printed, formatted, saved or turned into bytes, and neither can the array it shows: each of these raises `PixelLeak`,
so a frame cannot reach a disk, a bus, another process or a log line by accident. What Python cannot refuse (OpenCV's
own writers) no module here may call: tests/privacy holds that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, final

import numpy as np
from numpy.typing import NDArray

from core.errors import PixelLeak

Pixels = NDArray[np.uint8]


def _leak(*_: Any, **__: Any) -> NoReturn:
    raise PixelLeak(
        "a Frame stays in the memory of the worker that decoded it: it cannot be pickled, copied, printed, "
        "serialised or written",
        remedy="send the CountObservation instead",
    )


_WRITERS: frozenset[Callable[..., Any]] = frozenset(
    (np.save, np.savez, np.savez_compressed, np.savetxt, np.array2string, np.array_repr, np.array_str)
)


class _HeldPixels(np.ndarray[tuple[int, ...], np.dtype[np.uint8]]):
    """An array to compute with, not to keep: what would write or print it raises."""

    __reduce__ = __reduce_ex__ = __getstate__ = __copy__ = __deepcopy__ = _leak
    __repr__ = __str__ = __format__ = __bytes__ = _leak
    tobytes = tofile = tolist = dump = dumps = _leak

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in _WRITERS:
            _leak()
        return super().__array_function__(func, types, args, kwargs)


@final
class Frame:
    """One picture of a clip: RGB, uint8, shape [height_px, width_px, 3], read-only.

    `offset_s` is its time from the beginning of the clip.
    """

    __slots__ = ("_offset_s", "_pixels")

    def __init__(self, pixels: Pixels, offset_s: float) -> None:
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ValueError(f"a frame is uint8 [height, width, 3], got {pixels.dtype} {list(pixels.shape)}")
        held = pixels.view(_HeldPixels)
        held.setflags(write=False)
        self._pixels = held
        self._offset_s = offset_s

    @property
    def pixels(self) -> Pixels:
        return self._pixels

    @property
    def offset_s(self) -> float:
        return self._offset_s

    @property
    def width_px(self) -> int:
        return int(self._pixels.shape[1])

    @property
    def height_px(self) -> int:
        return int(self._pixels.shape[0])

    __reduce__ = __reduce_ex__ = __getstate__ = __copy__ = __deepcopy__ = _leak
    __repr__ = __str__ = __format__ = __bytes__ = __iter__ = __array__ = __buffer__ = _leak
