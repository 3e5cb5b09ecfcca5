"""The report in words and pictures, from its facts: what a planner reads first stands first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from aggregate.effects import plot
from aggregate.effects.effect import Effect
from aggregate.effects.words import headline, sentences
from aggregate.nouns import NOUNS
from api.report import figures
from api.report.document import Block, Document, Drawing, Heading, Paragraph, Points, Sheet
from api.report.facts import RANKED, Facts
from api.report.words import NOTHING, against_usual, counted, day, figure, ratio, share
from core.interventions import Intervention

SHOWN_CAMERAS = 12
SHOWN_CHANGES = 12
WELL_COVERED = 0.9

METHOD = (
    "Public street cameras are counted in the memory of a computer, at a resolution at which nobody can be recognised; "
    "no picture is kept, nobody is followed. What is kept is how many people and vehicles were present in a zone, on "
    "average over a quarter of an hour, an hour or a day.",
    "What is usual in a zone at an hour of the week is learnt from its own past, with public and school holidays, "
    "season and slow change taken into account; a new zone borrows the week of places like it and says so.",
    "The index is what was counted over what is usual there at that time: 1 is as usual, 1.2 is a fifth more. Behind "
    "every figure stands its 90 % interval: nine times in ten the truth is within it.",
    "Where to act first is ranked by how far, how long and for how many a place was busier than its usual range, by "
    "the cautious end of the interval, so that luck does not lead the list.",
)

LIMITS = (
    "What a camera does not see is not counted: people under trees, behind buses, beyond its zones. Levels of "
    "different streets can be compared only where their cameras are calibrated to the ground (density per 100 m²); "
    "indices can always be.",
    "Hours in which nothing was counted are left out, never taken for empty. Where a camera was lost in busy hours, "
    "its index is of the others.",
    "An index says that a place was busier than usual, not why; a change says since when, not what made it. Only an "
    "effect with controls speaks of causes, and it names what could still be behind it.",
)


def written(facts: Facts, installation: str, made_at: datetime) -> Document:
    """The whole report."""
    scope = facts.scope
    timezone = scope.zones[0].camera.timezone
    last = scope.end - timedelta(microseconds=1)
    noun = NOUNS[scope.series]
    return Document(
        title=f"How busy was {scope.place}?",
        subtitle=f"{noun.capitalize()}, {_period(day(scope.start, timezone), day(last, timezone))} · "
        f"{counted(len(scope.zones), 'zone', 'zones')} of "
        f"{counted(len({one.camera.id for one in scope.zones}), 'camera', 'cameras')}",
        blocks=(
            *_in_short(facts, noun),
            *_where(facts),
            *_when(facts, timezone),
            *_first(facts),
            *_changes(facts),
            *_effects(facts),
            *_missing(facts),
            Heading("How these figures are made"), *(Paragraph(text) for text in METHOD),
            Heading("What they cannot say"), Points(LIMITS),
        ),
        footer=f"{installation} · made on {day(made_at, timezone)} by busyness, from what was stored then",
    )  # fmt: skip


def _period(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"


def _in_short(facts: Facts, noun: str) -> Iterator[Block]:
    yield Heading("In short")
    known = facts.places[facts.places["index"].notna()]
    unknown = len(facts.places) - len(known)
    items = [_overall(facts, noun)]
    if len(known):
        busier, quieter = (known["index_low"] > 1).sum(), (known["index_high"] < 1).sum()
        items.append(
            f"Of {counted(len(known), 'place', 'places')} that can be judged, {busier or 'none'} had more {noun} than "
            f"usual and {quieter or 'none'} fewer, beyond chance."
            + (f" Of {unknown} more nothing can be said: see below." if unknown else "")
        )
        items.append(_act_first(facts))
    else:
        reason = next(iter(facts.places["reason"].dropna()), "nothing to compare with")
        items.append(f"None of {counted(unknown, 'place', 'places')} can be judged: {reason}.")
    changed = facts.changes[facts.changes["ratio"].notna()]
    if len(changed):
        items.append(f"{counted(len(changed), 'level has', 'levels have')} changed and stayed so: see below.")
    items += [_did_it_work(intervention, effect) for intervention, effect in facts.effects]
    covered = facts.days["coverage"].mean() if len(facts.days) else np.nan
    items.append(f"{share(covered)} of the clips expected were counted.")
    yield Points(tuple(items))


def _act_first(facts: Facts) -> str:
    ranked = facts.priorities[facts.priorities["rank"].notna()]
    if not len(ranked):
        return "No place was beyond its usual range for long enough to be named first."
    return f"Act first at {ranked['name'].iloc[0]}: {_lower(ranked['words'].iloc[0])}"


def _overall(facts: Facts, noun: str) -> str:
    """The level of all zones together, from the hours that have both a figure and something to compare it with."""
    ratio, low, high = (float(values[0, 0]) for values in (facts.whole.ratio, facts.whole.low, facts.whole.high))
    if np.isnan(low):
        return f"Whether there were more or fewer {noun} than usual cannot be said."
    return f"Over all there were {against_usual(noun, ratio, low, high)}."


def _where(facts: Facts) -> Iterator[Block]:
    camera_of = {one.zone.id: one.camera for one in facts.scope.zones}
    places = pd.DataFrame(
        {
            "zone": facts.places["zone"],
            "lat": [camera_of[zone].lat for zone in facts.places["zone"]],
            "lon": [camera_of[zone].lon for zone in facts.places["zone"]],
            "index": facts.places["index"],
        }
    )
    ranked = facts.priorities.loc[facts.priorities["rank"].notna(), "zone"].tolist()
    yield Heading("Where")
    yield Drawing(
        "map",
        figures.city(places, ranked, facts.scope.outlines),
        "A map of the cameras, coloured by how busy each was against what is usual",
        "Each camera by its index over the period: brown is busier than usual, blue quieter, a cross not known. "
        "Numbers are those of the list below.",
    )


def _when(facts: Facts, timezone: str) -> Iterator[Block]:
    yield Heading("When")
    if facts.days["index"].notna().any():
        yield Drawing(
            "days", figures.days(facts.days, timezone), "A curve of the index of all zones together, day by day",
            "All zones together, day by day, against what is usual on such a day; the band is the 90 % interval.",
        )  # fmt: skip
    elif facts.hours["counted"].notna().any():
        yield Drawing(
            "hours", figures.hours(facts.hours, timezone), "A curve of how many were counted, hour by hour",
            "How many were present, all zones that were counted together, hour by hour: numbers, for there is nothing "
            "to compare them with. The band is the 90 % interval; a hollow dot lacks zones or clips.",
        )  # fmt: skip
    if np.isfinite(facts.week).any():
        yield Drawing(
            "week", figures.week(facts.week), "A table of the hours of the week, coloured by the index",
            "Hour by hour of the week, all zones and weeks together. Grey: nothing to compare.",
        )  # fmt: skip
        weekday, hour = np.unravel_index(int(np.nanargmax(facts.week)), facts.week.shape)
        name = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")[weekday]
        yield Paragraph(
            f"Furthest above usual: {name}, {hour:02d}:00 to {(hour + 1) % 24:02d}:00, "
            f"{100 * (facts.week[weekday, hour] - 1):+.0f} %."
        )


def _first(facts: Facts) -> Iterator[Block]:
    yield Heading("Where to act first")
    ranked = facts.priorities[facts.priorities["rank"].notna()].head(RANKED)
    if not len(ranked):
        judged = facts.places["index"].notna().any()
        yield Paragraph(
            "No place was beyond its usual range for long enough to be ranked."
            if judged
            else "That cannot be said: there is nothing to compare with."
        )
        return
    unit = "Vehicle-hours" if facts.scope.series == "vehicles" else "People-hours"
    rows = tuple(
        (
            f"{int(row['rank'])}  {row['name']}",
            str(row["trend"]),
            figure(row["people_hours"], 0),
            figure(row["hours"], 0),
            ratio(row["index"], row["index_low"], row["index_high"]),
            figure(row["density_per_100m2"]),
            share(row["coverage"]),
        )
        for row in ranked.to_dict("records")
    )
    columns = ("Place", "Trend", f"{unit} above usual", "Hours", "Index (90 %)", "Per 100 m²", "Counted")
    yield Sheet("By how much, how long and for how many", columns, rows, (28, 10, 14, 9, 18, 10, 11), texts=2)
    yield Points(tuple(str(words) for words in ranked["words"]), numbered=True)


def _changes(facts: Facts) -> Iterator[Block]:
    changed = facts.changes[facts.changes["ratio"].notna()]
    yield Heading("What has changed for good")
    if not len(changed):
        unknown = len(facts.changes)  # a place that can be judged and has not changed is no row
        reason = next(iter(facts.changes["reason"].dropna()), "too little was counted")
        if unknown >= len(facts.scope.zones):
            yield Paragraph(f"That cannot be said: {reason}.")
            return
        rest = f" Of {counted(unknown, 'place', 'places')} it cannot be said: {reason}." if unknown else ""
        yield Paragraph(
            f"No level has changed and stayed so within the period, as far as its length can show it.{rest}"
        )
        return
    yield Points(
        tuple(f"{row['name']}: {_lower(row['words'])}" for row in changed.head(SHOWN_CHANGES).to_dict("records"))
    )
    if len(changed) > SHOWN_CHANGES:
        yield Paragraph(f"And {len(changed) - SHOWN_CHANGES} more: /v1/changes lists them.")


def _effects(facts: Facts) -> Iterator[Block]:
    if not facts.effects:
        return
    yield Heading("Did it work?")
    for intervention, effect in facts.effects:
        said = _did_it_work(intervention, effect)
        if effect.course is None or not len(effect.course.begins):
            yield Paragraph(said)
        else:
            yield Drawing(
                f"effect-{intervention.id}",
                plot.drawn(effect, intervention),
                f"Week by week before and after {intervention.name}, against what was to be expected",
                said,
            )
        if more := tuple(sentences(effect)[1:]):  # the first is the headline
            yield Points(more)


def _did_it_work(intervention: Intervention, effect: Effect) -> str:
    return f"{intervention.name}: {_lower(headline(effect))}"


def _missing(facts: Facts) -> Iterator[Block]:
    yield Heading("What is missing")
    poor = facts.cameras[facts.cameras["coverage"] < WELL_COVERED]
    silent = facts.places[facts.places["index"].isna()]
    if not len(poor) and not len(silent):
        yield Paragraph("Every camera gave at least nine tenths of its clips.")
        return
    if len(poor):
        rows = tuple(
            (str(row["name"]), str(row["why"] or NOTHING), share(row["coverage"]), figure(row["lost_h"], 0))
            for row in poor.head(SHOWN_CAMERAS).to_dict("records")
        )
        columns = ("Camera", "Longest loss", "Counted", "Hours lost")
        yield Sheet("Cameras that gave less than nine tenths", columns, rows, (30, 46, 12, 12), texts=2)
        if len(poor) > SHOWN_CAMERAS:
            yield Paragraph(f"And {len(poor) - SHOWN_CAMERAS} more.")
    if len(silent):
        why = silent["reason"].fillna("nothing to compare with").value_counts()
        yield Points(
            tuple(f"{counted(int(n), 'zone has', 'zones have')} no index: {reason}" for reason, n in why.items())
        )


def _lower(words: str) -> str:
    """A sentence that follows a colon."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words
