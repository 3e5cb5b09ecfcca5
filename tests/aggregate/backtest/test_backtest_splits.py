"""Which weeks are held out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hourly_past import past

from aggregate.backtest.splits import splits
from core.errors import QueryError

WEEK = 168


def test_stretches_lie_evenly_over_the_last_year_and_the_last_ends_with_the_past() -> None:
    found = splits(past(150), weeks=8, stretches=4)
    assert [split.end - split.begin for split in found] == [2 * WEEK] * 4
    assert [split.begin // WEEK for split in found] == [109, 122, 135, 148]


def test_a_short_past_holds_out_weeks_of_its_second_half() -> None:
    found = splits(past(20), weeks=4, stretches=4)
    assert found[0].begin >= 10 * WEEK
    assert found[-1].end == 20 * WEEK
    assert all(before.end <= after.begin for before, after in pairwise(found))


def test_weeks_that_do_not_divide_are_all_held_out() -> None:
    found = splits(past(60), weeks=5, stretches=3)
    assert sorted((split.end - split.begin) // WEEK for split in found) == [1, 2, 2]


def test_a_stretch_begins_at_a_local_midnight() -> None:
    history = past(40.3, timezone="Australia/Melbourne")
    for split in splits(history, weeks=4, stretches=1):
        begin = pd.Timestamp(history.starts[split.begin], tz="UTC").tz_convert("Australia/Melbourne")
        assert begin.hour == 0


@pytest.mark.parametrize(("weeks", "most"), [(9.0, "--weeks 4"), (5.0, "--weeks 2"), (2.0, "six weeks")])
def test_a_past_that_is_too_short_is_refused_with_what_can_be_held_out(weeks: float, most: str) -> None:
    with pytest.raises(QueryError, match=most):
        splits(past(weeks), weeks=8)


def test_the_most_that_is_offered_can_be_held_out() -> None:
    for weeks in np.arange(6, 30, 0.7):
        with pytest.raises(QueryError) as refused:
            splits(past(weeks), weeks=52)
        offered = int(refused.value.remedy.split()[-1])
        assert sum(split.end - split.begin for split in splits(past(weeks), weeks=offered)) == offered * WEEK
