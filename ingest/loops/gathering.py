"""Readings while they are read: one for each counter, series and interval; and what was left out, with the reason."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError

from core.loops import LoopReading
from ingest.loop import LeftOut

LEFT_OUT_LIMIT = 1000
"""So many are kept one by one of what was left out; of the others it is said how many."""

_LONGEST_ID = 120
_Key = tuple[datetime, str, str, datetime]


class Gathering:
    """Where the rows of files and answers come together.

    A row that stands twice is one reading. Where two rows of one interval differ, the later one is the publisher's
    last word, and the earlier is left out.
    """

    def __init__(self) -> None:
        self._readings: dict[_Key, LoopReading] = {}
        self._places: dict[_Key, str] = {}
        self._left_out: list[LeftOut] = []
        self._more = 0

    def take(
        self,
        place: str,
        *,
        counter: str,
        series: str,
        start: datetime,
        end: datetime,
        flow: float | None,
        occupancy: float | None = None,
        reason: str | None = None,
    ) -> None:
        """A reading as `LoopReading` describes it; left out where it is none."""
        try:
            reading = LoopReading(
                counter=counter, series=series, start=start, end=end, flow=flow, occupancy=occupancy, reason=reason
            )
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            what = ".".join(str(part) for part in first["loc"])
            self.leave_out(place, f"{what} {first['msg']}".strip().removeprefix("Value error, "))
            return
        key = (start, counter, series, end)
        before = self._readings.get(key)
        if before is not None and before != reading:
            self.leave_out(self._places[key], f"{place} gives the same interval of {counter} with other figures")
        self._readings[key] = reading
        self._places[key] = place

    def leave_out(self, place: str, reason: str) -> None:
        """Something is no reading, and why."""
        if len(self._left_out) < LEFT_OUT_LIMIT:
            self._left_out.append(LeftOut(place, reason))
        else:
            self._more += 1

    def readings(self) -> tuple[LoopReading, ...]:
        """Oldest first, then by counter and series."""
        return tuple(self._readings[key] for key in sorted(self._readings))

    def left_out(self) -> Sequence[LeftOut]:
        """In the order it was met."""
        more = [LeftOut("further on", f"{self._more} more are left out")] if self._more else []
        return (*self._left_out, *more)


class CounterIds:
    """Ids for the names that publishers give their counters, whatever letters are in them; no two share one."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._names: dict[str, str] = {}

    def of(self, name: str) -> str:
        """`N00/002e1` becomes `N00:002e1`, `Itään päin` `Itaan-pain`. Raises `ValueError` where no id can be made."""
        plain = unicodedata.normalize("NFKD", name.strip()).encode("ascii", "ignore").decode()
        wanted = self._prefix + re.sub(r"[^A-Za-z0-9._:-]+", "-", plain.replace("/", ":")).strip("-:._")
        if wanted == self._prefix or len(wanted) > _LONGEST_ID:
            raise ValueError(f"{name[:80]!r} is no name of a counter: 1 to {_LONGEST_ID} letters and digits")
        known = self._names.setdefault(wanted, name)
        if known != name:
            raise ValueError(f"counters {known!r} and {name!r} would both be called {wanted}")
        return wanted


def figure(text: str | float | int | None, what: str) -> float | None:
    """A non-negative figure as publishers write it; None for an empty field. Raises `ValueError` for what is none."""
    if text is None or (isinstance(text, str) and not text.strip()):
        return None
    try:
        value = float(text)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} {str(text)[:40]!r} is no number") from None
    if isinstance(text, bool) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{what} {str(text)[:40]!r} is no number of what passed: it is 0 or more")
    return value
