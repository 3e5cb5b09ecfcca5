"""Which places are called unusual, and how sure one can be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from aggregate.unusual.cells import neighbours
from aggregate.unusual.hotspots import LEAST_FREEDOM, MOST_FREEDOM, hotspots, tails
from aggregate.unusual.verdicts import Verdict

SIDE = 12
LAT, LON = (part.ravel() for part in np.meshgrid(51.4 + 0.005 * np.arange(SIDE), -0.2 + 0.008 * np.arange(SIDE)))
AROUND = neighbours(LAT, LON, within_m=900.0, most=9)
ALONE = neighbours(LAT, LON, within_m=1.0, most=9)


def usual_city(seed=3):
    return np.random.default_rng(seed).standard_normal(len(LAT))


def found_in(z, around=AROUND):
    """The last window is `z`; the eight before it are usual ones."""
    before = np.random.default_rng(9).standard_normal((len(z), 8))
    return hotspots(np.column_stack([before, z]), around)


def test_a_busy_district_is_found_together_with_how_sure_it_is():
    z = usual_city()
    district = AROUND[5 * SIDE + 5]
    z[district] = 3.0 + 0.1 * np.arange(len(district))
    found = found_in(z)
    middle = 5 * SIDE + 5
    assert found.verdict[middle] == Verdict.TOO_BUSY
    assert found.confidence[middle] == 0.99
    assert found.q[middle] <= 0.01
    assert found.gi_z[middle] > 4


def test_a_quiet_district_is_found_as_well():
    z = usual_city()
    z[AROUND[40]] = -3.5
    assert found_in(z).verdict[40] == Verdict.TOO_QUIET


def test_a_single_place_far_from_usual_is_found_by_itself():
    z = usual_city()
    z[77] = 14.0
    found = found_in(z)
    assert found.verdict[77] == Verdict.TOO_BUSY
    assert np.isfinite(found.gi_z[77])


def test_a_usual_place_in_a_busy_neighbourhood_is_not_called_busy():
    z = usual_city()
    z[AROUND[40]] = 3.0
    z[40] = -0.1
    found = found_in(z)
    assert found.gi_z[40] > 3
    assert found.verdict[40] == Verdict.USUAL
    assert np.isnan(found.confidence[40])


def test_without_neighbours_or_a_city_the_tails_of_student_decide():
    z = np.array([0.5, -1.0, 30.0, np.nan])
    found = hotspots(z[:, np.newaxis], ALONE[:4])
    assert np.isnan(found.gi_z).all()
    assert found.p[:3] == pytest.approx(2 * student.sf(np.abs(z[:3]), LEAST_FREEDOM))
    assert found.verdict.tolist() == [Verdict.USUAL, Verdict.USUAL, Verdict.TOO_BUSY, Verdict.UNKNOWN]
    assert np.isnan(found.p[3])


def test_nothing_known_is_unknown_everywhere_and_no_places_are_no_error():
    found = found_in(np.full(len(LAT), np.nan))
    assert set(found.verdict) == {Verdict.UNKNOWN}
    assert len(found_in(np.empty(0), np.empty((0, 9), dtype=np.int64))) == 0


def test_a_usual_city_has_a_false_alarm_about_as_often_as_it_may():
    """Of 200 usual cities, at most about one in ten has a place called so at 90 %, one in twenty at 95 %."""
    surest = [np.nan_to_num(found_in(usual_city(seed)).confidence).max() for seed in range(200)]
    alarms = np.array(surest)
    assert (alarms >= 0.9).mean() <= 0.15
    assert (alarms >= 0.95).mean() <= 0.09


def test_a_place_without_a_figure_has_no_say():
    z = usual_city()
    z[AROUND[40]] = 3.0
    gone = z.copy()
    gone[40] = np.nan
    found = found_in(gone)
    assert found.verdict[40] == Verdict.UNKNOWN
    assert np.isnan(found.gi_z[40])


def test_the_tails_are_those_of_the_city():
    """A normal one, one of Student's t, and one that strays twice as far as is thought."""
    random = np.random.default_rng(8)
    assert tails(random.standard_normal(5000)) == (pytest.approx(1.0, abs=0.03), pytest.approx(MOST_FREEDOM, abs=1))
    assert tails(random.standard_t(4, 5000))[1] == pytest.approx(LEAST_FREEDOM, abs=1)
    assert tails(2 * random.standard_normal(5000))[0] == pytest.approx(2.0, rel=0.05)
    assert tails(np.full(5000, np.nan)) == (1.0, LEAST_FREEDOM)
