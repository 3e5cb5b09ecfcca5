"""The columns of a CSV file, plain, compressed or alone in a zip, as text: what they mean is judged elsewhere."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from core.errors import SourceError

SEPARATORS = ",;\t|"
ENCODINGS = ("utf-8-sig", "cp1252")
SNIFFED = 64 * 1024
MOST_BYTES = 4 << 30
"""Of a file once it is unpacked."""


def read_columns(path: Path, names: Sequence[str]) -> pd.DataFrame:
    """These columns of a file, by the names that were asked for, every cell as text; an empty one is missing.

    Names are told apart without regard to case and blanks where that is unambiguous. Raises `SourceError`.
    """
    member = _only_member(path) if zipfile.is_zipfile(path) else None
    error: UnicodeDecodeError | None = None
    for encoding in ENCODINGS:
        try:
            return _read(path, member, encoding, list(dict.fromkeys(names)))
        except UnicodeDecodeError as undecodable:
            error = undecodable
        except (OSError, EOFError, zipfile.BadZipFile, csv.Error, pd.errors.ParserError) as unreadable:
            raise SourceError(
                f"{path} cannot be read: {str(unreadable).strip()}", remedy="it has to be a CSV file, perhaps zipped"
            ) from unreadable
    raise SourceError(f"{path} is no text: {error}", remedy="export it as CSV in UTF-8")


def _only_member(path: Path) -> str:
    """The one table in a zip."""
    with zipfile.ZipFile(path) as packed:
        tables = [one for one in packed.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX")]
    if len(tables) != 1:
        names = ", ".join(one.filename for one in tables[:5]) or "nothing"
        raise SourceError(f"{path} holds {len(tables)} files ({names})", remedy="unpack it and name one of them")
    if tables[0].file_size > MOST_BYTES:
        raise SourceError(f"{tables[0].filename} in {path} is too large", remedy="split it, by sensor for instance")
    return tables[0].filename


def _read(path: Path, member: str | None, encoding: str, names: list[str]) -> pd.DataFrame:
    with _opened(path, member, encoding) as lines:
        head = lines.read(SNIFFED)
    first = head.partition("\n")[0].strip()
    if not first:
        raise SourceError(f"{path} is empty", remedy="its first line names the columns")
    separator = max(SEPARATORS, key=first.count)
    header = next(csv.reader([first], delimiter=separator))
    places = [_place(name, header, path) for name in names]
    with _opened(path, member, encoding) as lines:
        table = pd.read_csv(
            lines, sep=separator, usecols=places, dtype=str, keep_default_na=False, skipinitialspace=True,
            index_col=False,
        )  # fmt: skip
    table = table.iloc[:, np.argsort(np.argsort(places))]
    table.columns = pd.Index(names)
    for name in names:
        table[name] = table[name].fillna("").str.strip()
    return table


def _opened(path: Path, member: str | None, encoding: str) -> io.TextIOWrapper:
    if member is not None:
        # The archive closes with its member: nothing else is read of it.
        return io.TextIOWrapper(zipfile.ZipFile(path).open(member), encoding=encoding, newline="")
    if path.suffix == ".gz":
        import gzip  # noqa: PLC0415 - for such a file alone

        return io.TextIOWrapper(gzip.open(path), encoding=encoding, newline="")
    return io.TextIOWrapper(path.open("rb"), encoding=encoding, newline="")


def _place(name: str, header: Sequence[str], path: Path) -> int:
    """Where the column of a file is that was meant."""
    exact = [at for at, column in enumerate(header) if column == name]
    alike = exact or [at for at, column in enumerate(header) if column.strip().casefold() == name.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    near = get_close_matches(name, header, n=1)
    raise SourceError(
        f"{path} has no column {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
        remedy=f"its columns are: {', '.join(header)}",
    )
