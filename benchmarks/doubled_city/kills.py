"""What became of each clip of a publisher that goes on publishing while parents are killed: its ledger and the store.

published ---- fetched whole ---- waits, is counted, is gathered ---- stored
                    |        killed here: in flight        |
                    +-- fetched again by the next parent, where it is published still; else a null says so
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from feed_double.accounts import Row, Span, longest
from feed_double.ledger import PublishedVersion, SeenRequest

Fetches = Mapping[tuple[str, int], Sequence[datetime]]
"""When a version, by camera and number, was given whole, oldest first."""

LONG_ENOUGH = timedelta(seconds=6)
"""On end that a ready parent could have a clip: then it is owed. What is new it asks every second."""

NEAR = timedelta(seconds=15)
"""From a kill to what is said of the clip that was in hand: it goes to a second worker, which has to start."""

OF_A_KILL = {"undecodable", "model_error"}
"""What is said of a sound clip whose worker was killed, and that of the one after it."""


@dataclass(frozen=True)
class InFlight:
    """A clip that a parent had fetched when it was killed, uncounted, and that was gone when the next one came."""

    version: PublishedVersion
    fetched_at: datetime
    killed_at: datetime

    @property
    def seconds(self) -> float:
        """From the fetch to the kill."""
        return (self.killed_at - self.fetched_at).total_seconds()


@dataclass(frozen=True)
class KillAccount:
    """The clips of a run, each in one of these, or stored and in none.

    `lost_alive`: a parent that lived could have it long enough, or had it, and there is no row. `in_flight`: gone with
    a parent that was killed. `replaced_while_down`: nobody had it, and its time fell into one without a parent.
    `fetched_again` are stored, and were fetched by one parent and, when that was killed, by another: where one could be
    counted twice.
    """

    clips: int
    lost_alive: tuple[PublishedVersion, ...]
    in_flight: tuple[InFlight, ...]
    replaced_while_down: tuple[PublishedVersion, ...]
    fetched_again: int

    @property
    def lost_a_kill(self) -> Counter[datetime]:
        """How many clips were lost with each parent, by the time of its kill."""
        return Counter(one.killed_at for one in self.in_flight)


def settle(
    stored: Iterable[str],
    versions: Iterable[PublishedVersion],
    fetches: Fetches,
    downs: Sequence[Span],
    now: datetime,
    *,
    in_flight_at_most: timedelta,
) -> KillAccount:
    """Settle the accounts of what was published since the first parent was ready, until `now`, when nothing is under
    way any more.

    `stored` are the contents that have a row, whatever it says. `downs` are the times without a parent that was ready:
    the first until the first parent was, each other one from a kill until the next parent was. What a parent has had
    for longer than `in_flight_at_most` it has lost by itself, whether it is killed then or not.
    """
    seen = set(stored)
    started, kills = downs[0][1], [killed for killed, _ in downs[1:]]
    clips = again = 0
    alive, in_flight, replaced = [], [], []
    for version in versions:
        end = version.replaced_at or now
        if not version.size or version.published_at < started:
            continue
        clips += 1
        fetched = fetches.get((version.camera, version.number), ())
        if version.content in seen:
            again += bool(fetched) and any(fetched[0] < kill < fetched[-1] for kill in kills)
        elif not fetched:
            owed = longest((version.published_at, end), downs) >= LONG_ENOUGH
            (alive if owed else replaced).append(version)
        else:
            killed = next((kill for kill in kills if kill > fetched[-1]), None)
            if (
                killed is None
                or killed - fetched[-1] > in_flight_at_most
                or longest((killed, end), downs) >= LONG_ENOUGH
            ):
                alive.append(version)
            else:
                in_flight.append(InFlight(version, fetched[-1], killed))
    return KillAccount(clips, tuple(alive), tuple(in_flight), tuple(replaced), again)


def untold(
    versions: Iterable[PublishedVersion], uncounted: Iterable[PublishedVersion], rows: Iterable[Row], cadence: timedelta
) -> tuple[tuple[PublishedVersion, ...], int]:
    """Of clips that nobody counted those in whose place no row says so, and how many nulls stand beside a count.

    A null stands for one clip of its camera: for one that is counted, where it is within a quarter of the cadence of
    it, else for an uncounted one within three quarters, for nulls are spread evenly over a gap.
    """
    rows = list(rows)
    nulls: dict[str, list[datetime]] = defaultdict(list)
    for camera, event_time in sorted({(row.camera, row.event_time) for row in rows if not row.content}):
        nulls[camera].append(event_time)

    def take(version: PublishedVersion, near: timedelta) -> bool:
        places = nulls[version.camera]
        place = next((at for at in places if abs(at - version.modified) <= near), None)
        if place is not None:
            places.remove(place)
        return place is not None

    counted = {row.content for row in rows if row.content}
    beside = sum(take(version, cadence / 4) for version in versions if version.content in counted)
    in_order = sorted(uncounted, key=lambda one: one.modified)
    return tuple(version for version in in_order if not take(version, cadence * 3 / 4)), beside


def fetches_of(
    requests: Iterable[SeenRequest], versions: Iterable[PublishedVersion]
) -> dict[tuple[str, int], list[datetime]]:
    """When each version was given, of those that were given whole at least once."""
    whole = {(version.camera, version.number) for version in versions if version.served}
    found: dict[tuple[str, int], list[datetime]] = defaultdict(list)
    for request in sorted(requests, key=lambda one: one.at):
        version = (request.camera, request.version)
        if version in whole and request.status == 200:
            found[version].append(request.at)
    return found


def in_hand(rows: Iterable[Row], kills: Sequence[datetime]) -> tuple[list[Row], list[Row]]:
    """Rows that say that their worker was killed: those near a kill, one for each, and the others."""
    left = sorted(kills)
    explained, others = [], []
    for row in sorted(rows, key=lambda one: one.counted_at):
        if row.content and row.status in OF_A_KILL:
            near = next((kill for kill in left if abs(row.counted_at - kill) <= NEAR), None)
            if near is not None:
                left.remove(near)
            (others if near is None else explained).append(row)
    return explained, others
