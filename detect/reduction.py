"""The gate that pictures pass right after they are decoded: they are made as small as `detect/resolution.py` says."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from core.ground import GroundPlane
from detect.resolution import ResolutionLimit, SizePx, allowed_size
from ingest.clip import SampledClip
from ingest.frame import Frame


@dataclass(frozen=True)
class Gate:
    """What the pictures of a camera are held to: the limit, and the ground in them where it is known."""

    limit: ResolutionLimit
    plane: GroundPlane | None = None

    def passed(self, clip: SampledClip) -> SampledClip:
        """The clip as it may be looked at; it has a frame. Raises `TooNear`."""
        return reduced(clip, allowed_size(_size_of(clip), self.plane, self.limit))

    def passed_elsewhere(self, clip: SampledClip) -> SampledClip:
        """A clip of another view than the one whose ground is known, as it may be counted. Raises `TooNear`."""
        return reduced(clip, allowed_size(_size_of(clip), None, self.limit))


def reduced(clip: SampledClip, size_px: SizePx) -> SampledClip:
    """The clip with its frames brought to `size_px` (width, height) by averaging; itself where they have that size.

    What is averaged away is gone with the frames of `clip`: nothing here keeps them.
    """
    if _size_of(clip) == size_px:
        return clip
    return replace(clip, frames=tuple(_reduced(frame, size_px) for frame in clip.frames))


def _size_of(clip: SampledClip) -> SizePx:
    """Of all its frames: a clip whose size changes is not decoded."""
    return clip.frames[0].width_px, clip.frames[0].height_px


def _reduced(frame: Frame, size_px: SizePx) -> Frame:
    small = cv2.resize(np.asarray(frame.pixels), size_px, interpolation=cv2.INTER_AREA)
    return Frame(np.asarray(small, dtype=np.uint8), frame.offset_s)
