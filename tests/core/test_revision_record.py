"""A revision is taken where each of its readings would be, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from bus_records import NOON, revision
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.figures import SERIES
from core.records import REASON_LENGTH, Reading, TrustState
from core.revisions import PER_SERIES, ReadingRevision

WHOLE = revision().model_dump()
FIGURE = st.sampled_from([None, 0.0, 0.5, -1.0])


@given(
    state=st.sampled_from(TrustState),
    reason=st.sampled_from([None, "", "two clips are missing", "x" * (REASON_LENGTH + 1)]),
    figures=st.tuples(*[FIGURE] * len(PER_SERIES)),
    ends=st.sampled_from([WHOLE["end"], WHOLE["start"], NOON.replace(tzinfo=None)]),
    which=st.sampled_from(SERIES),
)
def test_it_is_what_its_readings_are(
    state: TrustState, reason: str | None, figures: tuple[float | None, ...], ends: Any, which: str
) -> None:
    one = dict(zip(PER_SERIES, figures, strict=True))
    others = dict.fromkeys(PER_SERIES) if state is TrustState.MISSING else WHOLE["series"][which]
    series = {name: one if name == which else others for name in SERIES}
    shared = {**WHOLE, "state": state, "reason": reason, "end": ends}
    del shared["series"]
    try:
        readings = tuple(Reading(series=name, **shared, **series[name]) for name in SERIES)
    except ValidationError:
        with pytest.raises(ValidationError):
            ReadingRevision(**shared, series=series)
    else:
        assert ReadingRevision(**shared, series=series).readings() == readings


@pytest.mark.parametrize("series", [SERIES[1:], (*SERIES, "scooter")])
def test_it_has_all_series_and_no_other(series: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="a revision has all series: pedestrian"):
        ReadingRevision.model_validate(WHOLE | {"series": dict.fromkeys(series, WHOLE["series"]["car"])})
