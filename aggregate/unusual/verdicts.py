"""What can be said of a place: the words that stand in a column, each one of a few."""

from __future__ import annotations

from enum import StrEnum

from aggregate.usual.baselines import BaselineState


class Verdict(StrEnum):
    """Whether a place is as usual; `unknown` where the data cannot say."""

    TOO_BUSY = "too_busy"
    TOO_QUIET = "too_quiet"
    USUAL = "usual"
    UNKNOWN = "unknown"


class State(StrEnum):
    """Whether an answer stands on data: what is usual is known from the place's own past (`ok`) or, for want of that,
    from places like it too (`borrowed`); nothing was counted (`missing`); the past is too short
    (`insufficient_history`); nothing was ever fitted (`none`); or there are too few places to tell what is chance
    (`too_few_places`)."""

    OK = "ok"
    BORROWED = "borrowed"
    MISSING = "missing"
    INSUFFICIENT_HISTORY = "insufficient_history"
    NONE = "none"
    TOO_FEW_PLACES = "too_few_places"


FITTED = (BaselineState.OK.value, BaselineState.BORROWED.value)
"""The states of a baseline that can be compared with."""


class Places(StrEnum):
    """What a row of hotspots is of: a zone of a camera, or a hexagon of the ground with all zones in it."""

    ZONES = "zones"
    CELLS = "cells"


class Trend(StrEnum):
    """Which way a place is going; `neither` where the interval holds no change, `unknown` where there is none."""

    WORSE = "worse"
    BETTER = "better"
    NEITHER = "neither"
    UNKNOWN = "unknown"


class ChangeKind(StrEnum):
    """What a lasting change looks like: the street's own; or the camera's, whose view, light or counter changed."""

    STREET_CHANGE = "street_change"
    CAMERA_DRIFT = "camera_drift"
