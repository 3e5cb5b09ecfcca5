"""What is refused before it is decoded: limits alone, so that whoever configures them needs no decoder."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt

from core.config import Closed

DEFAULT_MAX_PIXELS = 3840 * 2160


class DecodeLimits(Closed):
    """What is refused: before it is decoded, or as soon as more is decoded than was announced.

    JamCam clips are 352x288, 10 s, 250 frames and 0.3 MB.
    """

    max_bytes: PositiveInt = Field(default=64 * 1024 * 1024, description="of the file")
    max_pixels: PositiveInt = Field(default=DEFAULT_MAX_PIXELS, description="of one picture, width times height")
    max_duration_s: PositiveFloat = Field(default=300.0, description="of a clip")
    max_frames: PositiveInt = Field(default=10_000, description="of a clip")
    min_decoded_share: float = Field(
        default=0.5, gt=0, le=1, description="a clip that breaks off counts if this share of its frames was decoded"
    )
