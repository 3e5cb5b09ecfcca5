"""The synthetic city's past is stored before its first clip is counted, so that there is something to compare with."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Console

from aggregate.aggregator import Aggregator
from aggregate.store import Store
from busyness.progress import progress_bar
from ingest.synthetic import SyntheticConfig, SyntheticStreet

DAY = timedelta(days=1)


def store_past(config: SyntheticConfig, store: Store, aggregator: Aggregator, console: Console) -> int:
    """Store what was counted in the weeks before the street begins, and derive its readings; returns how many counts.

    Nothing where the store reaches back already: after a restart it has its past. The cameras have to be saved before.
    Raises `StoreError`.
    """
    extent = store.extent()
    if config.past_weeks == 0 or (extent is not None and extent[0] < config.start):
        return 0
    days = range(-7 * config.past_weeks, 0)
    console.print(f"  past     {config.past_weeks} weeks, made up and stored in some seconds", highlight=False)
    stored = 0
    with progress_bar(console, transient=True) as progress:
        task = progress.add_task("days of the past", total=2 * len(days))
        for observations in SyntheticStreet(config).past():
            stored += len(store.upsert_observations(observations))
            progress.advance(task)
        for day in days:
            begin = config.start + day * DAY
            aggregator.rebuild(begin, begin + DAY)
            progress.advance(task)
    return stored
