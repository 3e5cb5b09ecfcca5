"""Pixels in memory, and nowhere else.

A `Frame` can be looked at (`pixels`) by code in `ingest` and `detect`. It cannot be pickled, copied, serialised,
printed, formatted, iterated, saved or turned into bytes: each of these raises `PixelLeak`, so a frame cannot reach a
disk, a bus, another process or a log line by accident. The array it shows refuses the same, and its memory, its parts
one by one and a view of another class as well; so do its slices and what numpy computes from it.

Python cannot refuse everything of an array that is there to compute with:

- the buffer protocol, before 3.12 let a class decide: `memoryview(pixels)`, `file.write(pixels)`, `b64encode(pixels)`;
- a plain array of the same numbers, which no version can refuse: `np.asarray(pixels)`, `canvas[:] = pixels`,
  `np.nditer(pixels)`, and whatever OpenCV's functions return;
- what C reads without asking: `cv2.imwrite(path, pixels)`, `np.ndarray.tobytes(pixels)`.

Of these no module of the two rooms may use one that writes, encodes or makes bytes: tests/privacy/test_boundary.py
lists them, and reads the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    """An array to compute with, not to keep: what would write, print or bare it raises."""

    __reduce__ = __reduce_ex__ = __getstate__ = __copy__ = __deepcopy__ = _leak
    __repr__ = __str__ = __format__ = __bytes__ = __array__ = __buffer__ = __dlpack__ = _leak
    tobytes = tofile = tolist = dump = dumps = view = _leak
    base = data = flat = ctypes = __array_interface__ = __array_struct__ = property(_leak)

    def __iter__(self) -> Iterator[Any]:
        """The values of one pixel, as in `red, green, blue = pixels[y, x]`; of more it raises."""
        return super().__iter__() if self.ndim == 1 and self.size <= 3 else _leak()

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in _WRITERS:
            _leak()
        result = super().__array_function__(func, types, args, kwargs)
        return result.view(_HeldPixels) if type(result) is np.ndarray else result  # np.stack and others drop the class


@final
class Frame:
    """One picture of a clip: RGB, uint8, shape [height_px, width_px, 3], read-only.

    `offset_s` is its time from the beginning of the clip.
    """

    __slots__ = ("_offset_s", "_pixels")

    def __init__(self, pixels: Pixels, offset_s: float) -> None:
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ValueError(f"a frame is uint8 [height, width, 3], got {pixels.dtype} {list(pixels.shape)}")
        held = pixels.view(_HeldPixels)  # no copy: 2 us for 352x288, where copying would take 10
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
