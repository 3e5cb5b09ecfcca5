"""What goes wrong in a doubled feed, with which cameras, and when: a schedule that is part of its configuration.

A fault spoils one of three things: what a camera publishes (`CONTENT`), how a request is answered (`ANSWER`), or
what the publisher's list says of a camera (`LISTING`).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Self


class FaultKind(StrEnum):
    """Every fault that the double can play; its parameters are in brackets, with their defaults."""

    # What a camera publishes.
    FROZEN_STILL = "frozen_still"  # nothing new: the same bytes, the same Last-Modified
    FROZEN_TOUCHED = "frozen_touched"  # the same bytes and ETag, a new Last-Modified
    FROZEN_RETAGGED = "frozen_retagged"  # the same bytes, a new ETag and Last-Modified
    PLACEHOLDER = "placeholder"  # the "in use keeping London moving" card
    MOVED_VIEW = "moved_view"  # another camera's street
    CORRUPT = "corrupt"  # a stretch of the clip is noise
    CUT_CLIP = "cut_clip"  # the clip ends early, and so it was published [share 0.5]
    EMPTY = "empty"  # no bytes at all
    DIMENSION_BOMB = "dimension_bomb"  # a header that announces gigapixels [format png, jpeg or mp4]

    # How a request is answered.
    NOT_MODIFIED = "not_modified"  # 304, asked for or not
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    TOO_MANY = "too_many"  # 429 [retry_after_s 60, as_date false]
    SERVER_ERROR = "server_error"  # [status 503, every_s 60, for_s 60]: the first for_s of every every_s
    SLOW = "slow"  # [bytes_per_s 4000]
    STALLED = "stalled"  # half of the body, then silence [for_s 120]
    RESET = "reset"  # half of the body, then a TCP reset
    TRUNCATED = "truncated"  # half of the body that Content-Length promised, then the end
    WRONG_TYPE = "wrong_type"  # [content_type text/html]
    WRONG_LENGTH = "wrong_length"  # Content-Length times [factor 0.5]
    WEB_PAGE = "web_page"  # 200 with a page of HTML
    GARBAGE = "garbage"  # 200 of the right type with nothing usable in it
    NOTHING = "nothing"  # 200 with an empty list, or an empty body
    SKEWED = "skewed"  # Date and Last-Modified [hours 5] off
    SKEWED_MODIFIED = "skewed_modified"  # only Last-Modified [hours 5] off
    REDIRECT = "redirect"  # to each of [targets] in turn
    REDIRECT_LOOP = "redirect_loop"
    GZIP_BOMB = "gzip_bomb"  # [mebibytes 1024] of zeros, compressed
    OVERSIZE = "oversize"  # [mebibytes 64], announced or not [announced true]
    STUCK = "stuck"  # a list as it was when the fault began, whatever is published since

    # What the list says.
    APPEARS = "appears"  # not listed until the fault ends
    VANISHES = "vanishes"
    MOVES = "moves"  # [metres 300] to the north
    SWITCHED_OFF = "switched_off"  # `available` is false
    LISTED_TWICE = "listed_twice"
    NO_POSITION = "no_position"  # null coordinates
    FOREIGN_MEDIA = "foreign_media"  # its media are said to be at [location]


_KINDS = tuple(FaultKind)
CONTENT = frozenset(_KINDS[: _KINDS.index(FaultKind.NOT_MODIFIED)])
ANSWER = frozenset(_KINDS[_KINDS.index(FaultKind.NOT_MODIFIED) : _KINDS.index(FaultKind.APPEARS)])
LISTING = frozenset(_KINDS[_KINDS.index(FaultKind.APPEARS) :])


class PathClass(StrEnum):
    """What a request is for: a clip or still, the list of cameras, or the list of what is published."""

    MEDIA = "media"
    CAMERAS = "cameras"
    NEWEST = "newest"
    OTHER = "other"


@dataclass(frozen=True)
class Fault:
    """One line of the schedule, in seconds of feed time since the double started: half-open [from_s, to_s).

    It hits the `cameras` named, or a `share` of all, or everything where neither is given. An answer fault spoils the
    answers `on` one class of paths. What a publisher cannot play is refused (feed_double/playable.py).
    """

    kind: FaultKind
    cameras: tuple[str, ...] = ()
    share: float | None = None
    from_s: float = 0.0
    to_s: float = math.inf
    on: PathClass = PathClass.MEDIA
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Self:
        """From a line of JSON; `to_s` may be null. Raises ValueError for a kind that there is not."""
        fields = dict(line)
        fields["kind"] = FaultKind(fields["kind"])
        fields["on"] = PathClass(fields.get("on", PathClass.MEDIA))
        fields["cameras"] = tuple(fields.get("cameras", ()))
        fields["to_s"] = math.inf if fields.get("to_s") is None else fields["to_s"]
        return cls(**fields)

    def to_json(self) -> dict[str, Any]:
        line = asdict(self)
        line["to_s"] = None if math.isinf(self.to_s) else self.to_s
        return line

    def active(self, at_s: float) -> bool:
        return self.from_s <= at_s < self.to_s


class FaultPlan:
    """Which faults hit which camera: `share`s are drawn once, by seed."""

    def __init__(self, faults: Iterable[Fault], cameras: Sequence[str], seed: int) -> None:
        drawing = random.Random(f"{seed}:faults")
        self._of: dict[str | None, list[Fault]] = {None: []}
        self.drawn: list[Fault] = []
        known = set(cameras)
        for fault in faults:
            hit = fault.cameras
            if unknown := set(hit) - known:
                raise ValueError(f"the fault {fault.kind} names cameras that are not doubled: {sorted(unknown)}")
            if fault.share is not None:
                hit = tuple(sorted(drawing.sample(sorted(known), round(fault.share * len(known)))))
                if not hit:
                    raise ValueError(f"{fault.kind} hits nobody: {fault.share} of {len(known)} cameras is none")
            for camera in hit or (None,):
                self._of.setdefault(camera, []).append(fault)
            self.drawn.append(replace(fault, cameras=hit, share=None))

    def content(self, camera: str, at_s: float) -> Fault | None:
        """What spoils the clip that the camera publishes at this moment."""
        return next((fault for fault in self._at(camera, at_s) if fault.kind in CONTENT), None)

    def answer(self, camera: str | None, on: PathClass, at_s: float) -> Fault | None:
        """What spoils the answer to a request of this class, for this camera where it is for one."""
        return next((fault for fault in self._at(camera, at_s) if fault.kind in ANSWER and fault.on is on), None)

    def listed(self, camera: str, at_s: float) -> Mapping[FaultKind, Fault]:
        """What the list gets wrong, or has changed, about a camera."""
        return {fault.kind: fault for fault in self._at(camera, at_s) if fault.kind in LISTING}

    def _at(self, camera: str | None, at_s: float) -> Iterable[Fault]:
        own = self._of.get(camera, ()) if camera is not None else ()
        return (fault for fault in (*own, *self._of[None]) if fault.active(at_s))
