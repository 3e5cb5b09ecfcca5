"""Recorded clips are published by the owners of their cameras: in order, all of them, and the same after any crash."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hand_clock import HandClock
from shared_city import Died, HandOwnership

from core.errors import BusError, StoreError
from core.records import Camera, ClipReady
from core.shelf import Document
from core.shelf_memory import MemoryShelf
from ingest.city.progress import Progress
from ingest.city.recorded import RecordedPublisher
from ingest.folder import FolderConfig, FolderSource
from ingest.synthetic import SyntheticConfig, SyntheticStreet

PLACES = 4
CAMERAS = [Camera(id=name, name=name, lat=51.5, lon=-0.1) for name in ("00001", "00002", "00003", "00004", "00005")]
NOON = datetime(2017, 3, 9, 12, 0, tzinfo=UTC)
CLIPS = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of five cameras, every third of which repeats the one before."""
    path = tmp_path_factory.mktemp("recorded")
    for camera in CAMERAS:
        (path / camera.id).mkdir()
        for number in range(CLIPS):
            millis = int((NOON + timedelta(minutes=4 * number)).timestamp() * 1000)
            content = f"{camera.id} {number - (number % 3 == 2)}"
            (path / camera.id / f"12_{millis}.mp4").write_text(content)
    return path


class Reached:
    """Shelf and bus as one process reaches them; `trouble` is asked at every act, before and after it."""

    def __init__(self, shelf: MemoryShelf, published: list[ClipReady], trouble: Callable[[], None]) -> None:
        self._shelf, self._published, self._trouble = shelf, published, trouble

    def names(self) -> list[str]:
        return self._shelf.names()

    def get(self, name: str) -> Document | None:
        self._trouble()
        return self._shelf.get(name)

    def put(self, name: str, text: str, *, version: int | None) -> int | None:
        self._trouble()
        kept = self._shelf.put(name, text, version=version)
        self._trouble()
        return kept

    def publish(self, _: object, clip: ClipReady) -> None:
        self._trouble()
        self._published.append(clip)

    def flush(self) -> None:
        self._trouble()


class Process:
    """One ingest process over the folder."""

    def __init__(
        self, folder: Path, shelf: MemoryShelf, published: list[ClipReady], trouble: Callable[[], None], at_once: int
    ) -> None:
        self.ownership = HandOwnership(PLACES)
        self.alive = True
        reached = Reached(shelf, published, trouble)
        source = FolderSource(FolderConfig(path=folder), CAMERAS)
        progress = Progress(reached, PLACES)  # type: ignore[arg-type]
        self._publisher = RecordedPublisher(source, reached, progress, self.ownership, at_once=at_once)  # type: ignore[arg-type]

    def step(self) -> int:
        try:
            return self._publisher.step()
        except (StoreError, BusError):
            return -1
        except Died:
            self.alive = False
            return -1


def alone(folder: Path) -> list[ClipReady]:
    """What one process without others gives."""
    return list(FolderSource(FolderConfig(path=folder), CAMERAS).clips())


@pytest.mark.parametrize("seed", range(12))
def test_every_clip_is_published_in_order_through_takeovers_and_deaths(folder: Path, seed: int) -> None:
    random, shelf, published = Random(seed), MemoryShelf(), []

    def trouble() -> None:
        chance = random.random()
        if chance < 0.02:
            raise Died
        if chance < 0.05:
            raise BusError("away") if random.random() < 0.5 else StoreError("away")

    def start() -> Process:
        return Process(folder, shelf, published, trouble, at_once=random.choice((1, 5)))

    processes = [start() for _ in range(3)]
    idle = 0
    while idle < 20:
        for place in range(PLACES):
            if random.random() < 0.05 or not any(place in one.ownership.held for one in processes):
                for one in processes:
                    one.ownership.held.discard(place)
                random.choice(processes).ownership.held.add(place)
        done = [one.step() for one in processes]
        processes = [one for one in processes if one.alive]
        processes += [start() for _ in range(3 - len(processes))]
        idle = idle + 1 if not any(done) else 0
    whole = alone(folder)
    assert {clip.model_dump_json() for clip in published} == {clip.model_dump_json() for clip in whole}, (
        "the same records"
    )
    for camera in CAMERAS:
        once = list(dict.fromkeys(clip.event_time for clip in published if clip.camera == camera.id))
        assert once == sorted(once)


def test_in_peace_every_clip_is_published_once(folder: Path) -> None:
    """Two processes; one leaves in order, and the other one takes up its cameras where it was."""
    shelf, published = MemoryShelf(), []
    first, second = (Process(folder, shelf, published, lambda: None, at_once=2) for _ in range(2))
    first.ownership.held |= {0, 1}
    second.ownership.held |= {2, 3}
    for _ in range(5):
        first.step()
        second.step()
    first.ownership.close()
    second.ownership.held |= {0, 1}
    first.step()
    while second.step():
        pass
    assert sorted(published, key=lambda clip: (clip.event_time, clip.camera)) == alone(folder)
    assert sum(clip.repeats is not None for clip in published) == len(CAMERAS) * CLIPS // 3


def test_rendered_clips_are_shared_as_well() -> None:
    """A street's clips follow from their times, so that all owners together give what one would."""
    config = SyntheticConfig(cameras=6, seed=3, days=0.05)
    shelf, published = MemoryShelf(), []
    clock = HandClock(config.start + timedelta(days=1))
    publishers = []
    for held in ({0, 2}, {1, 3}):
        reached = Reached(shelf, published, lambda: None)
        progress = Progress(reached, PLACES)  # type: ignore[arg-type]
        ownership = HandOwnership(PLACES, held)
        source = SyntheticStreet(config, clock)
        publishers.append(RecordedPublisher(source, reached, progress, ownership, at_once=1))  # type: ignore[arg-type]
    while sum(publisher.step() for publisher in publishers):
        pass
    whole = list(SyntheticStreet(config).clips())
    assert len(whole) > 30
    assert sorted(published, key=lambda clip: (clip.event_time, clip.camera)) == sorted(
        whole, key=lambda clip: (clip.event_time, clip.camera)
    )
