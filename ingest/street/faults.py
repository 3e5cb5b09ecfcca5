"""The faults of the feed that the synthetic street can play."""

from __future__ import annotations

from enum import StrEnum


class FaultKind(StrEnum):
    """What can be wrong with a clip, as the real feed has it."""

    PLACEHOLDER = "placeholder"
    OFFLINE = "offline"
    SMEARED = "smeared"
    FROZEN = "frozen"
    DARK = "dark"
    BLURRED = "blurred"
    MOVED_VIEW = "moved_view"
