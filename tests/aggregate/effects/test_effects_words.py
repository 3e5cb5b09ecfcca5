"""What a planner reads and sees."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from effect_city import HOUR, MONDAY, WEEK, city

from aggregate.effects.effect import Change, Effect, EffectState
from aggregate.effects.measure import measure
from aggregate.effects.percent import change_in_words, interval_in_words, percent, signed
from aggregate.effects.plot import svg
from aggregate.effects.words import headline, sentences
from core.interventions import Intervention, InterventionKind

KERB = Intervention(
    id="kerb", name="Tooley St <wider> & better $pavement$", kind=InterventionKind.WIDER_PAVEMENT, zones=("zone-0",),
    lat=51.5, lon=-0.1, start=datetime(2026, 1, 12, tzinfo=UTC), registered_at=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip


def told(change, low, high, p_value=0.001, series="people"):
    return headline(Effect(series, EffectState.MEASURED, change=Change(change, low, high, p_value)))


def test_shares_in_words():
    assert (percent(-0.123), percent(0.0996), percent(0.014)) == ("12 %", "10 %", "1.4 %")
    assert (signed(-0.2), signed(0.034)) == ("−20 %", "+3.4 %")
    assert change_in_words(-0.12) == "12 % fewer"
    assert interval_in_words(-0.19, -0.04) == "4.0 to 19 % fewer"
    assert interval_in_words(0.11, 0.2) == "11 to 20 % more"
    assert interval_in_words(-0.11, 0.06) == "11 % fewer to 6.0 % more"


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        (
            told(-0.2, -0.25, -0.15),
            "20 % fewer people than there would have been without it (90 % interval 15 to 25 % fewer).",
        ),
        (
            told(0.31, 0.2, 0.4, series="truck"),
            "31 % more lorries than there would have been without it (90 % interval 20 to 40 % more).",
        ),
        (
            told(-0.11, -0.2, -0.01, p_value=0.07),
            "Perhaps 11 % fewer people than there would have been without it (90 % interval 1.0 to 20 % fewer), but it "
            "may still be chance.",
        ),
        (
            told(-0.03, -0.11, 0.06, p_value=0.5),
            "No change that chance could not explain: the best estimate is 3.0 % fewer people, 90 % interval "
            "11 % fewer to 6.0 % more.",
        ),
        (headline(Effect("people", EffectState.REFUSED, "it has not begun")), "No answer: it has not begun."),
    ],
)
def test_headlines(sentence, words):
    assert sentence == words


@pytest.fixture(scope="module")
def asked():
    return city(effect=-0.2)


@pytest.fixture(scope="module")
def measured(asked):
    return measure(asked)


def test_the_sentences_say_what_it_rests_on(measured):
    words = sentences(measured)
    assert words[0] == headline(measured)
    whole = " ".join(words)
    for part in (
        "were to be expected", "15 zones that were most like it before", "10 weeks before it and 6 weeks after",
        "23 other places where nothing was done", "synthetic control", "give or take",
    ):  # fmt: skip
        assert part in whole
    assert "nan" not in whole
    assert all(one.endswith(".") for one in words)


def test_without_controls_it_is_called_a_hint(asked):
    words = " ".join(sentences(measure(replace(asked, candidates=np.zeros(24, dtype=bool)))))
    assert "take it as a hint" in words
    assert "Take care: whatever else changed" in words


def test_a_refusal_is_said_with_what_was_looked_at():
    refused = measure(city(drift=0.05, before=14))
    words = sentences(refused)
    assert words[0].startswith("No answer: it was already going another way")
    assert "different ways" in " ".join(words[1:])


def texts(drawn):
    return " ".join("".join(node.itertext()) for node in ET.fromstring(drawn).iter() if node.tag.endswith("text"))


def test_the_picture_says_the_change_with_its_interval_and_the_name_as_it_is(measured):
    drawn = svg(measured, KERB)
    said = texts(drawn)
    assert "Tooley St <wider> & better $pavement$" in said
    assert headline(measured).split(" than")[0] in said
    assert "expected from 15 similar zones" in said
    assert "<script" not in drawn
    assert "http" not in drawn.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )


def test_the_same_answer_makes_the_same_picture(measured):
    assert svg(measured, KERB) == svg(measured, KERB)


def test_gaps_works_and_an_end_are_drawn(asked):
    history = asked.history
    value = history.value.copy()
    value[0, 3 * WEEK : 4 * WEEK] = np.nan
    start = MONDAY + 11 * WEEK * HOUR
    with_gap = measure(
        replace(asked, history=replace(history, value=value), timing=replace(asked.timing, start=start))
    )  # fmt: skip
    assert np.isnan(with_gap.course.observed).any()
    begin = datetime(2026, 1, 19, tzinfo=UTC)
    drawn = svg(
        with_gap,
        KERB.model_copy(
            update={"start": begin, "works_from": begin - timedelta(weeks=1), "end": begin + timedelta(weeks=3)}
        ),
    )
    assert ET.fromstring(drawn) is not None


def test_without_weeks_the_reason_is_drawn():
    refused = Effect("people", EffectState.REFUSED, "it has not begun: nothing is stored from after its start")
    assert "it has not begun" in texts(svg(refused, KERB))
