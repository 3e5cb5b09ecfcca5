"""`busyness store`: copying a store, checking it, bringing its tables up to date, letting go of what is old."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from busyness.command_words import AsJson, ConfigPath, open_console

app = typer.Typer(help="Look after what is stored: copy, check, migrate, retain.", no_args_is_help=True)


@app.command()
def copy(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="the configuration of the store to copy")],
    target: Annotated[Path, typer.Argument(metavar="TO", help="the configuration of the store to copy it into")],
) -> None:
    """Bring all that a store holds into another one, as from the embedded store into PostgreSQL, and compare the two.

    It may be stopped and started again, and goes on where it was. Nothing else may write either store meanwhile.
    """
    from busyness.config import load_config
    from busyness.keeping import begun, copy_shelves, open_store, told
    from busyness.progress import progress_bar
    from busyness.store_copying import copy as copied_into
    from busyness.store_copying import rows_to_copy
    from core.errors import ConfigError

    ours, theirs = load_config(source), load_config(target)
    if told(ours) == told(theirs):
        raise ConfigError(f"{source} and {target} name the same store", remedy="copy it into another one")
    if not begun(ours):
        raise ConfigError(f"there is no store to copy: {told(ours)}", remedy=f"mend store in {source}")
    console = open_console(stderr=True)
    with closing(open_store(ours, read_only=True)) as held, closing(open_store(theirs)) as into:
        with progress_bar(console, transient=True) as bar:
            task = bar.add_task("", total=rows_to_copy(held))
            copied = copied_into(held, into, lambda what, rows: bar.update(task, description=what, advance=rows))
        documents = copy_shelves(ours, theirs)
    for name, rows in copied.rows.items():
        open_console().print(f"{rows:>12,} {name}", highlight=False)
    open_console().print(
        f"the same in {told(theirs)}: {copied.copied:,} rows copied now; "
        f"{documents} documents of views, calibrations and interventions",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def check(config: ConfigPath, as_json: AsJson = False) -> None:
    """Read everything that is stored, hold its parts against each other, and say what there is, with checksums.

    Two stores that hold the same rows have the same checksums, whatever they are: a backup is checked so. Exit code 1
    where something is wrong.
    """
    from rich.table import Table

    from busyness.config import load_config
    from busyness.keeping import open_store, told
    from busyness.progress import progress_bar
    from busyness.store_checking import check as checked_of
    from busyness.store_copying import rows_to_copy

    loaded = load_config(config)
    with closing(open_store(loaded, read_only=True)) as store, progress_bar(open_console(stderr=True)) as bar:
        task = bar.add_task("", total=rows_to_copy(store))
        checked = checked_of(store, lambda what, rows: bar.update(task, description=what, advance=rows))
    console = open_console()
    if as_json:
        answer = {"store": told(loaded), **asdict(checked)}
        typer.echo(json.dumps(answer, default=str))
    else:
        table = Table("", "rows", "days", "from", "to", "checksum", title=told(loaded), title_justify="left")
        for name, one in checked.tables.items():
            table.add_row(
                name, f"{one.rows:,}", f"{one.days:,}", str(one.first or ""), str(one.last or ""), one.checksum[:12]
            )
        console.print(table)
        for problem in checked.problems:
            console.print(problem, style="red", highlight=False, markup=False, soft_wrap=True)
    if checked.problems:
        raise typer.Exit(1)


@app.command()
def migrate(config: ConfigPath) -> None:
    """Make the tables of the store, or bring those of an older version up to date, and the role that may read them.

    Every worker does so when it starts; before an upgrade it may be done by itself, by a user who may make roles.
    """
    from aggregate.duckdb_schema import SCHEMA_VERSION as EMBEDDED
    from busyness.config import DuckDBConfig, load_config
    from busyness.keeping import open_store, told

    loaded = load_config(config)
    if isinstance(loaded.store, DuckDBConfig):
        open_store(loaded).close()
        now, role = EMBEDDED, ""
    else:
        from aggregate.postgres_opening import migrate as migrated
        from aggregate.postgres_opening import reader_role
        from aggregate.postgres_schema import SCHEMA_VERSION

        before = migrated(loaded.store)
        now = SCHEMA_VERSION
        role = f" (it was {before or 'empty'}); {reader_role(loaded.store.schema_name)} may read it"
    open_console().print(f"{told(loaded)}: schema version {now}{role}", highlight=False, soft_wrap=True)


@app.command()
def retain(config: ConfigPath) -> None:
    """Let go of what is older than `store.retention_days`: observations, and readings of quarters and shorter."""
    from aggregate.postgres_store import PostgresStore
    from busyness.config import DuckDBConfig, load_config
    from busyness.keeping import told
    from busyness.wiring import open_clock
    from core.errors import ConfigError

    loaded = load_config(config)
    kept = loaded.store
    if isinstance(kept, DuckDBConfig):
        raise ConfigError(
            f"{told(loaded)}: an embedded store keeps everything", remedy="retention is for kind: postgres"
        )
    if kept.retention_days is None:
        raise ConfigError(f"{config}: it is not said how long to keep", remedy="set store.retention_days")
    before = open_clock(loaded).now() - timedelta(days=kept.retention_days)
    with closing(PostgresStore.open(kept)) as store:
        retained = store.retain(before)
    open_console().print(
        f"before {before:%Y-%m-%d %H:%M} UTC: {retained.parts} tables of a month and {retained.rows} rows are gone",
        highlight=False,
    )
