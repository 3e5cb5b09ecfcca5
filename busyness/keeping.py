"""Where an installation keeps what outlives its processes: the store, and the shelves of small documents beside it.

store: kind: duckdb, path: london.duckdb      london.duckdb    london.views/  london.calibrations/  ...
store: kind: duckdb                           in memory        in memory
store: kind: postgres                         the database     its table `shelves`
"""

from __future__ import annotations

from pathlib import Path

from aggregate.contents import Contents
from aggregate.duckdb_store import DuckDBStore
from busyness.config import Config, DuckDBConfig
from core.shelf import Shelf
from core.shelf_folder import FolderShelf
from core.shelf_memory import MemoryShelf


def open_store(config: Config, *, read_only: bool = False) -> Contents:
    """The store that the configuration names; its folder is made where it is missing. Raises `StoreError`."""
    kept = config.store
    if isinstance(kept, DuckDBConfig):
        return DuckDBStore.open(kept.path, read_only=read_only, memory_mb=kept.memory_mb)
    from aggregate.postgres_store import PostgresStore  # noqa: PLC0415 - the embedded store needs no client

    return PostgresStore.open(kept, read_only=read_only)


def lasts(config: Config) -> bool:
    """Whether what is stored outlives the process."""
    return not isinstance(config.store, DuckDBConfig) or config.store.path is not None


def begun(config: Config) -> bool:
    """Whether there may be something stored already: a file, or a database."""
    kept = config.store
    return not isinstance(kept, DuckDBConfig) or (kept.path is not None and kept.path.exists())


def told(config: Config) -> str:
    """Where the store is, in words for an operator."""
    kept = config.store
    if isinstance(kept, DuckDBConfig):
        return "in memory: gone when this stops" if kept.path is None else str(kept.path)
    return f"{kept.url}, schema {kept.schema_name}"


def beside(config: Config, name: str) -> Path | None:
    """What lies beside the file of an embedded store under this name; None where it has no file."""
    kept = config.store
    if not isinstance(kept, DuckDBConfig) or kept.path is None:
        return None
    return kept.path.with_suffix(f".{name}")


def open_shelf(config: Config, name: str) -> Shelf:
    """The shelf of this name where the store is: a folder beside its file, in its database, or in memory as it is.

    What a shelf in memory holds is that of this one, and gone with it.
    """
    kept = config.store
    if isinstance(kept, DuckDBConfig):
        folder = beside(config, name)
        return MemoryShelf() if folder is None else FolderShelf(folder)
    from aggregate.postgres_shelf import PostgresShelf  # noqa: PLC0415 - as above

    return PostgresShelf.open(kept, name)


def register_document(config: Config) -> tuple[Shelf, str]:
    """Where interventions are registered: the file that is named, or a document where the store is."""
    file = config.interventions or beside(config, "interventions")
    if file is not None:
        return FolderShelf(file.parent), file.name
    return open_shelf(config, "interventions"), "interventions.json"


def copy_shelves(source: Config, target: Config) -> int:
    """Bring along what lies beside a store: views, calibrations, alerts, interventions; returns how many documents.

    What the target has already stays as it is, so it may be done again. Raises `StoreError`.
    """
    copied = 0
    for name in ("views", "calibrations", "alerts"):
        ours, theirs = open_shelf(source, name), open_shelf(target, name)
        kept = [document for document in ours.names() if not document.endswith(".broken")]
        copied += sum(_copied((ours, document), (theirs, document)) for document in kept)
    return copied + _copied(register_document(source), register_document(target))


def _copied(source: tuple[Shelf, str], target: tuple[Shelf, str]) -> bool:
    document = source[0].get(source[1])
    return document is not None and target[0].put(target[1], document.text, version=None) is not None
