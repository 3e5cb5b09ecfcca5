"""What went over the bus, as a process counts it from its start; for metrics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Sent:
    """What was published to a topic. `records` are not durable yet while they are on their way."""

    topic: str
    records: int = 0
    bytes: int = 0


@dataclass
class Received:
    """What one subscription got. `refused` were put with the dead letters, by the worker or as poison.

    `shared` is how often the group shared its places anew, `lost` how often a place went with work in hand, `places`
    how many it has now, `lag` how many records wait in them; None until that is known.
    """

    topic: str
    group: str | None
    records: int = 0
    bytes: int = 0
    refused: int = 0
    commits: int = 0
    shared: int = 0
    lost: int = 0
    places: int = 0
    lag: int | None = None
