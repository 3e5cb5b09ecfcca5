"""Is a clip the last one again, encoded anew: other bytes, another stamp, the same picture?

A fingerprint is the mean luminance of each of 9 x 11 large blocks of every sampled frame, to a sixteenth of a level.
New encoding hardly moves it. A new clip of the same street never repeats it: what passes, flickers and sways changes
other blocks, in another order. Both are asked: the pictures must agree, and so must what changes from frame to frame.
A still has no such change, so its picture must agree more closely.

A person is less than one block, and no fingerprint shows one; but who crosses an empty street changes the blocks that
they cross, so that it tells where they were in each frame. It stays in memory: see `detect/scene.py`. Nothing less does
as well. A hash, keyed or not, cannot be compared by how near two pictures are. Random projections can, but to tell the
correlation of 0.4 from 0.2 they need more numbers than there are blocks. Coarser levels leave no room between a still
encoded anew (0.24) and `STILL_LEVELS`, and a walker would be seen at whole levels, too.

Set on the 576 clips of three real days: all pairs of a clip and the next that has other bytes, and 45 of the clips
encoded anew as MPEG-4 with another stamp and as JPEG of quality 15 to 60.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.quality_measures import Grey
from detect.scene import FINGERPRINT_COLUMNS, FINGERPRINT_FRAMES, FINGERPRINT_ROWS
from detect.sixbit import numbers_of, text_of

CLIP_LEVELS = 0.8  # RMS difference of blocks: encoded anew 0.3, coarsely 0.7 | the next clip 0.6 at night, 2 and more
CLIP_CHANGE = 0.3  # correlation of their changes: encoded anew 0.8, coarsely 0.4 | the next clip 0.20 at most
STILL_LEVELS = 0.25  # encoded anew at quality 60 and more 0.24 | the next still of an empty street at night 0.53

_PARTS = 16  # of a level
_QUIET_LEVELS = 0.03  # half a part: a block that changes by less is still
_BANNERS = (0.17, 0.92)  # stamps, logos and captions are drawn above and below this part of the height

Blocks = NDArray[np.float32]
"""Mean luminance of blocks, [frame, row, column]."""


def fingerprint_of(greys: Sequence[Grey]) -> str:
    """The fingerprint of a clip or still, of at most `FINGERPRINT_FRAMES` of its frames, evenly spaced.

    `greys` is the luminance of its frames, at least one, all of one size whatever that of the clip is.
    """
    count = min(len(greys), FINGERPRINT_FRAMES)
    chosen = [greys[index * len(greys) // count] for index in range(count)]
    parts = np.rint(np.stack([_blocks(grey) for grey in chosen]) * _PARTS).astype(np.int16)
    return text_of(np.stack([parts >> 6, parts & 63], axis=-1))


def repeated(before: str, now: str) -> bool:
    """Whether the fingerprint `now` shows the same pictures as `before`."""
    one, other = _decoded(before), _decoded(now)
    if one.shape != other.shape:
        return False
    apart = _rms(_evened(one - other))
    if len(one) == 1:
        return apart <= STILL_LEVELS
    return apart <= CLIP_LEVELS and float(np.mean(_changes(one) * _changes(other))) >= CLIP_CHANGE


def _blocks(grey: Grey) -> Blocks:
    top, bottom = (round(share * grey.shape[0]) for share in _BANNERS)
    parts = cv2.resize(grey[top:bottom], (FINGERPRINT_COLUMNS * 8, FINGERPRINT_ROWS * 6), interpolation=cv2.INTER_AREA)
    size = (FINGERPRINT_COLUMNS, FINGERPRINT_ROWS)
    return np.asarray(cv2.resize(parts.astype(np.float32), size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _decoded(fingerprint: str) -> Blocks:
    high, low = numbers_of(fingerprint).reshape(-1, 2).T
    parts = high.astype(np.float32) * 64 + low
    blocks: Blocks = (parts / np.float32(_PARTS)).reshape(-1, FINGERPRINT_ROWS, FINGERPRINT_COLUMNS)
    return blocks


def _changes(blocks: Blocks) -> Blocks:
    """What changes from frame to frame, each block as much as any other: noise tells more than signals, whose times are
    the same in many clips."""
    changes = _evened(np.diff(blocks, axis=0))
    evened: Blocks = changes / np.sqrt(np.mean(changes**2, axis=0) + _QUIET_LEVELS**2)
    return evened


def _evened(blocks: Blocks) -> Blocks:
    """Less the mean of each frame: exposure comes and goes."""
    evened: Blocks = blocks - blocks.mean(axis=(1, 2), keepdims=True)
    return evened


def _rms(blocks: Blocks) -> float:
    return float(np.sqrt(np.mean(blocks**2)))
