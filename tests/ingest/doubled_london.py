"""A doubled London for tests: its clips, a double of a few cameras on a clock of the test, and questions to it."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from feed_double.config import DoubleConfig, Fleet
from feed_double.double import FeedDouble
from feed_double.faults import Fault, FaultKind
from feed_double.media import Album
from hand_clock import HandClock

START = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
CLIP = (
    struct.pack(">I4s4s", 16, b"ftyp", b"isom") + bytes(4) + struct.pack(">I4s", 4008, b"mdat") + bytes(range(250)) * 16
)
OTHER = CLIP.replace(bytes(range(250)), bytes(reversed(range(250))))
CARD = CLIP[:2000]
S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"
BUCKET = "/jamcams.tfl.gov.uk"


def tfl(count: int = 4, **settings: Any) -> Fleet:
    albums = {"clips": (Album((CLIP, CLIP[:-8])), Album((OTHER, OTHER[:-8]))), "placeholders": Album((CARD,))}
    return Fleet("tfl", count, **{"cadence_s": 240, "jitter_s": 10, **albums, **settings})


@contextmanager
def doubles(clock: HandClock) -> Iterator[Callable[..., FeedDouble]]:
    """Starts doubles; ends them all at the end."""
    with ExitStack() as running:

        def start(*faults: Fault, fleet: Fleet | None = None, **settings: Any) -> FeedDouble:
            config = DoubleConfig((fleet or tfl(),), faults, seed=7, **settings)
            return running.enter_context(FeedDouble(config, clock))

        yield start


def get(double: FeedDouble, host: str, path: str, **headers: str) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=5) as client:
        return client.get(double.addresses[host] + path, headers={k.replace("_", "-"): v for k, v in headers.items()})


def clip_of(double: FeedDouble, index: int = 0, **headers: str) -> httpx.Response:
    return get(double, "tfl_bucket", f"{BUCKET}/{double.cameras['tfl'][index].id}.mp4", **headers)


def first_noted(double: FeedDouble) -> httpx.Response:
    """The first clip of the first camera, once the double has noted that it went out, which comes a little later."""
    clip = clip_of(double)
    deadline = time.monotonic() + 10
    while not any(version.served for version in double.ledger.versions):
        assert time.monotonic() < deadline, "it never noted it"
        time.sleep(0.001)
    return clip


def always(kind: FaultKind, double_index: int = 0, **parameters: Any) -> Fault:
    return Fault(kind, (f"00009.{double_index:05d}",), parameters=parameters)
