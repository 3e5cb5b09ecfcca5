"""Which sensors of a history can be judged: those with a past to learn from and held-out hours to be judged by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aggregate.backtest.splits import WEEK_S, Split
from aggregate.history import History
from aggregate.tables import Integers
from core.errors import QueryError

LEAST_WEEKS_BEFORE = 2.0
LEAST_HELD_OUT = 0.2
"""Of the held-out hours."""
SEED = 20170309


def judged_sensors(history: History, splits: Sequence[Split], most: int | None = None) -> Integers:
    """Positions of the sensors that can be judged, in their order; `most` of them by lot, the same at every call.

    Raises `QueryError` where there are none.
    """
    known = np.isfinite(history.value)
    held_out = np.concatenate([known[:, split.begin : split.end] for split in splits], axis=1)
    before = known[:, : splits[0].begin].sum(axis=1)
    enough = before >= LEAST_WEEKS_BEFORE * WEEK_S / history.step_s
    judged = np.flatnonzero(enough & (held_out.mean(axis=1) >= LEAST_HELD_OUT))
    if not len(judged):
        raise QueryError(
            f"none of {len(history.zones)} sensors has two weeks of counts before the held-out weeks and a fifth of "
            "those counted",
            remedy="hold fewer weeks out (--weeks), or give a longer table",
        )
    if most is not None and len(judged) > most:
        judged = np.sort(np.random.default_rng(SEED).choice(judged, most, replace=False))
    return judged
