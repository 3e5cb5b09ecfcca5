"""Which zones are asked about, and which may be compared with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from effect_city import city

from aggregate.effects.effect import EffectState
from aggregate.effects.effect_answers import EffectAnswers
from aggregate.effects.register import DocumentRegister
from aggregate.tables import aware
from aggregate.usual.calendar import Calendar
from core.errors import NotFound, QueryError
from core.interventions import Intervention, InterventionKind
from core.records import Camera, Window, Zone, ZoneKind
from core.shelf_memory import MemoryShelf


class CityStore:
    """A store of one city: its cameras, and the hours of its zones; it remembers what was asked."""

    def __init__(self, asked):
        self.history_of = asked.history
        self.asked = []
        self.known = [
            Camera(
                id=asked.camera[row], name=f"camera {row}", lat=asked.where[row, 0], lon=asked.where[row, 1],
                zones=(Zone(id=zone, name=zone, kind=ZoneKind.PAVEMENT),),
            )
            for row, zone in enumerate(asked.history.zones)
        ]  # fmt: skip

    def cameras(self):
        return self.known

    def history(self, *, window, series, start, end, zones, timezone):
        self.asked.append((window, series, start, end, tuple(zones), timezone))
        whole = self.history_of
        first, last = (np.datetime64(one.replace(tzinfo=None), "us") for one in (start, end))
        rows = np.array([whole.zones.index(zone) for zone in zones])
        return whole.take(rows).between(first, last)


CITY = city(effect=-0.2, zones=26)
START, END = aware(CITY.timing.start), aware(CITY.timing.end)


def kerb(name="kerb", zones=("zone-0",), **more):
    plain = {"lat": 51.5, "lon": -0.1, "start": START, "registered_at": START}
    return Intervention(
        id=name, name=f"the {name}", kind=InterventionKind.WIDER_PAVEMENT, zones=zones, **(plain | more)
    )  # fmt: skip


@pytest.fixture
def store():
    return CityStore(CITY)


@pytest.fixture
def answers(store):
    register = DocumentRegister(MemoryShelf(), "interventions.json")
    register.add(kerb())
    return EffectAnswers(store, register, lambda: END)


def asked_zones(store):
    return set(store.asked[-1][4])


def test_the_effect_of_a_registered_intervention(answers, store):
    intervention, effect = answers.effect("kerb", "people")
    assert intervention.id == "kerb"
    assert effect.change.low < -0.2 < effect.change.high < 0
    (window, series, start, end, zones, timezone) = store.asked[0]
    assert (window, series, timezone) == (Window.HOUR, "people", "Europe/London")
    assert start == START - timedelta(weeks=26, days=1)
    assert end == END
    assert zones[0] == "zone-0"
    assert len(zones) == 26


def test_what_may_feel_it_is_no_control(answers, store):
    """Spill zones, zones of the same camera, of other kinds, too near, and of interventions of the same time."""
    far = store.known[9].model_copy(update={"lat": 51.5005, "lon": -0.1})
    store.known[9] = far  # 56 m from it
    store.known[8] = store.known[8].model_copy(
        update={"zones": (Zone(id="zone-8", name="road", kind=ZoneKind.CARRIAGEWAY),)}
    )
    store.known[7] = store.known[7].model_copy(update={"timezone": "Europe/Paris"})
    two = (*store.known[0].zones, Zone(id="zone-1", name="its other pavement", kind=ZoneKind.PAVEMENT))
    store.known[0] = store.known[0].model_copy(update={"zones": two})
    store.known.pop(1)
    answers.register.add(kerb("works", zones=("zone-5",), spill_zones=("zone-6",), start=START + timedelta(days=9)))
    answers.register.add(kerb("old", zones=("zone-10",), start=START - timedelta(weeks=90)))
    answers.measured(kerb("asked", spill_zones=("zone-2",)), "people")
    assert {f"zone-{row}" for row in range(26)} - asked_zones(store) == {f"zone-{row}" for row in (1, 2, 5, 6, 7, 8, 9)}


def test_another_intervention_of_the_same_zones_is_told(answers):
    answers.register.add(kerb("signal", start=START + timedelta(days=10)))
    effect = answers.effect("kerb", "people")[1]
    assert any("also part of 'the signal'" in warning for warning in effect.warnings)


def test_zones_that_no_camera_has_any_more(answers):
    some = answers.measured(kerb("some", zones=("zone-0", "gone")), "people")
    assert any("gone" in warning for warning in some.warnings)
    assert some.change is not None
    none = answers.measured(kerb("none", zones=("gone",)), "people")
    assert none.state is EffectState.REFUSED


def test_one_that_ended_is_asked_about_until_then(answers, store):
    answers.measured(kerb("short", end=START + timedelta(weeks=3, minutes=20)), "people")
    assert store.asked[-1][3] == START + timedelta(weeks=3)
    ended = answers.measured(kerb("day", end=START + timedelta(days=1)), "people")
    assert "it lasted 1 days" in ended.reason


def test_one_that_has_not_begun_is_refused(answers):
    later = answers.measured(kerb("later", start=END + timedelta(days=3)), "people")
    assert "has not begun" in later.reason


def test_public_holidays_are_left_out(store):
    """25 and 26 December 2025, and 1 January: an outlier on them moves nothing."""
    whole = store.history_of
    christmas = np.isin(whole.starts.astype("datetime64[D]"), np.array(["2025-12-25", "2025-12-26"], dtype="M8[D]"))
    whole.value[0, christmas] *= 40
    register = DocumentRegister(MemoryShelf(), "interventions.json")
    register.add(kerb())
    plain, known = (
        EffectAnswers(store, register, lambda: END, calendar).effect("kerb", "people")[1]
        for calendar in (None, Calendar("GB", "ENG"))
    )
    whole.value[0, christmas] /= 40
    assert known.change.high < 0
    assert known.change.high - known.change.low < 0.5 * (plain.change.high - plain.change.low if plain.change else 1)


def test_lists_by_place_and_kind_and_refuses_what_is_none(answers):
    answers.register.add(kerb("far", lat=60.0, lon=25.0))
    assert [one.id for one in answers.interventions()] == ["far", "kerb"]
    assert [one.id for one in answers.interventions(bbox=(24, 59, 26, 61))] == ["far"]
    assert answers.interventions(kinds=(InterventionKind.SIGNAL,)) == []
    with pytest.raises(QueryError):
        answers.interventions(bbox=(1, 2, 0, 3))
    with pytest.raises(NotFound):
        answers.effect("curb", "people")
    with pytest.raises(QueryError, match="peple"):
        answers.effect("kerb", "peple")


def test_an_intervention_is_in_order():
    utc = datetime(2026, 1, 1, tzinfo=UTC)
    for wrong, told in (
        ({"end": START}, "ends after"),
        ({"works_from": START + timedelta(days=1)}, "works"),
        ({"spill_zones": ("zone-0",)}, "one of them"),
        ({"start": utc.replace(tzinfo=None)}, "offset"),
    ):
        with pytest.raises(ValueError, match=told):
            kerb(**wrong)
