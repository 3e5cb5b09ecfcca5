"""Signatures of views that nobody filmed: random fields, as unlike each other as two streets are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from core.records import ClipReady
from detect.scene import Sight
from detect.view_field import Field, coded

MIDNIGHT = datetime(2017, 3, 9, tzinfo=UTC)
FINGERPRINT = "00" * 99


@cache
def field_of(view: int, light: int = 0, right: int = 0) -> Field:
    """The field of a view, in one of many lights, turned by some cells."""
    random = np.random.default_rng((2017, view))
    lit = np.random.default_rng((2017, view, light + 1))
    street = random.normal(size=(36, 60)) + 1j * random.normal(size=(36, 60))
    weather = lit.normal(size=(36, 60)) + 1j * lit.normal(size=(36, 60))
    shown = 0.3 * street + (0.3 * weather if light else 0)
    return np.ascontiguousarray(shown[:, 8 - right : 52 - right]).astype(np.complex64)


def sight_of(view: int, light: int = 0, right: int = 0, grain: int = 0, steady: float | None = 0.9) -> Sight:
    """What a clip of a view shows; another `grain` is other traffic."""
    passing = np.random.default_rng((2018, grain)).normal(scale=0.1, size=(2, 36, 44))
    seen = field_of(view, light, right) + (passing[0] + 1j * passing[1]).astype(np.complex64)
    return Sight(signature=coded(seen), fingerprint=FINGERPRINT, steady=steady)


def clip_at(minutes: float, camera: str = "06710") -> ClipReady:
    return ClipReady(camera=camera, event_time=MIDNIGHT + timedelta(minutes=minutes), location="clip.mp4")
