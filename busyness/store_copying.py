"""A store copied into another one, day by day, and held against it: what was copied before is not copied again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from aggregate.contents import Contents, Digest, Kept, digest, parts_of_day
from core.errors import StoreError

EVER = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
AT_ONCE = 20_000
"""Rows in memory at a time."""

_INTO_NOTHING = "copy into a store that holds nothing else"

Step = Callable[[str, int], None]
"""Told what is being done, and how many more rows are done."""


def in_silence(_what: str, _rows: int) -> None:
    """Nobody is told."""


@dataclass(frozen=True)
class Copied:
    """How many rows the stores have alike now, and how many of them had to be copied."""

    rows: Mapping[str, int]
    copied: int


def rows_to_copy(source: Contents) -> int:
    """How much `copy` has before it."""
    return sum(sum(source.days(kept).values()) for kept in Kept)


def copy(source: Contents, target: Contents, step: Step = in_silence) -> Copied:
    """Bring everything that `source` holds into `target`, and see that it is the same there.

    A day that is the same already is passed over, so a copy that was stopped goes on where it was. Of baselines, those
    of the model that was built last come along, for the others are not asked for. Raises `StoreError` where something
    differs in the end, or where the target has a day that the source has not, and then before anything is written.
    """
    days = {kept: (source.days(kept), target.days(kept)) for kept in Kept}
    for kept, (there, already) in days.items():
        if more := sorted(already.keys() - there.keys()):
            raise StoreError(f"the copy has {kept.value} of {more[0]}, the original has none", remedy=_INTO_NOTHING)
    target.save_cameras(source.cameras())
    target.save_counters(source.counters())
    rows: dict[str, int] = {}
    copied = 0
    for kept, (there, already) in days.items():
        rows[kept.value] = sum(there.values())
        for day, number in there.items():
            if already.get(day) != number or not _alike(source, target, kept, day, number):
                _copy_day(source, target, kept, day, number)
                if not _alike(source, target, kept, day, number):
                    copy_has = target.days(kept).get(day, 0)
                    raise StoreError(
                        f"the {kept.value} of {day} differ: {number} there, {copy_has} in the copy",
                        remedy=_INTO_NOTHING,
                    )
                copied += number
            step(kept.value, number)
    step("health", 0)
    rows["health events"] = _copy_health(source, target)
    step("baselines", 0)
    rows["baselines"] = _copy_baselines(source, target)
    _expect("cameras", source.cameras(), target.cameras())
    return Copied(rows, copied)


def digest_of_day(store: Contents, kept: Kept, day: date, rows: int) -> Digest:
    """Of all rows of a day, of which there are about so many, a part of it in memory at a time."""
    return sum((digest(store, kept, *part) for part in parts_of_day(day, rows, AT_ONCE)), Digest())


def _alike(source: Contents, target: Contents, kept: Kept, day: date, rows: int) -> bool:
    return digest_of_day(source, kept, day, rows) == digest_of_day(target, kept, day, rows)


def _copy_day(source: Contents, target: Contents, kept: Kept, day: date, rows: int) -> None:
    for start, end in parts_of_day(day, rows, AT_ONCE):
        if kept is Kept.OBSERVATIONS:
            target.upsert_observations(source.observed(start, end))
        elif kept is Kept.LOOPS:
            target.save_loops(source.loops(start, end).records())
        elif kept.window is not None:
            readings = source.revised(kept.window, start, end)
            with target.transaction():
                for revision in np.unique(readings.revision):  # a later one supersedes those that are there
                    target.save_readings(readings.take(readings.revision == revision))


def _copy_health(source: Contents, target: Contents) -> int:
    events = source.health(*EVER)
    if events != target.health(*EVER):
        for first in range(0, len(events), AT_ONCE):
            target.save_health(events[first : first + AT_ONCE])
        _expect("health events", events, target.health(*EVER))
    return len(events)


def _copy_baselines(source: Contents, target: Contents) -> int:
    rows = 0
    for reference in source.references():
        baselines = source.baselines(reference, since=EVER[0])
        target.save_baselines(baselines)
        found = target.baselines(reference, since=EVER[0])
        same = len(found) == len(baselines) and found.parameters.tobytes() == baselines.parameters.tobytes()
        _expect(f"baselines of {reference!r}", [True], [same])
        rows += len(baselines)
    return rows


def _expect(what: str, source: object, target: object) -> None:
    if source != target:
        raise StoreError(f"the {what} differ", remedy=_INTO_NOTHING)
