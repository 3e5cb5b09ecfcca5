"""Ingest processes, as an operator starts them but in one process, over doubled TfL cameras on loopback."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from feed_double.config import DoubleConfig, Fleet, SharedClock
from feed_double.double import FeedDouble
from feed_double.media import Album
from prometheus_client import CollectorRegistry

from aggregate.duckdb_store import DuckDBStore
from busyness.cluster.ingesting import Ingesting, Shared
from busyness.cluster.source_names import SourceNames
from busyness.cluster.worker import Stopped, Worker
from busyness.config import Config, WorkerConfig, load_config
from busyness.wiring import open_clock
from core.bus import CLIPS, HEALTH, MemoryBus
from core.ownership import place_of
from core.records import ClipReady
from core.shelf_memory import MemoryShelf
from ingest.borrowing import Borrower
from ingest.lending.config import LendingConfig

pytestmark = pytest.mark.slow

SPEEDUP = 30.0
START = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
CADENCE_S = 60.0
CAMERAS = 12
PLACES = 4
PATIENCE_S = 30.0


@pytest.fixture
def double() -> Iterator[FeedDouble]:
    """A dozen cameras with a still a minute; what is in it nobody looks at here, so each has other bytes."""
    clock = SharedClock(START, SPEEDUP, datetime.now(UTC))
    pictures = tuple(b"\xff\xd8\xff\xe0" + hashlib.sha256(b"%d" % number).digest() * 400 for number in range(3))
    fleet = Fleet("tfl", CAMERAS, cadence_s=CADENCE_S, jitter_s=3.0, stills=(Album(pictures),))
    config = DoubleConfig((fleet,), seed=5, clock=clock, limits={})
    with FeedDouble(config, config.open_clock()) as running:
        yield running


@pytest.fixture
def town(double: FeedDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("BUSYNESS_LEND_TOKEN", "a-secret-of-this-cluster")
    shared, bucket = double.config.clock, double.addresses["tfl_bucket"]
    assert shared is not None
    path = tmp_path / "town.yaml"
    path.write_text(
        f"""name: a doubled town
sources:
  - kind: tfl_jamcam
    media: still
    cadence_s: 60
    api: {double.addresses["tfl_api"]}
    api_requests_per_minute: 600
    bucket: {bucket}/jamcams.tfl.gov.uk/
    web:
      hosts: ["{bucket.removeprefix("http://")}"]
      private_networks: ["127.0.0.1/32"]
      requests_per_minute: 6000
clock: {{speedup: {SPEEDUP}, start: {START.isoformat()}, origin: {shared.origin.isoformat()}}}
ingest: {{list_every_s: 60, newest_every_s: 10, least_visit_s: 5, threads: 4, lend: {{port: 0}}}}
""",
        encoding="utf-8",
    )
    return load_config(path)


@dataclass
class Group:
    """Whose places are whose, told to all at once as a broker does."""

    owner: dict[int, int] = field(default_factory=dict)

    def of(self, number: int) -> Any:
        owned = lambda: frozenset(place for place, owner in self.owner.items() if owner == number)  # noqa: E731
        return SimpleNamespace(places=PLACES, owned=owned, close=lambda: None)


class Process:
    """One ingest process: its loops run in threads, and it ends in order, or as if it had been killed."""

    def __init__(self, number: int, config: Config, cluster: Cluster) -> None:
        self.opened, self.number = ExitStack(), number
        self.worker = self.opened.enter_context(Worker("ingest", WorkerConfig(port=None), CollectorRegistry()))
        shared = Shared(
            cluster.bus, cluster.store, cluster.group.of(number), cluster.progress, SourceNames(MemoryShelf())
        )
        self.ingesting = Ingesting(
            config, open_clock(config), shared, registry=CollectorRegistry(), worker=self.worker, opened=self.opened
        )
        self._thread = threading.Thread(target=self.worker.run_until_stopped, daemon=True)
        self._thread.start()

    def end(self) -> float:
        began = time.monotonic()
        self.worker.stop()
        self._thread.join(15)
        assert not self._thread.is_alive()
        self.opened.close()
        return time.monotonic() - began


class Cluster:
    """What the processes share, and a worker that borrows each clip as it comes."""

    def __init__(self, config: Config) -> None:
        self.bus, self.progress, self.group = MemoryBus(100_000), MemoryShelf(), Group()
        self.store = DuckDBStore.open(None)
        self.clips: list[tuple[ClipReady, bytes | str]] = []
        self._config = config
        self._stopping = threading.Event()
        self._borrower = Borrower(LendingConfig(port=0, borrow_timeout_s=2), 1 << 20)
        self.notes = self.bus.subscribe(HEALTH, group="health")
        self._thread = threading.Thread(target=self._borrow, daemon=True)
        self._thread.start()
        self.processes: list[Process] = []

    def start(self, *places: int) -> Process:
        process = Process(len(self.processes), self._config, self)
        self.group.owner |= dict.fromkeys(places, process.number)
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in self.processes:
            process.worker.stop()
            process.opened.close()
        self._stopping.set()
        self._thread.join(5)
        self._borrower.close()
        self.store.close()

    @property
    def borrowed(self) -> list[ClipReady]:
        return [clip for clip, content in self.clips if isinstance(content, bytes)]

    def _borrow(self) -> None:
        taken = self.bus.subscribe(CLIPS, group="detect")
        while not self._stopping.is_set():
            for clip in taken.poll(10, 0.1):
                try:
                    self.clips.append((clip, b"" if clip.fault else self._borrower.read(clip)))
                except Exception as error:
                    self.clips.append((clip, str(error)))


@pytest.fixture
def cluster(town: Config) -> Iterator[Cluster]:
    cluster = Cluster(town)
    yield cluster
    cluster.close()


def until(done: Callable[[], bool], what: Callable[[], object]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < ends, what()
        time.sleep(0.02)


def test_two_share_a_city_and_one_goes_on_alone(cluster: Cluster, double: FeedDouble) -> None:
    """Nothing is fetched twice while both live, nor when one of them leaves; each camera is its owner's alone."""
    first, second = cluster.start(0, 1), cluster.start(2, 3)
    until(lambda: len(cluster.borrowed) >= 3 * CAMERAS, lambda: Counter(str(c)[:80] for _, c in cluster.clips))
    by_address = {
        process.number: {clip.camera for clip, _ in cluster.clips if f":{port_of(process)}/" in clip.location}
        for process in (first, second)
    }
    for process, places in ((first, {0, 1}), (second, {2, 3})):
        assert {place_of(camera, PLACES) for camera in by_address[process.number]} <= places
    assert sum(map(len, by_address.values())) == CAMERAS
    assert {camera.id for camera in cluster.store.cameras()} >= set().union(*by_address.values())
    seconds = second.end()
    assert seconds < 10
    left = len(cluster.clips)
    cluster.group.owner = dict.fromkeys(range(PLACES), first.number)
    until(
        lambda: len({clip.camera for clip, _ in cluster.clips[left:]}) == CAMERAS,
        lambda: Counter(clip.camera for clip, _ in cluster.clips[left:]),
    )
    assert [content for _, content in cluster.clips if isinstance(content, str)] == []
    twice = [version for version in double.ledger.versions if version.served > 1]
    assert len(twice) <= CAMERAS // 2, "but for what the second one had fetched and not yet published when it left"
    identities = [CLIPS.identity(clip) for clip, _ in cluster.clips]
    assert len(identities) == len(set(identities)), "and nothing is published twice"


def test_when_one_dies_the_other_one_brings_what_nobody_has_got(cluster: Cluster, double: FeedDouble) -> None:
    """What it had published, and no worker had borrowed, is fetched and lent again as the same clip."""
    first, second = cluster.start(0, 1), cluster.start(2, 3)
    until(lambda: len(cluster.borrowed) >= 2 * CAMERAS, lambda: Counter(str(c)[:80] for _, c in cluster.clips))
    died = len(cluster.clips)
    kill(second)
    cluster.group.owner = dict.fromkeys(range(PLACES), first.number)
    until(
        lambda: len({clip.camera for clip, _ in cluster.clips[died:]}) == CAMERAS,
        lambda: Counter(clip.camera for clip, _ in cluster.clips[died:]),
    )
    time.sleep(2 * CADENCE_S / SPEEDUP)
    got: dict[tuple[str, str | None], set[datetime]] = {}
    for clip in cluster.borrowed:
        if clip.fault is None:
            got.setdefault((clip.camera, clip.content), set()).add(clip.event_time)
    assert all(len(times) == 1 for times in got.values()), "the same clip has the same time, whoever lends it"
    now = double.clock.now()
    shown = {
        version.content
        for version in double.ledger.versions
        if version.replaced_at is not None and (now - version.replaced_at).total_seconds() > 10
        if (version.published_at - START).total_seconds() > 2 * CADENCE_S
    }
    missing = shown - {content for _, content in got}
    assert missing == set(), f"{len(missing)} of {len(shown)} clips reached no worker"


def port_of(process: Process) -> str:
    lender = process.ingesting.lender
    assert lender is not None
    return lender.address.rsplit(":", 1)[1]


def kill(process: Process) -> None:
    """Its threads do nothing any more, and it lends nothing."""
    city, lender = process.ingesting.city, process.ingesting.lender
    assert city is not None
    assert lender is not None

    def dead() -> bool:
        process.worker.stopping.wait()
        raise Stopped

    city.look = dead  # type: ignore[method-assign]
    for runner in city.runners:
        runner.end()
    lender.__exit__()
