"""Recorded and rendered clips onto the bus of a cluster: references, which every worker can follow by itself.

Each camera's clips are published by its owner in the order of their times, and go on after the last one that is kept on
the shelf. A crash between publishing and keeping has the same records published again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Protocol

from core.bus import CLIPS, Bus
from core.ownership import Ownership, place_of
from core.records import ClipReady
from ingest.city.progress import Progress
from ingest.known import Known


class RecordedClips(Protocol):
    """A source whose clips are there already, in an order that is always the same."""

    def clips_after(self, known: Mapping[str, Known], wanted: Callable[[str], bool]) -> Iterator[ClipReady]:
        """Clips in event-time order per camera, of the wanted cameras, later than what is known; may wait for one."""
        ...


class RecordedPublisher:
    """Publishes the clips of the cameras that are ours. `step` is called by one thread, again and again.

    `at_once` is how many are published together: one, where a source gives them as they fall due. `on_share` is told
    which part of all places is ours whenever that changes, `on_published` how many more clips are on the bus.
    """

    def __init__(
        self,
        source: RecordedClips,
        bus: Bus,
        progress: Progress,
        ownership: Ownership,
        *,
        at_once: int,
        on_share: Callable[[float], None] = lambda _: None,
        on_published: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._bus = bus
        self._progress = progress
        self._ownership = ownership
        self._at_once = at_once
        self._on_share = on_share
        self._on_published = on_published
        self._owned: frozenset[int] = frozenset()
        self._clips: Iterator[ClipReady] = iter(())
        self._hand: list[ClipReady] = []

    @property
    def owned(self) -> frozenset[int]:
        """The places whose cameras' clips are published."""
        return self._owned

    def step(self) -> int:
        """Publish the next clips; returns how many, 0 where there are no more for now.

        Raises `BusError` and `StoreError`: what was in hand then is in hand still, for the next call.
        """
        self._look()
        if not self._hand:
            self._hand = list(islice(self._clips, self._at_once))
        if self._ownership.owned() != self._owned:  # it may have changed while a clip was waited for
            self._look()
        for clip in self._hand:
            self._bus.publish(CLIPS, clip)
        if self._hand:
            self._bus.flush()
        published = len(self._hand)
        self._on_published(published)
        self._progress.done(self._hand)
        self._hand = []
        lost = self._progress.keep()
        if lost:
            self._begin(self._owned - lost)
        return published

    def mine(self, camera: str) -> bool:
        """Whether this process publishes this camera's clips."""
        return place_of(camera, self._ownership.places) in self._owned

    def _look(self) -> None:
        owned = self._ownership.owned()
        lost, gained = self._owned - owned, owned - self._owned
        if lost:
            self._progress.drop(lost)
            self._begin(self._owned - lost)
        if gained:
            self._progress.take(gained)
            self._begin(self._owned | gained)

    def _begin(self, owned: frozenset[int]) -> None:
        """Go on with these places: after what is known of each of their cameras."""
        self._owned = owned
        self._on_share(len(owned) / self._ownership.places)
        self._hand = [clip for clip in self._hand if self.mine(clip.camera)]
        in_hand = {clip.camera: Known(clip.event_time, clip.content, clip.repeats) for clip in self._hand}
        self._clips = self._source.clips_after(self._progress.known() | in_hand, self.mine)
