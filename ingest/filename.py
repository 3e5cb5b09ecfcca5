"""What a recorded clip's name says: which camera filmed it, and when; and how a name is said to people.

A pattern is the end of a file's path with fields in braces, such as `{camera}/{any}_{epoch_ms}.{suffix}`:

    {camera}    the camera's id                        {epoch_ms}  milliseconds since 1970-01-01 UTC
    {time}      2019-06-28_13-02-35.503 or             {epoch_s}   seconds since 1970-01-01 UTC
                20190628_130235, by the clocks         {any}       anything, not used
                of some time zone                      {suffix}    the suffix of a clip or still
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

MEDIA_SUFFIXES = ("mp4", "m4v", "mov", "mkv", "webm", "avi", "ts", "jpg", "jpeg", "png")

KNOWN_PATTERNS = (
    "{camera}/{any}_{epoch_ms}.{suffix}",
    "{camera}/{epoch_ms}.{suffix}",
    "{camera}/{time}.{suffix}",
    "{time}_{camera}.{suffix}",
    "{any}_{time}_{camera}.{suffix}",
)
"""Tried in this order where no pattern is configured."""

_FIELDS = {
    "camera": r"(?P<camera>[A-Za-z0-9][A-Za-z0-9._:-]*?)",
    "epoch_ms": r"(?P<epoch_ms>\d{12,13})",
    "epoch_s": r"(?P<epoch_s>\d{9,10})",
    "time": r"(?P<time>\d{4}-?\d{2}-?\d{2}[T_ -]\d{2}[-:.]?\d{2}(?:[-:.]?\d{2}(?:\.\d{1,6})?)?)",
    "any": r"[^/]*?",
    "suffix": f"(?i:{'|'.join(MEDIA_SUFFIXES)})",
}
_TIME_FIELDS = ("epoch_ms", "epoch_s", "time")
_PLAUSIBLE_YEARS = range(2000, 2100)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Named:
    """What a name says. `camera` is as written there; a `time` without an offset is local time of some zone."""

    camera: str
    time: datetime


class NamePattern:
    """One pattern, compiled. Raises `ValueError` for one that cannot tell camera and time."""

    def __init__(self, pattern: str) -> None:
        parts = re.split(r"\{(\w*)\}", pattern)
        names = parts[1::2]
        unknown = [name for name in names if name not in _FIELDS]
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in _FIELDS)
            raise ValueError(f"pattern {pattern!r} has the unknown field {{{unknown[0]}}}: known are {known}")
        if names.count("camera") != 1 or sum(names.count(name) for name in _TIME_FIELDS) != 1:
            raise ValueError(
                f"pattern {pattern!r} needs {{camera}} and one of {{epoch_ms}}, {{epoch_s}}, {{time}}, once each"
            )
        self.pattern = pattern
        self._regex = re.compile(
            r"(?:.*/)?" + "".join(_FIELDS[part] if at % 2 else re.escape(part) for at, part in enumerate(parts)) + r"\Z"
        )

    def match(self, path: str) -> Named | None:
        """Read a path with forward slashes; None where it does not fit, or its time is no plausible one."""
        found = self._regex.match(path)
        if found is None:
            return None
        time = _time(found.groupdict())
        if time is None or time.year not in _PLAUSIBLE_YEARS:
            return None
        return Named(camera=found["camera"], time=time)


def _time(fields: dict[str, str]) -> datetime | None:
    if "epoch_ms" in fields:
        return _EPOCH + timedelta(milliseconds=int(fields["epoch_ms"]))
    if "epoch_s" in fields:
        return _EPOCH + timedelta(seconds=int(fields["epoch_s"]))
    digits, _, fraction = re.sub(r"[T_ :-]", "", fields["time"]).partition(".")
    written = digits.ljust(14, "0") + "." + fraction.ljust(6, "0")
    try:
        return datetime.strptime(written, "%Y%m%d%H%M%S.%f")  # noqa: DTZ007 - local
    except ValueError:
        return None


def printable(path: Path | str) -> str:
    r"""The path as text for messages and JSON: bytes of it that are not UTF-8 are written as `\xff`.

    On Linux a file name is any bytes, which Python keeps as lone surrogates: those no terminal and no JSON can carry.
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")
