"""What interventions can be asked: which there are, and what each changed, as the store knows it now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from aggregate.effects.effect import Effect, EffectState, Study
from aggregate.effects.measure import measure
from aggregate.effects.panel import MOST_WEEKS, Timing
from aggregate.effects.placebo import apart_m
from aggregate.effects.register import InterventionRegister
from aggregate.query import BoundingBox, expect_box, expect_series
from aggregate.store import Store
from aggregate.tables import Mask, Numbers, moment, text
from aggregate.usual.calendar import BRIDGE, PUBLIC_HOLIDAY, Calendar
from core.interventions import Intervention, InterventionKind
from core.records import Camera, Window, Zone

APART_M = 200.0
"""Nearer to it a zone may feel it: who no longer walks here walks there."""

MOST_CANDIDATES = 300
"""So many zones of the same kind, the nearest beyond that, are enough to find controls among."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class _Place:
    """One zone and its camera."""

    zone: Zone
    camera: Camera


class EffectAnswers:
    """Answers from a store and a register. Keeps nothing, so any number of threads may ask.

    `present` tells the newest time of which the store speaks. Public holidays and bridges of the `calendar` are left
    out of before and after.
    """

    def __init__(
        self,
        store: Store,
        register: InterventionRegister,
        present: Callable[[], datetime],
        calendar: Calendar | None = None,
    ) -> None:
        self._store = store
        self.register = register
        self._present = present
        self._calendar = calendar or Calendar.plain()

    def interventions(
        self, bbox: BoundingBox | None = None, kinds: Sequence[InterventionKind] | None = None
    ) -> list[Intervention]:
        """Those that are registered, in `bbox` and of `kinds`, by start. Raises `QueryError`, `StoreError`."""
        if bbox is not None:
            expect_box(bbox)
        return [
            one
            for one in self.register.all()
            if (kinds is None or one.kind in kinds)
            and (bbox is None or (bbox[0] <= one.lon <= bbox[2] and bbox[1] <= one.lat <= bbox[3]))
        ]

    def effect(self, name: str, series: str) -> tuple[Intervention, Effect]:
        """What the intervention of this id changed of a series. Raises `NotFound`, `QueryError`, `StoreError`."""
        expect_series((series,))
        intervention = self.register.get(name)
        return intervention, self.measured(intervention, series)

    def measured(self, intervention: Intervention, series: str) -> Effect:
        """What an intervention changed, whether it is registered or not. Raises `StoreError`."""
        known = [_Place(zone, camera) for camera in self._store.cameras() for zone in camera.counted_zones]
        ours = [place for place in known if place.zone.id in intervention.zones]
        if not ours:
            return Effect(series, EffectState.REFUSED, "none of its zones is one of a camera of now")
        others = [other for other in self.register.all() if other.id != intervention.id]
        candidates = self._candidates(intervention, known, ours, others)
        study = self._study(intervention, ours, candidates, series)
        effect = measure(study)
        return replace(effect, warnings=(*_warnings(intervention, ours, others), *effect.warnings))

    def _candidates(
        self,
        intervention: Intervention,
        known: Sequence[_Place],
        ours: Sequence[_Place],
        others: Sequence[Intervention],
    ) -> list[_Place]:
        """The nearest zones of the same kinds that nothing was done to, and that cannot feel what was done."""
        kinds, cameras = {one.zone.kind for one in ours}, {one.camera.id for one in ours}
        touched = set(intervention.zones) | set(intervention.spill_zones)
        for other in others:
            if _overlap(intervention, other):
                touched.update(other.zones, other.spill_zones)
        free = [
            place
            for place in known
            if place.zone.kind in kinds
            and place.camera.id not in cameras
            and place.zone.id not in touched
            and place.camera.timezone == ours[0].camera.timezone
        ]
        if not free:
            return []
        here = np.vstack([_where(ours), [(intervention.lat, intervention.lon)]])
        metres = apart_m(here, _where(free)).min(axis=0)
        order = np.argsort(metres, kind="stable")
        return [free[at] for at in order[metres[order] >= APART_M][:MOST_CANDIDATES]]

    def _study(
        self, intervention: Intervention, ours: Sequence[_Place], candidates: Sequence[_Place], series: str
    ) -> Study:
        present = self._present()
        reach = timedelta(weeks=MOST_WEEKS, days=1)
        end = min(intervention.end or present, present, intervention.start + reach)
        start = intervention.before_until - reach
        places = (*ours, *candidates)
        treated: Mask = np.arange(len(places)) < len(ours)
        history = self._store.history(
            window=Window.HOUR,
            series=series,
            start=_whole_hour(start),
            end=max(_whole_hour(end), _whole_hour(start) + _HOUR),
            zones=[place.zone.id for place in places],
            timezone=ours[0].camera.timezone,
        )
        days = np.arange(moment(start).astype("datetime64[D]"), moment(end).astype("datetime64[D]") + 2)
        return Study(
            history=history,
            treated=treated,
            candidates=~treated,
            camera=text([place.camera.id for place in places]),
            where=_where(places),
            timing=Timing(
                before_until=moment(intervention.before_until),
                start=moment(intervention.start),
                end=moment(_whole_hour(end)),
                ended=intervention.end is not None and intervention.end <= present,
            ),
            off_days=days[(self._calendar.kinds(days) & (PUBLIC_HOLIDAY | BRIDGE)) > 0],
        )


def _where(places: Sequence[_Place]) -> Numbers:
    return np.array([(place.camera.lat, place.camera.lon) for place in places], dtype=np.float64).reshape(-1, 2)


def _whole_hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)


def _overlap(intervention: Intervention, other: Intervention) -> bool:
    """Whether the other began or ended in the weeks that are looked at: what lasts all the while changes nothing."""
    reach = timedelta(weeks=MOST_WEEKS, days=1)
    first, last = intervention.before_until - reach, intervention.end or intervention.start + reach
    edges = (other.before_until, other.start, other.end)
    return any(first < edge < last for edge in edges if edge is not None)


def _warnings(intervention: Intervention, ours: Sequence[_Place], others: Sequence[Intervention]) -> tuple[str, ...]:
    told = []
    gone = sorted(set(intervention.zones) - {place.zone.id for place in ours})
    if gone:
        told.append(f"zones that no camera has now are left out: {', '.join(gone)}")
    for other in others:
        both = sorted(set(other.zones) & set(intervention.zones))
        if both and _overlap(intervention, other):
            told.append(f"{both[0]} is also part of {other.name!r}, which began {other.start:%d %B %Y}: both are in it")
    return tuple(told)
