"""What is known of a camera before a clip of it is looked at, and what a look at the clip adds: no pixels.

`Scene` goes into the worker that decodes and counts, `ClipReport` is all that comes out of it.
"""

from __future__ import annotations

from core.config import Closed
from core.records import CountObservation


class Scene(Closed):
    """What is known of a camera's view and of its last clip."""


class Sight(Closed):
    """What a clip shows of its camera, not of the street: by it the next clip is known to be new, and of this view."""


class ClipReport(Closed):
    """What a worker says of a clip: one observation for each zone of its camera, in their order, and what it saw of the
    camera; `sight` is None where no picture could be judged."""

    observations: tuple[CountObservation, ...]
    sight: Sight | None = None
