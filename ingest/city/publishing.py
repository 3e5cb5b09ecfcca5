"""From a city's waiting room onto the bus of a cluster, each clip with the address at which its bytes are lent.

    waiting room --take--> lend --> promise, keep --> publish, flush --> ... fetched by a worker --> done, keep

Whatever is away meanwhile, the bus or the shelf: what is in hand stays in hand, and nothing more is taken; then the
waiting room fills, and skips what is too old. Whatever is lost meanwhile, the cameras of a place: what is in hand of
them is let go before it is published, and their next owner finds it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from core.bus import CLIPS, HEALTH, Bus
from core.health import HealthEvent
from core.records import Camera, ClipReady
from ingest.city.progress import Progress
from ingest.city.source import CitySource
from ingest.lending.loans import Loans

BATCH = 32
MOST_NOTES = 20_000


class CityPublisher:
    """Publishes what a city finds. `step` is called by one thread, again and again; `note` by any."""

    def __init__(
        self,
        city: CitySource,
        bus: Bus,
        progress: Progress,
        loans: Loans,
        location: Callable[[str], str],
        *,
        on_published: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`location` gives the address at which the bytes of a hash are lent."""
        self._city = city
        self._bus = bus
        self._progress = progress
        self._loans = loans
        self._location = location
        self._on_published = on_published
        self._hand: list[ClipReady] = []
        self._notes: deque[HealthEvent] = deque(maxlen=MOST_NOTES)

    def note(self, event: HealthEvent) -> None:
        """What a feed says of a camera: it is published with the clips."""
        self._notes.append(event)

    def tell_paces(self, cameras: Sequence[Camera]) -> None:
        """How fast our cameras are: kept with their progress, for their next owner and for whoever saves all."""
        self._progress.tell_paces({one.id: one.cadence_s for one in cameras if self._city.mine(one.id)})

    def step(self, timeout_s: float) -> int:
        """Publish what is there, waiting at most `timeout_s` for it; returns how many clips and faults.

        Raises `BusError` and `StoreError`: what was in hand then is in hand still, for the next call.
        """
        try:
            if not self._city.look():
                return 0
        finally:  # what was lost in it may be ours again at the next
            self._let_go()
        self._progress.done(self._loans.reached())
        if not self._hand:
            self._hand = self._taken(timeout_s)
        published = self._publish()
        self._settle()
        return published

    def finish(self) -> int:
        """Publish what is in hand, and take nothing more. Raises as `step` does."""
        published = self._publish()
        self._settle()
        return published

    def settle(self) -> bool:
        """Keep what workers have fetched meanwhile; returns whether they have fetched all. Raises `StoreError`."""
        self._progress.done(self._loans.reached())
        self._settle()
        return self._loans.waiting == 0

    def _taken(self, timeout_s: float) -> list[ClipReady]:
        """Faults, and as many clips as may be lent."""
        taken: list[ClipReady] = []
        while len(taken) < BATCH:
            wait_s = 0.0 if taken or self._notes else timeout_s
            clip = self._city.waiting.take(wait_s, only_faults=not self._loans.room)
            if clip is None:
                break
            if clip.fault is None and clip.content is not None:
                self._loans.lend(clip, self._city.read(clip))
            taken.append(clip)
        return taken

    def _publish(self) -> int:
        self._progress.promise(self._hand)
        self._settle()
        self._let_go()
        notes = list(self._notes)
        for event in notes:
            self._bus.publish(HEALTH, event)
        for clip in self._hand:
            self._bus.publish(CLIPS, self._lent(clip))
        if self._hand or notes:
            self._bus.flush()
        for _ in notes:
            self._notes.popleft()
        for clip in self._hand:
            if clip.fault is None:
                self._city.health.forget(clip.camera)
        published, self._hand = len(self._hand), []
        self._on_published(published)
        return published

    def _lent(self, clip: ClipReady) -> ClipReady:
        if clip.fault is not None or clip.content is None:
            return clip
        return clip.model_copy(update={"location": self._location(clip.content)})

    def _let_go(self) -> None:
        """Of what is in hand of other processes' cameras."""
        for clip in self._hand:
            if not self._city.mine(clip.camera):
                self._loans.withdraw(clip)
        self._hand = [clip for clip in self._hand if self._city.mine(clip.camera)]

    def _settle(self) -> None:
        lost = self._progress.keep()
        if lost:
            self._city.lose(lost)
