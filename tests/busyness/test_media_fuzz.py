"""Sixty broken files and every kind of bomb: each is counted or has a reason, and the parent goes on.

`make bench-media-fuzz` does the same to ten thousand.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from busyness.jailed_counter import JailedCounter
from busyness.worker_jobs import WorkerSetup
from core.clock import SystemClock
from core.records import Camera, ClipReady, Status
from ingest.jail.limits import JailLimits
from tests.ingest import broken_media
from tests.ingest.broken_media import BOMBS, MUTATIONS, broken, synthetic_seeds

CAMERA = Camera(id="fuzz", name="fuzz", lat=0, lon=0)
LARGE = broken_media._large_frames  # seconds to make: the benchmark has it


class Given:
    content = b""

    def read(self, clip: ClipReady) -> bytes:
        return self.content


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return synthetic_seeds(tmp_path_factory.mktemp("seeds"))


@pytest.fixture(scope="module")
def given() -> Given:
    return Given()


@pytest.fixture(scope="module")
def counter(given: Given) -> Iterator[JailedCounter]:
    setup = WorkerSetup(model="lowres-2", frames_per_clip=2, jail=JailLimits(cpu_s=0.6))
    counter = JailedCounter(setup, given, SystemClock())
    yield counter
    counter.close()


def examined(counter: JailedCounter, given: Given, content: bytes) -> tuple[Status, str]:
    given.content = content
    clip = ClipReady(camera="fuzz", event_time=datetime(2026, 1, 1, tzinfo=UTC), location="fuzz.bin")
    (seen,) = counter.report(CAMERA, clip).observations
    return seen.status, seen.reason or ""


def test_every_seed_is_sound(counter: JailedCounter, given: Given, seeds: list[bytes]) -> None:
    """Otherwise its mutations would not get far. They show moving noise: whether that is a street is not asked here."""
    for content in seeds:
        status, reason = examined(counter, given, content)
        assert status in (Status.OK, Status.SMEARED, Status.BLURRED), reason


@pytest.mark.parametrize("block", range(6))
def test_broken_files_are_counted_or_have_a_reason(
    counter: JailedCounter, given: Given, seeds: list[bytes], block: int
) -> None:
    numbers = [number for number in range(12 * block, 12 * block + 12) if number % 8 != 7]
    for number in numbers:
        status, reason = examined(counter, given, broken(seeds, 2, number))
        assert status is Status.OK or reason, number


@pytest.mark.parametrize("bomb", [bomb for bomb in BOMBS if bomb is not LARGE], ids=lambda bomb: bomb.__name__)
def test_bombs_are_counted_or_have_a_reason(
    counter: JailedCounter, given: Given, seeds: list[bytes], bomb: broken_media.Mutation
) -> None:
    status, reason = examined(counter, given, bomb(random.Random(3), seeds))
    assert status is Status.OK or reason


def test_a_file_is_the_same_for_the_same_seed(tmp_path: Path, seeds: list[bytes]) -> None:
    assert [broken(seeds, 5, n) for n in (3, 11, 40)] == [broken(seeds, 5, n) for n in (3, 11, 40)]
    assert broken(seeds, 5, 3) != broken(seeds, 6, 3)
    assert len(MUTATIONS) > len(set(MUTATIONS)) > 8
