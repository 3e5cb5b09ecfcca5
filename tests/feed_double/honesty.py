"""What has to be said of a camera that fails, and whether it was: nulls with reasons for its clips, and a state."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from feed_double.accounts import Row, Span, State
from feed_double.faults import Fault, FaultKind
from feed_double.ledger import PublishedVersion

_STALE, _FAULTY, _MOVED = frozenset({"stale"}), frozenset({"faulty"}), frozenset({"moved"})
_UNREACHABLE, _WITHDRAWN = frozenset({"unreachable"}), frozenset({"withdrawn"})

SAID = {
    FaultKind.FROZEN_STILL: _STALE,
    FaultKind.FROZEN_TOUCHED: _STALE,
    FaultKind.FROZEN_RETAGGED: _STALE,
    FaultKind.NOT_MODIFIED: _STALE | _UNREACHABLE,  # the latter where nothing was fetched before it
    FaultKind.PLACEHOLDER: _FAULTY,
    FaultKind.CORRUPT: _FAULTY,
    FaultKind.CUT_CLIP: _FAULTY,
    FaultKind.DIMENSION_BOMB: _FAULTY,
    FaultKind.GARBAGE: _FAULTY | _STALE,  # the same bytes each time
    FaultKind.MOVED_VIEW: _MOVED,
    FaultKind.EMPTY: _UNREACHABLE,
    FaultKind.FORBIDDEN: _UNREACHABLE,
    FaultKind.NOT_FOUND: _WITHDRAWN,
    FaultKind.SERVER_ERROR: _UNREACHABLE,
    FaultKind.SLOW: _UNREACHABLE,
    FaultKind.STALLED: _UNREACHABLE,
    FaultKind.RESET: _UNREACHABLE,
    FaultKind.TRUNCATED: _UNREACHABLE,
    FaultKind.WRONG_LENGTH: _UNREACHABLE,
    FaultKind.WEB_PAGE: _UNREACHABLE,
    FaultKind.NOTHING: _UNREACHABLE,
    FaultKind.REDIRECT: _UNREACHABLE,
    FaultKind.REDIRECT_LOOP: _UNREACHABLE,
    FaultKind.GZIP_BOMB: _UNREACHABLE,
    FaultKind.OVERSIZE: _UNREACHABLE,
    FaultKind.FOREIGN_MEDIA: _UNREACHABLE,
    FaultKind.VANISHES: _WITHDRAWN,
    FaultKind.SWITCHED_OFF: _WITHDRAWN,
    FaultKind.NO_POSITION: _WITHDRAWN,
}
"""The states of which a camera has to be in one, some time while it fails so.

Of the others nothing has to be said: the camera can be counted all the same, or is not known yet.
"""

SLOWLY = frozenset(
    {FaultKind.FROZEN_STILL, FaultKind.FROZEN_TOUCHED, FaultKind.FROZEN_RETAGGED, FaultKind.NOT_MODIFIED}
)
"""Under which a camera answers as well as ever: only after some cadences is it stale."""

HARMLESS: Mapping[FaultKind, Mapping[str, object]] = {
    FaultKind.DIMENSION_BOMB: {"format": "mp4"},  # decoders go by the pictures' own headers
    FaultKind.SERVER_ERROR: {"for_s": 30},  # comes in bursts, with time to fetch between them
}
"""Parameters with which a fault of these kinds is one of the others."""


@dataclass(frozen=True)
class Promises:
    """What had to be said (`due`), and of it what was not: of clips, and of cameras under a fault."""

    due: int
    clips: tuple[PublishedVersion, ...]
    cameras: tuple[tuple[FaultKind, str], ...]

    @property
    def untold(self) -> int:
        return len(self.clips) + len(self.cameras)


def promises(
    rows: Iterable[Row],
    states: Iterable[State],
    versions: Iterable[PublishedVersion],
    faults: Sequence[Fault],
    blocked: Mapping[str, Sequence[Span]],
    *,
    start: datetime,
    cadence: timedelta,
    stale_after: float,
) -> Promises:
    """Hold what was said against what had to be.

    A clip that came and went while its camera was `blocked` has to have a row: its own, where it could be had after
    all, or one without a count and with its reason, of a time no more than half of a `cadence` from it. A camera that a
    fault of its own hit for two cadences, or for `stale_after` of them where it is to be found stale, has to have been
    in a state of `SAID`. Faults count from `start`.
    """
    gone = [version for version in versions if _within(version, blocked.get(version.camera, ()))]
    accounted = _Accounted(rows, cadence / 2)
    lasting = [
        (fault, camera)
        for fault in faults
        for camera in fault.cameras
        if _states(fault) and timedelta(seconds=fault.to_s - fault.from_s) >= _patience(fault, cadence, stale_after)
    ]
    told = _Told(states, start, cadence)
    return Promises(
        due=len(gone) + len(lasting),
        clips=tuple(version for version in gone if not accounted.has(version)),
        cameras=tuple((fault.kind, camera) for fault, camera in lasting if not told.of(fault, camera)),
    )


class _Accounted:
    """Which clips the store's rows speak of."""

    def __init__(self, rows: Iterable[Row], tolerance: timedelta) -> None:
        self._tolerance = tolerance
        self._contents: set[tuple[str, str]] = set()
        times: dict[str, set[datetime]] = defaultdict(set)
        for row in rows:
            if row.content:
                self._contents.add((row.camera, row.content))
            if row.status == "ok" or row.reason:
                times[row.camera].add(row.event_time)
        self._times = {camera: sorted(moments) for camera, moments in times.items()}

    def has(self, version: PublishedVersion) -> bool:
        if (version.camera, version.content) in self._contents:
            return True
        times = self._times.get(version.camera, [])
        at = bisect_left(times, version.published_at - self._tolerance)
        return at < len(times) and times[at] <= version.published_at + self._tolerance


class _Told:
    """How each camera was said to be, and when."""

    def __init__(self, states: Iterable[State], start: datetime, cadence: timedelta) -> None:
        self._start = start
        self._cadence = cadence
        self._of: dict[str, list[State]] = defaultdict(list)
        for state in sorted(states, key=lambda one: one.since):
            self._of[state.camera].append(state)

    def of(self, fault: Fault, camera: str) -> bool:
        """Whether it was said, of some time from the beginning of the fault to a cadence after its end."""
        begin = self._start + timedelta(seconds=fault.from_s)
        end = self._start + timedelta(seconds=fault.to_s) + self._cadence
        said = self._of[camera]
        untils = (*(state.since for state in said[1:]), end)
        return any(
            state.state in _states(fault) and state.since < end and until > begin
            for state, until in zip(said, untils, strict=False)
        )


def _states(fault: Fault) -> frozenset[str]:
    harmless = HARMLESS.get(fault.kind)
    if harmless is not None and all(fault.parameters.get(name) == value for name, value in harmless.items()):
        return frozenset()
    return SAID.get(fault.kind, frozenset())


def _patience(fault: Fault, cadence: timedelta, stale_after: float) -> timedelta:
    return cadence * (stale_after + 0.25 if fault.kind in SLOWLY else 2)


def _within(version: PublishedVersion, spans: Sequence[Span]) -> bool:
    replaced = version.replaced_at
    return replaced is not None and any(begin <= version.published_at and replaced <= end for begin, end in spans)
