"""What a double is told: its publishers, their cameras, what goes wrong, and whose clock it goes by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from feed_double.faults import Fault
from feed_double.media import Album, albums

from core.clock import AcceleratedClock, Clock, SystemClock

PUBLISHED_LIMITS = {"tfl_api": 50.0, "digitraffic_api": 60.0, "digitraffic_images": 60.0}
"""Requests a minute that the publishers allow to strangers; with TfL's key, or a Digitraffic-User, one may ask more."""


@dataclass(frozen=True)
class Fleet:
    """The cameras of one publisher (`tfl`, `digitraffic` or `template`) and what they show.

    Each camera keeps to one album, that is to one view; `placeholders` are clips of the "in use" card. `positions` is
    a GeoJSON of real cameras (jamcams.geojson); what it does not hold is generated around `centre` (lat, lon).
    """

    publisher: str
    count: int
    cadence_s: float = 240.0
    jitter_s: float = 12.0
    clips: tuple[Album, ...] = ()
    stills: tuple[Album, ...] = ()
    placeholders: Album | None = None
    positions: Path | None = None
    centre: tuple[float, float] = (51.507, -0.128)

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Self:
        """From a configuration file, where recordings are paths."""
        fields = dict(line)
        for form in ("clips", "stills"):
            fields[form] = albums(fields.get(form, ()))
        if fields.get("placeholders"):
            fields["placeholders"] = albums([fields["placeholders"]])[0]
        if fields.get("positions"):
            fields["positions"] = Path(fields["positions"])
        return cls(**fields)


@dataclass(frozen=True)
class SharedClock:
    """A clock that another process reads too: `start`, plus `speedup` times the machine's time since `origin`.

    The same as `clock:` in the configuration of the system under test.
    """

    start: datetime
    speedup: float
    origin: datetime

    def open(self) -> Clock:
        return AcceleratedClock(self.start, self.speedup, origin=self.origin)

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Self:
        times = {name: datetime.fromisoformat(line[name]) for name in ("start", "origin")}
        return cls(speedup=line["speedup"], **times)

    def to_json(self) -> dict[str, Any]:
        return {"start": self.start.isoformat(), "speedup": self.speedup, "origin": self.origin.isoformat()}


@dataclass(frozen=True)
class DoubleConfig:
    """A whole double. `limits` are requests a minute by host; a host that is not named has none.

    `ports` and `addresses` are by host: an ephemeral port of 127.0.0.1 where nothing is said. `traps` are addresses
    that no client may be led to. With `hold_s` a clip stays until it was fetched, and so long after that.
    """

    fleets: tuple[Fleet, ...]
    faults: tuple[Fault, ...] = ()
    seed: int = 0
    limits: Mapping[str, float] = field(default_factory=lambda: dict(PUBLISHED_LIMITS))
    addresses: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    traps: tuple[str, ...] = ("127.0.0.2", "::1")
    hold_s: float | None = None
    clock: SharedClock | None = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a file of JSON with the names of the fields here."""
        fields = json.loads(path.read_text(encoding="utf-8"))
        fields["fleets"] = tuple(Fleet.from_json(line) for line in fields["fleets"])
        fields["faults"] = tuple(Fault.from_json(line) for line in fields.get("faults", ()))
        fields["traps"] = tuple(fields.get("traps", cls.traps))
        if clock := fields.get("clock"):
            fields["clock"] = SharedClock.from_json(clock)
        return cls(**fields)

    def open_clock(self) -> Clock:
        """The clock that the configuration shares with the system under test: the machine's own where it names none."""
        return self.clock.open() if self.clock else SystemClock()
