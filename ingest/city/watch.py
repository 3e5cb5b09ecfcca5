"""One camera of a feed: what of its answers is new, what was missed, how it is, and when to ask again.

Time here is event time wherever the publisher tells it. A clip is new when its bytes are; the time of the request
counts only where the publisher says nothing else. Between two clips lies a cadence: when one has passed, half of one
more and the time that the publisher takes, without a new clip, then the one that was due is missed, and is told
as a clip with a `fault`.

       event time of the newest clip          missed             due
    ---------------|-----------------------------|-----------------|-----------------> now
                   |<--------- cadence --------->|<--- cadence --->|<- lag + half ->|

A visit that comes late finds a clip that is several cadences newer than the last one. Those between were there, as far
as anybody knows, and were replaced before they were asked for: they are told as `skipped`, or with the failure that
kept them from us. When the camera was last looked at in vain, none of them was there yet; they count from there.
Those that had come and gone before this process began to watch are told as that, whatever keeps it from the camera now.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random

from core.health import CameraState
from core.records import Camera, ClipFault, ClipReady, Status
from ingest.city.cadence import Cadence
from ingest.city.config import CityConfig
from ingest.feed import FetchFailed, ListedCamera, Media, Version
from ingest.known import Known, Promise

GRACE = 0.5  # of a cadence, and at least GRACE_S, after a clip was due
GRACE_S = 60.0
LOST_AFTER = 3  # failures in a row, or a missed clip, make a camera unreachable
SLACK_S = 2.0  # after the moment a clip is expected
LOOK_EARLY_EVERY = 12  # clips
TOLD_BACK_S = 7200.0  # what was missed longer ago is not told: the machine has slept, and nobody watched
TIMELESS_GRACE = 1.25  # of a cadence: without its publisher's word a clip may be a whole one older than its first sight
FAR_S = 2700.0  # so much older than the newest clip, a time is that of a clock; an hour is what clocks are set back by
CONTENTS_KEPT = 4  # a publisher of several servers gives old and new in turn
LONGEST_DOUBLING = 16

PASSED_OVER = ClipFault(
    status=Status.SKIPPED,
    reason="not fetched: when this camera was next asked, a newer clip had taken the place of the one that was due",
)

UNWATCHED = ClipFault(status=Status.SKIPPED, reason="not fetched: nobody watched this camera then")

Note = Callable[[str, CameraState, datetime, str | None], None]


class CameraWatch:
    """What is known of one camera's feed. Hold `lock` while something is told to it, and what it answers is used.

    While it is not `mine`, another process visits the camera: it is told nothing. A publisher that `keeps` its clips
    until they are fetched replaces none, and what it gives late is as old as it says.
    """

    def __init__(
        self,
        listed: ListedCamera,
        camera: Camera,
        config: CityConfig,
        note: Note,
        random: Random,
        *,
        mine: bool = True,
        keeps: bool = False,
    ) -> None:
        self.mine = mine
        self.listed = listed
        self.camera = camera
        self.version: Version | None = None
        self.lock = threading.Lock()
        self._config = config
        self._note = note
        self._random = random
        self._keeps = keeps
        self._cadence = Cadence(camera.cadence_s)
        self._told_cadence_s: float | None = None
        self._contents: deque[str] = deque(maxlen=CONTENTS_KEPT)
        self._promised: dict[str, datetime] = {}
        self._event_time: datetime | None = None
        self._told_time: datetime | None = None  # by the publisher, of what it gave last
        self._slot: datetime | None = None
        self._lag_s = math.inf
        self._arrivals = 0
        self._looked_at: datetime | None = None  # and found nothing new, since the newest clip
        self._found_at_once = False
        self._failures = 0
        self._failing_since: datetime | None = None
        self._fault: ClipFault | None = None  # why no visit has had an answer since the last one that had
        self._resumed_at: datetime | None = None

    def resume(self, known: Known, now: datetime) -> None:
        """Go on after a restart, or after another process: the clip that was counted last is not new."""
        self._resumed_at = now
        if known.content is not None:
            self._contents.append(known.content)
        self._event_time, self._slot = known.event_time, known.slot
        if self._keeps and known.slot is not None:  # what came meanwhile it still has
            self._slot = max(known.slot, now - timedelta(seconds=self.cadence_s))
        self._told_cadence_s = known.cadence_s
        self._promised = {promise.content: promise.event_time for promise in known.promised}
        self.version = None if known.etag is None else Version(known.etag)

    @property
    def event_time(self) -> datetime | None:
        """That of the newest clip; None before the first."""
        return self._event_time

    @property
    def known(self) -> Known | None:
        """The newest clip, for whoever goes on from here; None before the first."""
        if self._event_time is None or not self._contents:
            return None
        promised = tuple(Promise(event_time, content) for content, event_time in self._promised.items())
        return Known(
            self._event_time,
            self._contents[-1],
            etag=None if self.version is None else self.version.etag,
            promised=promised,
            slot=self._slot,
            cadence_s=self.learned_cadence_s,
        )

    @property
    def cadence_s(self) -> float:
        """Seconds from clip to clip, learned or assumed."""
        return self._cadence.seconds

    @property
    def learned_cadence_s(self) -> float | None:
        """The cadence to the nearest ten seconds, once it is learned here, or was by who had the camera before."""
        return max(10.0, round(self._cadence.seconds, -1)) if self._cadence.learned else self._told_cadence_s

    @property
    def awaited_at(self) -> datetime | None:
        """When the next clip is expected to be there. None before the first, and where asking for it is in vain."""
        if self._event_time is None or self._failures or math.isinf(self._lag_s):
            return None
        return self._event_time + timedelta(seconds=self.cadence_s + self._lag_s + SLACK_S)

    @property
    def overdue_at(self) -> datetime | None:
        """When the next clip is so late that the word of others that there is none is worth checking."""
        patience_s = (1 + GRACE) * self.cadence_s + self._lag + SLACK_S
        return None if self._slot is None else self._slot + timedelta(seconds=patience_s)

    def overdue(self, now: datetime) -> bool:
        """Whether that is so now. False before the first clip."""
        return self.overdue_at is not None and self.overdue_at <= now

    def arrived(self, media: Media, now: datetime) -> Iterator[ClipReady]:
        """The publisher has given something: a new clip, or bytes again that it gave before."""
        self._answered()
        filmed = self._believed(media)
        self._told_time = media.event_time
        self._found_at_once = filmed is None and self._looked_at is None
        self.version = media.version
        content = hashlib.sha256(media.content).hexdigest()[:32]
        if content in self._contents:
            yield from self._nothing_new(now)
            return
        event_time = self._promised.pop(content, None) or min(filmed or now, now)
        yield from self._passed_over(event_time, now, told=filmed is not None and filmed <= now)
        self._looked_at = self._fault = None
        self._contents.append(content)
        self._arrivals += 1
        if self._event_time is None or event_time > self._event_time:
            self._cadence.saw(event_time)
            self._event_time = event_time
            lag_s = (now - event_time).total_seconds()
            self._lag_s = min(self._lag_s + 1, lag_s)
        self._slot = max(event_time, self._slot or event_time)
        yield ClipReady(
            camera=self.camera.id,
            event_time=event_time,
            location=self.listed.location,
            etag=media.version.etag,
            content=content,
            size_bytes=len(media.content),
        )

    def unchanged(self, now: datetime) -> Iterator[ClipReady]:
        """The publisher says that the newest clip is the one that is known."""
        self._answered()
        self._fault = None
        yield from self._nothing_new(now)

    def denied(self, now: datetime) -> None:
        """The publisher's word for all its cameras says so. That one is missed, only the camera itself can say."""
        self._answered()
        self._fault = None
        if self._event_time is not None:
            self._looked_at = now
            self._slot = self._slot or self._began(now)

    def failed(self, error: FetchFailed, now: datetime) -> Iterator[ClipReady]:
        """The publisher did not answer, or not with a clip."""
        self._failures += not error.of_host
        self._failing_since = self._failing_since or now
        self._fault = ClipFault.of(error.status, str(error))
        withdrawn = error.status is Status.WITHDRAWN
        missed = list(self._missed(now, self._fault))
        if missed or self._failures >= LOST_AFTER:
            state = CameraState.WITHDRAWN if withdrawn else CameraState.UNREACHABLE
            self._note(self.camera.id, state, self._failing_since, str(error))
            self._cadence.gap()
        yield from missed

    def withdrawn(self, reason: str, now: datetime) -> Iterator[ClipReady]:
        """The publisher's list says that there are no pictures of this camera now."""
        self._failing_since = self._failing_since or now
        self._fault = ClipFault.of(Status.WITHDRAWN, reason)
        self._note(self.camera.id, CameraState.WITHDRAWN, self._failing_since, reason)
        self._cadence.gap()
        yield from self._missed(now, self._fault)

    def returned(self) -> None:
        """The publisher gives pictures of it again."""
        self._answered()

    def due(self, now: datetime, error: FetchFailed | None = None) -> datetime:
        """When to ask again: when the next clip is expected; soon, with growing pauses, where it is late or failed."""
        least_s = self._config.least_visit_s
        if error is not None and error.of_host:
            return now + timedelta(seconds=(error.retry_after_s or 0.0) + self._random.uniform(0, 2 * least_s))
        if error is not None:
            ceiling_s = min(least_s * 2.0 ** min(self._failures, LONGEST_DOUBLING), max(2 * self.cadence_s, least_s))
            return now + timedelta(seconds=max(self._random.uniform(0, ceiling_s), error.retry_after_s or 0.0, 1.0))
        soon_s = max(self.cadence_s / 8, least_s)
        if self._event_time is None:
            return now + timedelta(seconds=soon_s)
        expected_s = (self._event_time - now).total_seconds() + self.cadence_s + self._lag_s + SLACK_S
        if self._found_at_once:  # it may have been there for a while
            expected_s -= self.cadence_s / 8
        if not self._cadence.learned or self._cadence.doubted or self._arrivals % LOOK_EARLY_EVERY == 0:
            expected_s = min(expected_s, self.cadence_s / 4)  # or a pace faster than the one assumed would never show
        if expected_s > 0:
            return now + timedelta(seconds=max(expected_s, least_s))
        # The later it is, the less often: from an eighth of the cadence up to the whole of it.
        return now + timedelta(seconds=max(soon_s, min(-expected_s / 4, self.cadence_s)))

    def _answered(self) -> None:
        self._failures = 0
        self._failing_since = None

    @property
    def _lag(self) -> float:
        """How long after it was filmed a clip can be had, in seconds; at most a cadence, and 0 before any was."""
        return 0.0 if math.isinf(self._lag_s) else min(self._lag_s, self.cadence_s)

    def _believed(self, media: Media) -> datetime | None:
        """When it was filmed, as its publisher says; None where that is not the picture's time.

        Other bytes of the very same version and time show that. So does a time long before the newest clip, the second
        time in a row: a single one is an old clip, of two the clock was set back. When we have just begun the first
        does: what was fetched before is not there to be compared with.
        """
        filmed, before = media.event_time, self._told_time
        if filmed == before and _same_time(media.version, self.version):
            return None
        if filmed is None or self._event_time is None or self._keeps:
            return filmed
        latest = self._event_time - timedelta(seconds=FAR_S)
        return None if filmed < latest and (before is None or before < latest) else filmed

    def _nothing_new(self, now: datetime) -> Iterator[ClipReady]:
        self._looked_at = now
        if self._event_time is None:
            return
        reason = f"the feed answers, but with nothing newer than the clip of {self._event_time:%Y-%m-%d %H:%M:%S} UTC"
        missed = list(self._missed(now, ClipFault.of(Status.FROZEN, reason)))
        if (now - self._event_time).total_seconds() >= self._config.stale_after * self.cadence_s:
            self._note(self.camera.id, CameraState.STALE, self._event_time, reason)
            self._cadence.gap()
        yield from missed

    def _passed_over(self, event_time: datetime, now: datetime, *, told: bool) -> Iterator[ClipReady]:
        """The clips that nobody asked for between the last one and this one, told once; `told`: by its publisher.

        They are spread evenly, since over many of them a cadence that is a little off would miss their number.
        """
        if self._slot is None or self._keeps:
            return
        since = self._slot
        if self._looked_at is not None:
            since = max(since, self._looked_at - timedelta(seconds=self._lag + self.cadence_s))
        gap_s = (event_time - since).total_seconds()
        count = int(gap_s / self.cadence_s - (GRACE if told else TIMELESS_GRACE))
        if count < 1:
            return
        step_s = gap_s / (count + 1)
        told_back_s = TOLD_BACK_S - (now - event_time).total_seconds()
        for back in range(min(count, int(max(0.0, told_back_s) / step_s)), 0, -1):
            yield self._clip_of(event_time - timedelta(seconds=back * step_s), self._fault or PASSED_OVER)
        self._cadence.gap()

    def _missed(self, now: datetime, fault: ClipFault) -> Iterator[ClipReady]:
        """Every clip that was due since the last one, told once.

        Who has just come does not know how late this publisher is: the clip of now may be a whole cadence old.
        """
        cadence = timedelta(seconds=self.cadence_s)
        self._slot = self._slot or self._began(now)
        late_s = self.cadence_s if self._resumed_at is not None and math.isinf(self._lag_s) else self._lag
        patience = cadence + timedelta(seconds=late_s + max(GRACE * self.cadence_s, GRACE_S))
        self._slot = max(self._slot, now - timedelta(seconds=TOLD_BACK_S) - patience)
        while self._slot + patience <= now:
            self._slot += cadence
            yield self._clip_of(self._slot, fault)

    def _began(self, now: datetime) -> datetime:
        """The slot to begin with: nothing was watched before now."""
        before = now - timedelta(seconds=self.cadence_s)
        return max(self._event_time or before, before)

    def _clip_of(self, slot: datetime, fault: ClipFault) -> ClipReady:
        gone = self._resumed_at is not None and slot + timedelta(seconds=self.cadence_s) < self._resumed_at
        if gone and fault.status is not Status.FROZEN:  # which says that there was none
            fault = UNWATCHED
        return ClipReady(camera=self.camera.id, event_time=slot, location=self.listed.location, fault=fault)


def _same_time(version: Version, before: Version | None) -> bool:
    return before is not None and version.modified is not None and version.modified == before.modified
