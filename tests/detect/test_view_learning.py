"""Views are learnt from clips one after the other: what is counted, what is not, and what an operator is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from generated_views import MIDNIGHT, field_of, sight_of
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.scene import EPOCHS_KEPT, LOOKS_KEPT, SIGNATURE_LENGTH, Scene, Sight
from detect.sixbit import numbers_of, text_of
from detect.view_field import aligned, coded, decoded, steadiness
from detect.view_learning import CameraViews, ViewChange, ViewEvent, confirmed, forgotten, learnt, unconfirmed
from detect.view_match import FARTHEST, place

STREET, HOUSE, PARK = 1, 2, 3


def after(
    sights: Sequence[Sight], every_min: float = 5, state: CameraViews | None = None
) -> tuple[CameraViews, list[bool], list[ViewEvent]]:
    """The state after the clips, whether each was counted by the scene before it, and what was told."""
    state = state or CameraViews(camera="06710")
    begin = (state.heard or MIDNIGHT) + timedelta(minutes=every_min)
    counted, events = [], []
    for number, sight in enumerate(sights):
        counted.append(place(state.scene(), decoded(sight.signature)).counted)
        state, event = learnt(state, begin + number * timedelta(minutes=every_min), sight)
        events += [event] if event else []
    return state, counted, events


def clips(view: int, number: int, **how: int) -> list[Sight]:
    return [sight_of(view, grain=100 * view + grain, **how) for grain in range(number)]


def changes(events: Sequence[ViewEvent]) -> list[tuple[ViewChange, int | None]]:
    return [(event.change, event.epoch) for event in events]


def test_the_first_clips_that_agree_are_counted_and_become_epoch_0() -> None:
    state, counted, events = after(clips(STREET, 8))
    assert counted == [True] * 8
    assert changes(events) == [(ViewChange.LEARNT, 0)]
    assert [epoch.number for epoch in state.epochs] == [0]


def test_the_first_view_lasts_half_an_hour_as_any_other() -> None:
    """A camera that begins on a house for less has the street as its first view, and the house as none."""
    state, counted, events = after([*clips(HOUSE, 6), *clips(STREET, 7), *clips(HOUSE, 1)])
    assert counted == [True] * 6 + [False] * 7 + [False]
    assert changes(events) == [(ViewChange.MOVED, None), (ViewChange.LEARNT, 0), (ViewChange.MOVED, None)]
    assert place(state.scene(), field_of(STREET)).counted


def test_first_clips_that_disagree_are_not_counted_until_one_view_lasts() -> None:
    """One clip is counted before anything speaks against it; then none, until those of half an hour agree."""
    state, counted, events = after([*clips(HOUSE, 1), *clips(STREET, 9)])
    assert counted == [True, *[False] * 7, True, True]
    assert changes(events) == [(ViewChange.MOVED, None), (ViewChange.LEARNT, 0)]
    assert not state.undecided


def test_another_view_is_noticed_in_its_first_clip_and_the_known_one_in_its_first() -> None:
    state, _, _ = after(clips(STREET, 7))
    state, counted, events = after([*clips(HOUSE, 2), *clips(STREET, 2)], state=state)
    assert counted == [False, False, True, True]
    assert changes(events) == [(ViewChange.MOVED, None), (ViewChange.RETURNED, 0)]
    assert "similarity to the known one 0." in events[0].reason
    assert state.away_since is None


def test_a_view_that_lasts_becomes_an_epoch_that_waits_for_an_operator() -> None:
    state, _, _ = after(clips(STREET, 7))
    state, counted, events = after(clips(HOUSE, 12), state=state)
    assert not any(counted)
    assert changes(events) == [(ViewChange.MOVED, None), (ViewChange.NEW_VIEW, 1)]
    assert events[1].at - events[0].at == timedelta(minutes=30)
    assert [epoch.counted for epoch in state.epochs] == [True, False]


def test_three_quick_clips_are_no_lasting_view() -> None:
    state, _, _ = after(clips(STREET, 7))
    state, _, events = after(clips(HOUSE, 5), every_min=1, state=state)
    assert changes(events) == [(ViewChange.MOVED, None)]
    assert len(state.epochs) == 1


def test_a_look_round_is_no_lasting_view_however_long_it_goes_on() -> None:
    """Each new direction begins anew; a camera that never rests makes no epoch."""
    state, _, _ = after(clips(STREET, 7))
    state, counted, _ = after([clip for view in range(4, 24) for clip in clips(view, 2)], every_min=20, state=state)
    assert not any(counted)
    assert len(state.epochs) == 1


def test_a_confirmed_view_is_counted_as_its_own_epoch_and_so_is_the_first() -> None:
    state, _, _ = after([*clips(STREET, 7), *clips(HOUSE, 12)])
    state, event = confirmed(state, 1, "Ada", MIDNIGHT + timedelta(hours=3))
    assert (event.change, event.epoch) == (ViewChange.CONFIRMED, 1)
    assert place(state.scene(), field_of(HOUSE)).epoch == 1
    _, counted, events = after([*clips(HOUSE, 2), *clips(STREET, 2), *clips(PARK, 1)], state=state)
    assert counted == [True, True, True, True, False]
    assert changes(events) == [(ViewChange.RETURNED, 0), (ViewChange.MOVED, None)]


@pytest.mark.parametrize("number", [0, 1])
def test_a_view_that_an_operator_takes_back_is_not_counted(number: int) -> None:
    """The first one too, which nobody had confirmed; and no clip of it is remembered."""
    shown = [STREET, HOUSE][number]
    state, _, _ = after([*clips(STREET, 7), *clips(HOUSE, 12)])
    state, _ = confirmed(state, 1, "Ada", MIDNIGHT + timedelta(hours=3))
    state, _, _ = after(clips(shown, 1), state=state)
    assert state.last is not None
    state, event = unconfirmed(state, number, "Bob", MIDNIGHT + timedelta(hours=4))
    assert (event.change, event.epoch) == (ViewChange.UNCONFIRMED, number)
    assert event.reason == f"view {number} is not counted from now on, says Bob"
    assert (state.last, state.last_clip) == (None, None)
    _, counted, _ = after([*clips(STREET, 2), *clips(HOUSE, 2)], state=state)
    assert counted == [number != 0] * 2 + [number != 1] * 2
    state, _ = confirmed(state, number, "Ada", MIDNIGHT + timedelta(hours=5))
    assert [epoch.counted for epoch in state.epochs] == [True, True]
    assert place(state.scene(), field_of(shown)).counted


def test_views_that_are_forgotten_are_learnt_anew() -> None:
    state, _, _ = after([*clips(HOUSE, 7), *clips(STREET, 12)])
    state, event = forgotten(state, "Ada", MIDNIGHT + timedelta(hours=3))
    assert (event.change, event.epoch) == (ViewChange.FORGOTTEN, None)
    assert (state.epochs, state.scene()) == ((), Scene())
    state, counted, events = after([*clips(STREET, 7), *clips(HOUSE, 1)], state=state)
    assert counted == [True] * 7 + [False]
    assert changes(events) == [(ViewChange.LEARNT, 0), (ViewChange.MOVED, None)]


def test_a_clip_in_which_the_camera_turns_is_told_and_not_learnt() -> None:
    state, _, _ = after(clips(STREET, 7))
    turned, _, events = after([sight_of(STREET, steady=0.1)], state=state)
    assert "moved during the clip" in events[0].reason
    assert turned.epochs == state.epochs


def test_the_day_is_followed_from_light_to_light() -> None:
    """Each light is as like the next as day and dusk are; the last is nothing like the first."""
    random = np.random.default_rng(4)
    shown = 0.3 * (random.normal(size=(36, 44)) + 1j * random.normal(size=(36, 44)))
    first, sights = shown, []
    for _ in range(40):
        shown = 0.93 * shown + 0.11 * (random.normal(size=(36, 44)) + 1j * random.normal(size=(36, 44)))
        sights.append(Sight(signature=coded(shown.astype(np.complex64)), fingerprint="00" * 99))
    assert aligned(shown.astype(np.complex64), [first.astype(np.complex64)])[0].similarity < 0.2
    state, counted, _ = after(sights)
    assert all(counted)
    assert len(state.epochs[0].looks) <= LOOKS_KEPT


def test_a_slow_drift_is_followed_and_ends_where_the_zones_would_be_lost() -> None:
    """A cell (8 px) at a time, to 1/8 of the width: there the view is another."""
    steps = [sight_of(STREET, right=right, grain=right) for right in (0, 0, 0, 1, 2, 3, 4, 5, 6, 7)]
    state, counted, _ = after(steps)
    assert counted == [right / 44 <= FARTHEST for right in (0, 0, 0, 1, 2, 3, 4, 5, 6, 7)]
    shift = place(state.scene(), field_of(STREET, right=4)).shift
    assert shift.right == pytest.approx(4 / 44, abs=0.005)
    assert shift.down == pytest.approx(0, abs=0.005)


def test_known_and_unconfirmed_at_once_is_known_unless_clearly_the_other() -> None:
    """Fog that lasts must not shut the street out; a house must not be taken for it either."""
    state, _, _ = after([*clips(STREET, 7), *clips(HOUSE, 12)])
    between = 0.45 * field_of(STREET) + 0.55 * field_of(HOUSE)
    assert place(state.scene(), between).counted
    house = 0.3 * field_of(STREET) + 0.7 * field_of(HOUSE)
    assert place(state.scene(), house).epoch == 1


def test_there_is_an_end_to_new_views() -> None:
    state, _, _ = after(clips(STREET, 7))
    for view in range(10, 12 + EPOCHS_KEPT):
        state, counted, _ = after(clips(view, 4), every_min=15, state=state)
        assert not any(counted)
    assert len(state.epochs) == 1 + EPOCHS_KEPT
    assert isinstance(state.scene(), Scene)


steps = st.lists(
    st.tuples(st.integers(-30, 600), st.sampled_from([STREET, HOUSE]), st.integers(0, 3), st.booleans()), max_size=14
)


@settings(max_examples=25, deadline=None)
@given(steps=steps)
def test_late_and_repeated_clips_change_nothing_and_the_same_clips_decide_the_same(
    steps: list[tuple[int, int, int, bool]],
) -> None:
    state = CameraViews(camera="06710")
    newest: list[tuple[int, Sight]] = []
    for minute, view, grain, shaken in steps:
        sight = sight_of(view, grain=grain, steady=0.1 if shaken else 0.9)
        at = MIDNIGHT + timedelta(minutes=minute)
        before = state
        state, event = learnt(state, at, sight)
        if before.heard is not None and at <= before.heard:
            assert (state, event) == (before, None)
        else:
            newest.append((minute, sight))
        assert learnt(state, at, sight) == (state, None)
    again = CameraViews(camera="06710")
    for minute, sight in newest:
        again, _ = learnt(
            CameraViews.model_validate_json(again.model_dump_json()), MIDNIGHT + timedelta(minutes=minute), sight
        )
    assert again == state


def test_a_field_survives_its_text() -> None:
    field = field_of(STREET) * 2
    text = coded(field)
    assert len(text) == SIGNATURE_LENGTH
    back = decoded(text)
    visible = back != 0
    clipped = field.real.clip(-1, 1) + 1j * field.imag.clip(-1, 1)
    assert np.abs((back - clipped)[visible]).max() < 0.03
    assert coded(back) == text


@pytest.mark.parametrize("text", ["", "0" * (SIGNATURE_LENGTH - 1), "-" * SIGNATURE_LENGTH, "ü" * SIGNATURE_LENGTH])
def test_a_text_that_is_no_signature_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"letter"):
        decoded(text)


def test_numbers_survive_their_text() -> None:
    numbers = np.arange(64)
    assert numbers_of(text_of(numbers)).tolist() == numbers.tolist()


def test_alignment_finds_the_shift_between_two_cells() -> None:
    seen = 0.5 * (field_of(STREET, right=2) + field_of(STREET, right=3))
    found = aligned(seen, [field_of(STREET)])[0]
    assert found.right_cells == pytest.approx(2.5, abs=0.1)
    assert found.similarity > 0.6
    assert aligned(seen, []) == []


def test_a_field_without_edges_is_like_no_other() -> None:
    assert aligned(np.zeros((36, 44), np.complex64), [field_of(STREET)])[0].similarity == pytest.approx(0)
    assert steadiness(np.zeros((36, 44), np.complex64), field_of(STREET)) == pytest.approx(0)


def test_half_a_picture_of_lorries_is_steady_and_another_view_is_not() -> None:
    lorries = field_of(STREET).copy()
    lorries[:, :22] = field_of(PARK)[:, :22]
    assert steadiness(lorries, field_of(STREET)) > 0.9
    assert steadiness(field_of(HOUSE), field_of(STREET)) < 0.3
