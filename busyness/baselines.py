"""`busyness baselines`: what is usual, worked out from what is stored, and of how many zones it is known."""

from __future__ import annotations

import sys
from contextlib import closing

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from aggregate.answers import Answers
from aggregate.references import references
from busyness.config import Config
from busyness.keeping import lasts, open_store
from busyness.nightly_baselines import SETTLED
from busyness.progress import progress_bar
from busyness.wiring import builder_of, open_clock, usual_of
from core.errors import ConfigError


def build(config: Config, notes: Console, *, anew: bool = False) -> int:
    """Build the baselines that are due (`anew`: all); returns how many were stored. Raises `BusynessError`.

    The present is the newest clip stored, as it is where recorded days are served.
    """
    if not lasts(config):
        raise ConfigError("baselines are built of what is stored", remedy="set store.path")
    with closing(open_store(config)) as store, progress_bar(notes) as progress:
        clock = open_clock(config)
        builder = builder_of(store, usual_of(config, store))
        tasks = builder.plan(Answers(store, clock).present() - SETTLED, anew=anew)
        task = progress.add_task("baselines", total=sum(len(one.due) * len(one.untils) for one in tasks))
        return builder.build(tasks, clock.now(), on_fit=lambda zones: progress.advance(task, zones))


def known(config: Config) -> pd.DataFrame:
    """What readings can be compared with, and of how many zones it is known (`REFERENCE_COLUMNS`)."""
    if not lasts(config):
        raise ConfigError("baselines are kept in the store", remedy="set store.path")
    with closing(open_store(config, read_only=True)) as store:
        return references(usual_of(config, store), config.usual.classes)


def show(frame: pd.DataFrame, console: Console, *, as_json: bool) -> None:
    """One line a reference and class."""
    if as_json:
        sys.stdout.write(frame.to_json(orient="records", lines=True, date_format="iso"))
        return
    table = Table(title="what readings are compared with: zones by state")
    headings = ("reference", "class", "made from (UTC)", "until (UTC)", "ok", "borrowed", "insufficient history")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in headings[4:] else "left", overflow="fold")
    for row in frame.to_dict("records"):
        times = ["-" if pd.isna(row[name]) else f"{row[name]:%Y-%m-%d %H:%M}" for name in ("since", "until")]
        zones = [str(row[name]) for name in ("ok", "borrowed", "insufficient_history")]
        table.add_row(escape(row["reference"]), row["class"], *times, *zones)
    console.print(table)
