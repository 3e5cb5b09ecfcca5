"""Files on this machine that hold readings: one, or a folder of them that grows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.errors import SourceError
from ingest.feed import FetchFailed
from ingest.loop import LeftOut

MAX_BYTES = 16 << 20
"""The largest file that is read at once: a hundred thousand rows of minutes."""


@dataclass(frozen=True)
class Sheet:
    """A file of rows as it was published. `written_at` is when, where that is known; `place` is for people."""

    place: str
    content: bytes
    written_at: datetime | None


@dataclass(frozen=True)
class Row:
    """The fields of one line; `place` names the file and the line."""

    place: str
    fields: Sequence[str]


def rows_of(sheet: Sheet, *, delimiter: str = ",", encoding: str = "utf-8-sig") -> Iterator[Row | LeftOut]:
    """The lines of a sheet that are not empty, fields stripped; or that it is no CSV, or not in this encoding."""
    try:
        text = sheet.content.decode(encoding)
    except UnicodeDecodeError as error:
        yield LeftOut(sheet.place, f"is not {encoding} at byte {error.start}: set the encoding, or ask the publisher")
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    while True:
        try:
            fields = next(reader, None)
        except csv.Error as error:
            yield LeftOut(f"{sheet.place}, line {reader.line_num}", f"is no CSV: {error}")
            continue
        if fields is None:
            return
        if any(field.strip() for field in fields):
            yield Row(f"{sheet.place}, line {reader.line_num}", [field.strip() for field in fields])


class Shelf:
    """The file `path`, or the files in that folder that fit `pattern`: each that is new or changed."""

    def __init__(self, path: Path, pattern: str = "*.csv", *, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._pattern = pattern
        self._max_bytes = max_bytes
        self._seen: dict[Path, tuple[int, int]] = {}
        self._offered: dict[Path, tuple[int, int]] = {}

    def changed(self) -> Iterator[Sheet | LeftOut]:
        """By name, so that names which begin with the date come oldest first. Raises `FetchFailed`."""
        self._offered = {}
        try:
            folder = self._path.is_dir()
            files = sorted(self._path.rglob(self._pattern)) if folder else [self._path]
            missing = not folder and not self._path.exists()
        except OSError as error:
            raise FetchFailed(f"{self._path} cannot be looked at: {error.strerror}") from error
        if missing:
            raise FetchFailed(f"there is no {self._path}", remedy="Set `path` to the file or folder of the readings")
        for file in files:
            place = file.relative_to(self._path).as_posix() if folder else file.name
            try:
                about = file.stat()
                if self._seen.get(file) == (about.st_mtime_ns, about.st_size) or not file.is_file():
                    continue
                if about.st_size > self._max_bytes:
                    yield LeftOut(place, f"has {about.st_size} bytes, over the limit of {self._max_bytes}: split it")
                else:
                    written_at = datetime.fromtimestamp(about.st_mtime, UTC)
                    yield Sheet(place, file.read_bytes(), written_at)
                self._offered[file] = (about.st_mtime_ns, about.st_size)
            except OSError as error:
                yield LeftOut(place, f"cannot be read: {error.strerror}")

    def handed_over(self) -> None:
        """What `changed` gave is not given again, unless it changes."""
        self._seen |= self._offered

    def forget(self) -> None:
        """Every file is given again."""
        self._seen, self._offered = {}, {}


def require_one(**given: object) -> None:
    """Of several ways to say where readings are, exactly one is given. Raises `ValueError`."""
    if sum(value is not None for value in given.values()) != 1:
        raise ValueError(f"give one of {', '.join(given)}")


def read_table(path: Path) -> Sheet:
    """A table of the operator's own. Raises `SourceError`."""
    try:
        return Sheet(path.name, path.read_bytes(), None)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}", remedy="Check the path in the config") from error
