"""What is said of one clip or still that is counted by itself, of no camera and no zone."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, NonNegativeInt

from core.config import Closed
from core.records import Lighting, Status, UtcTime

FRAMES_PER_CLIP = 6
"""How many frames of a clip are counted, unless somebody says otherwise."""


class CountResult(Closed):
    """What `busyness count` says of one source. `counts` is the mean number present by class; null unless `ok`.

    `reason` is why it was not counted or, where it was, that only a part of the clip could be decoded.
    `stationary` has the classes and the two sums; it is null too for a still, where standing still cannot be told.
    `low` and `high`, the 90 % interval from the counter's error, have them too; null where that error is not known.
    """

    source: str
    status: Status
    reason: str | None
    event_time: UtcTime | None
    frames: NonNegativeInt
    counts: dict[str, NonNegativeFloat] | None
    people: NonNegativeFloat | None
    vehicles: NonNegativeFloat | None
    stationary: dict[str, NonNegativeFloat] | None
    low: dict[str, NonNegativeFloat] | None
    high: dict[str, NonNegativeFloat] | None
    lighting: Lighting | None
    model: str
    elapsed_ms: NonNegativeFloat = Field(description="decoding, judging and counting together")
