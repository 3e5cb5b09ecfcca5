"""What readings can be compared with: the usual and the named periods, and of how many zones each is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from aggregate.tables import aware
from aggregate.usual.baselines import BaselineState
from aggregate.usual_answers import UsualAnswers

_STATES = (BaselineState.OK, BaselineState.BORROWED, BaselineState.INSUFFICIENT_HISTORY)
REFERENCE_COLUMNS = ("reference", "class", "first_day", "last_day", "since", "until", "built_at", *_STATES)
"""Order of a frame of references: the days are those of a named period, as str or None; `since` to `built_at` are
datetime64[us, UTC] of the newest baselines (NaT where there is none), the number of zones by state int64."""


def references(usual: UsualAnswers, series: Sequence[str]) -> pd.DataFrame:
    """One row (`REFERENCE_COLUMNS`) per reference and class."""
    periods = {period.name: period for period in usual.periods}
    rows = []
    for reference in usual.references:
        period = periods.get(reference)
        for one in series:
            table = usual.newest(one, reference)
            rows.append(
                {
                    "reference": reference,
                    "class": one,
                    "first_day": None if period is None else period.start.isoformat(),
                    "last_day": None if period is None else period.end.isoformat(),
                    "since": _edge(table.since.min() if len(table) else None),
                    "until": _edge(table.until.max() if len(table) else None),
                    "built_at": _edge(table.built_at.max() if len(table) else None),
                    **{state.value: int((table.state == state.value).sum()) for state in _STATES},
                }
            )
    frame = pd.DataFrame(rows, columns=list(REFERENCE_COLUMNS)).astype(dict.fromkeys(REFERENCE_COLUMNS[:4], object))
    times = dict.fromkeys(("since", "until", "built_at"), "datetime64[us, UTC]")
    return frame.astype(times | dict.fromkeys([state.value for state in _STATES], "int64"))


def _edge(at: np.datetime64 | None) -> datetime | None:
    return None if at is None else aware(at)
