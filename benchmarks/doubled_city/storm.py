"""The weather of `make bench-feed-storm`: which cameras fail in which way, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from feed_double.accounts import Span
from feed_double.faults import ANSWER, LISTING, Fault, FaultKind, PathClass
from feed_double.ledger import PublishedVersion

FAULTY = 0.3
AWAY = (0.08, 0.52)
"""When in the storm a camera fails, as shares of its length: it is whole before, fails for over three of its seven
cadences, so that it can be found stale, and has time to come back, and to owe clips when it has."""

ELSEWHERE = (0.55, 0.98)
"""When a camera shows another street: once its own is known."""

FETCHABLE = {FaultKind.SKEWED, FaultKind.SKEWED_MODIFIED, FaultKind.MOVES, FaultKind.LISTED_TWICE}
"""Answer and list faults under which a clip can be had all the same."""

FORBIDDEN = (
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "http://[::ffff:10.0.0.1]/",
    "file:///etc/passwd",
)


@dataclass(frozen=True)
class Storm:
    """A schedule. `healthy` are the cameras that never fail by themselves."""

    faults: tuple[Fault, ...]
    healthy: tuple[str, ...]


def storm(cameras: Sequence[str], length_s: float, seed: int, traps: Sequence[str]) -> Storm:
    """A share of `FAULTY` of the cameras, as many with each kind of fault; and what hits a whole host.

    `traps` are URLs that nobody may follow.
    """
    ways = _ways((*traps, *FORBIDDEN))
    drawing = Random(f"{seed}:storm")
    faulty = drawing.sample(sorted(cameras), round(FAULTY * len(cameras)))
    faults = [
        replace(way, cameras=tuple(faulty[number :: len(ways)]), from_s=begin * length_s, to_s=end * length_s)
        for number, way in enumerate(drawing.sample(ways, len(ways)))
        if faulty[number :: len(ways)]
        for begin, end in [_when(way.kind)]
    ]
    return Storm((*faults, *_of_whole_hosts(length_s)), tuple(sorted(set(cameras) - set(faulty))))


def _when(kind: FaultKind) -> tuple[float, float]:
    """From when to when cameras fail in this way, as shares of the storm."""
    if kind is FaultKind.APPEARS:
        return 0.0, AWAY[1]
    return ELSEWHERE if kind is FaultKind.MOVED_VIEW else AWAY


def _ways(astray: Sequence[str]) -> list[Fault]:
    """Every way in which a single camera fails."""

    def way(kind: FaultKind, **parameters: object) -> Fault:
        return Fault(kind, parameters=parameters)

    plain = (
        *(FaultKind.FROZEN_STILL, FaultKind.FROZEN_TOUCHED, FaultKind.FROZEN_RETAGGED),
        *(FaultKind.PLACEHOLDER, FaultKind.MOVED_VIEW, FaultKind.CORRUPT, FaultKind.CUT_CLIP, FaultKind.EMPTY),
        *(FaultKind.NOT_MODIFIED, FaultKind.NOT_FOUND, FaultKind.FORBIDDEN, FaultKind.WEB_PAGE, FaultKind.GARBAGE),
        *(FaultKind.STALLED, FaultKind.RESET, FaultKind.TRUNCATED, FaultKind.WRONG_TYPE, FaultKind.REDIRECT_LOOP),
        *(FaultKind.NOTHING, FaultKind.APPEARS, FaultKind.VANISHES, FaultKind.MOVES, FaultKind.SWITCHED_OFF),
        *(FaultKind.LISTED_TWICE, FaultKind.NO_POSITION),
    )
    return [
        *map(way, plain),
        *(way(FaultKind.DIMENSION_BOMB, format=form) for form in ("png", "jpeg", "mp4")),
        way(FaultKind.SERVER_ERROR),
        way(FaultKind.SERVER_ERROR, status=500, every_s=60, for_s=30),
        way(FaultKind.SLOW, bytes_per_s=1000),
        *(way(FaultKind.WRONG_LENGTH, factor=factor) for factor in (0.5, 2.0)),
        way(FaultKind.SKEWED, hours=5),
        *(way(FaultKind.SKEWED_MODIFIED, hours=hours) for hours in (5, -5)),
        way(FaultKind.REDIRECT, targets=tuple(astray)),
        way(FaultKind.REDIRECT, targets=("http://media.example.org/clip.mp4",)),
        way(FaultKind.GZIP_BOMB, mebibytes=1024),
        *(way(FaultKind.OVERSIZE, mebibytes=64, announced=announced) for announced in (True, False)),
        *(way(FaultKind.FOREIGN_MEDIA, location=location) for location in astray[:4]),
    ]


def _of_whole_hosts(length_s: float) -> list[Fault]:
    """What the lists, the listing and the media's host go through, each once.

    Each trouble of the list of cameras is met when the list is asked for every sixth of the storm. The listing is stuck
    for longer than a cadence and a half: who asks nobody else loses every clip of that time.
    """

    def spell(kind: FaultKind, on: PathClass, at: float, for_s: float, **parameters: object) -> Fault:
        return Fault(kind, from_s=at * length_s, to_s=at * length_s + for_s, on=on, parameters=parameters)

    return [
        spell(FaultKind.NOTHING, PathClass.CAMERAS, 0.15, 0.05 * length_s),
        spell(FaultKind.GARBAGE, PathClass.CAMERAS, 0.36, 0.05 * length_s),
        spell(FaultKind.SERVER_ERROR, PathClass.CAMERAS, 0.56, 0.05 * length_s, status=502),
        spell(FaultKind.TOO_MANY, PathClass.CAMERAS, 0.77, 0.04 * length_s, retry_after_s=20),
        spell(FaultKind.GARBAGE, PathClass.NEWEST, 0.20, 40),
        spell(FaultKind.TRUNCATED, PathClass.NEWEST, 0.28, 40),
        spell(FaultKind.SERVER_ERROR, PathClass.NEWEST, 0.36, 40),
        spell(FaultKind.STUCK, PathClass.NEWEST, 0.53, 0.21 * length_s),
        spell(FaultKind.TOO_MANY, PathClass.MEDIA, 0.25, 20, retry_after_s=15),
        spell(FaultKind.TOO_MANY, PathClass.MEDIA, 0.46, 20, retry_after_s=15, as_date=True),
        spell(FaultKind.SERVER_ERROR, PathClass.MEDIA, 0.78, 20, status=503),
    ]


def own_spans(faults: Sequence[Fault], start: datetime) -> Mapping[str, list[Span]]:
    """When a camera could not be fetched for a fault of its own."""
    blocked: dict[str, list[Span]] = defaultdict(list)
    for fault in faults:
        if _blocks(fault):
            for camera in fault.cameras:
                blocked[camera].append(_span(fault, start))
    return blocked


def spans(
    faults: Sequence[Fault], cameras: Sequence[str], start: datetime, recovery: timedelta
) -> tuple[Mapping[str, list[Span]], Mapping[str, list[Span]]]:
    """When each camera's clips could not be had, and when it may still have been left alone for that."""
    blocked: dict[str, list[Span]] = {camera: [] for camera in cameras}
    recovering: dict[str, list[Span]] = {camera: [] for camera in cameras}
    for fault in faults:
        if not _blocks(fault):
            continue
        begin, end = _span(fault, start)
        for camera in fault.cameras or cameras:
            blocked[camera].append((begin, end))
            recovering[camera].append((end, end + (recovery if fault.cameras else timedelta(minutes=1))))
    return blocked, recovering


def came_back(
    owed: Iterable[PublishedVersion], faults: Sequence[Fault], start: datetime, recovery: timedelta
) -> list[PublishedVersion]:
    """Of the clips that are owed those of cameras that could not be had before, for a fault of their own."""
    back = {camera: _span(fault, start)[1] + recovery for fault in faults if _blocks(fault) for camera in fault.cameras}
    return [
        version
        for version in owed
        if version.camera in back and (version.replaced_at is None or version.replaced_at > back[version.camera])
    ]


def _blocks(fault: Fault) -> bool:
    """Whether nobody can have the clips of the cameras that it hits."""
    if fault.kind in FETCHABLE:
        return False
    return fault.kind in LISTING or (fault.kind in ANSWER and fault.on is PathClass.MEDIA)


def _span(fault: Fault, start: datetime) -> Span:
    return start + timedelta(seconds=fault.from_s), start + timedelta(seconds=fault.to_s)
