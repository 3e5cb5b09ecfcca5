r"""How a camera's views are learnt from its clips, one after the other: a pure step from state to state.

    no view known --3 clips in a row, over half an hour, that agree--> epoch 0, counted (as those clips were)
    epoch 0 shown --a clip unlike it--> away: nothing is counted
    away --a clip like epoch 0--> shown again, counted
    away --3 clips in a row, over half an hour, that agree--> epoch 1, not counted until an operator confirms it

Any of them an operator may confirm, and take that back, the first one too.

A clip that shows a known view makes its looks more certain, or adds one; the looks of long ago go. So a view is
followed through the day and the seasons, and where the camera slowly sinks or comes back askew its `shift` is followed
too, but never farther than `FARTHEST` from where its zones were drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, SerializerFunctionWrapHandler, model_serializer

from core.config import Closed
from core.records import REASON_LENGTH, ClipReady, ContentHash, Identifier, UtcTime
from detect.scene import EPOCHS_KEPT, LOOKS_KEPT, KnownView, LastClip, Look, Scene, Sight
from detect.view_field import averaged, coded, decoded
from detect.view_match import ALIKE, STEADY, Placed, moved, place

AGREEING_CLIPS = 3
"""So many in a row make a view: the first one, or a new one."""

LASTING = timedelta(minutes=30)
"""A view lasts at least so long, the first one too: an operator who looks round is back by then."""

HANDLED_KEPT = 64
"""So many clips of a camera a bus may deliver again: far more than a worker has in hand at once."""

MODELS_KEPT = 2
"""While a fleet of workers goes over to another model, both count."""

_ASKEW_CELLS = 0.4  # a look that lies farther off is one of its own
_CLIPS_AVERAGED = 8  # a look follows the seasons: older clips than so many fade
_USUAL_WEIGHT = 0.1


class ViewChange(StrEnum):
    """What a clip, or an operator, changed of what is known of a camera's view."""

    LEARNT = "learnt"
    MOVED = "moved"
    RETURNED = "returned"
    NEW_VIEW = "new_view"
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    FORGOTTEN = "forgotten"


class ViewEvent(Closed):
    """A change of a camera's view at `at`, in words for the operator.

    `epoch` is the view that it shows from then on, if any; what it shows is counted after `learnt`, `returned` and
    `confirmed`, where it shows the view confirmed, and not after `moved` and `new_view`, nor after `unconfirmed`, where
    it shows that one. After `forgotten` it begins anew.
    """

    camera: Identifier
    at: UtcTime
    change: ViewChange
    epoch: NonNegativeInt | None
    reason: str = Field(min_length=1, max_length=REASON_LENGTH)


class Epoch(Closed):
    """A lasting view of a camera. The first is counted as it was learnt, others once an operator confirmed them; none
    that one has said is not to be."""

    number: NonNegativeInt
    looks: tuple[Look, ...] = Field(min_length=1, max_length=LOOKS_KEPT)
    since: UtcTime
    seen_at: UtcTime
    clips: PositiveInt
    usual: float = Field(default=1.0, ge=-1, le=1)
    confirmed_by: str | None = Field(default=None, min_length=1, max_length=200)
    confirmed_at: UtcTime | None = None
    unconfirmed_by: str | None = Field(default=None, min_length=1, max_length=200)
    unconfirmed_at: UtcTime | None = None

    @property
    def counted(self) -> bool:
        return self.confirmed_by is not None or (self.number == 0 and self.unconfirmed_by is None)

    @model_serializer(mode="wrap")
    def _silent(self, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What nobody has said is not written, so that a version before this one reads the document."""
        unsaid = {name for name in ("unconfirmed_by", "unconfirmed_at") if getattr(self, name) is None}
        return {name: held for name, held in dumped(self).items() if name not in unsaid}

    def view(self) -> KnownView:
        return KnownView(epoch=self.number, counted=self.counted, looks=self.looks, since=self.since, usual=self.usual)


class HandledClip(Closed):
    """A clip that was counted, or of which was said why it cannot be; `content` is null where it had none."""

    event_time: UtcTime
    content: ContentHash | None = None


class CameraViews(Closed):
    """All that is known of a camera's views. `trial` is a view that has not lasted yet; `shown` the epoch of the last
    clip, null where it was of none; `heard` the newest clip that was learnt from. `handled` are the last clips of each
    model that counts them, where a bus may deliver one again. `last` is in no dump of this record: where people were in
    it can be told from its fingerprint, so it must not come to lie on a disk. `last_clip` says where that clip is, so
    that a process that takes the camera over can look at it again."""

    version: Literal[1] = 1
    camera: Identifier
    epochs: tuple[Epoch, ...] = Field(default=(), max_length=EPOCHS_KEPT + 1)
    trial: Epoch | None = None
    undecided: bool = False
    shown: NonNegativeInt | None = None
    away_since: UtcTime | None = None
    last: LastClip | None = Field(default=None, exclude=True)
    last_clip: ClipReady | None = None
    heard: UtcTime | None = None
    handled: dict[str, tuple[HandledClip, ...]] = Field(default={}, max_length=MODELS_KEPT)

    def scene(self) -> Scene:
        """What the worker is told before the camera's next clip."""
        views = self.epochs
        if not views and self.trial is not None and not self.undecided:
            views = (self.trial,)
        return Scene(
            views=tuple(epoch.view() for epoch in views),
            undecided=self.undecided,
            away_since=self.away_since,
            last=self.last,
        )


def learnt(state: CameraViews, at: datetime, sight: Sight) -> tuple[CameraViews, ViewEvent | None]:
    """The state after the clip of event time `at` with its sight, and what has changed by it.

    A clip that is not newer than all before it changes nothing: late and repeated clips have had their say.
    """
    if state.heard is not None and at <= state.heard:
        return state, None
    last = state.last if sight.fingerprint is None else LastClip(event_time=at, fingerprint=sight.fingerprint)
    heard = state.model_copy(update={"heard": at, "last": last})
    if sight.steady is not None and sight.steady < STEADY:
        unsettled = heard.model_copy(update={"trial": None}) if heard.epochs else heard
        return _away(unsettled, at, None, f"the camera moved during the clip (similarity {sight.steady:.2f})")
    if not state.epochs:
        return _first_views(heard, at, sight)
    placed = place(state.scene(), decoded(sight.signature))
    if placed.epoch is None:
        return _unknown_view(heard, at, placed, sight)
    return _known_view(heard, at, placed, sight)


def confirmed(state: CameraViews, number: int, by: str, at: datetime) -> tuple[CameraViews, ViewEvent]:
    """The state once an operator has said that a view may be counted, with the camera's zones as they are drawn."""
    said = {"confirmed_by": by, "confirmed_at": at, "unconfirmed_by": None, "unconfirmed_at": None}
    shown = state.shown == number
    after = _with_epoch(state, number, said).model_copy(update={"away_since": None if shown else state.away_since})
    reason = f"view {number} is counted from now on, confirmed by {by}"
    return after, _event(after, at, ViewChange.CONFIRMED, number if shown else state.shown, reason)


def unconfirmed(state: CameraViews, number: int, by: str, at: datetime) -> tuple[CameraViews, ViewEvent]:
    """The state once an operator has said that a view may not be counted, or not any more.

    Of a clip of it nothing is remembered: see `detect/fingerprint.py`.
    """
    said = {"confirmed_by": None, "confirmed_at": None, "unconfirmed_by": by, "unconfirmed_at": at}
    after = _with_epoch(state, number, said)
    if state.shown == number:
        after = after.model_copy(update={"away_since": state.away_since or at, "last": None, "last_clip": None})
    reason = f"view {number} is not counted from now on, says {by}"
    return after, _event(after, at, ViewChange.UNCONFIRMED, state.shown, reason)


def forgotten(state: CameraViews, by: str, at: datetime) -> tuple[CameraViews, ViewEvent]:
    """The state once an operator has said that the camera's views are to be learnt anew, as if it were a new camera.

    What remains is which clips were handled: those do not come again.
    """
    after = CameraViews(camera=state.camera, heard=state.heard, handled=state.handled)
    return after, _event(after, at, ViewChange.FORGOTTEN, None, f"its views are forgotten and learnt anew, says {by}")


def _with_epoch(state: CameraViews, number: int, said: Mapping[str, object]) -> CameraViews:
    epochs = tuple(epoch.model_copy(update=said) if epoch.number == number else epoch for epoch in state.epochs)
    dumped = state.model_copy(update={"epochs": epochs}).model_dump()
    return CameraViews.model_validate(dumped | {"last": state.last})


def remembered(state: CameraViews, clip: ClipReady, sight: Sight | None) -> CameraViews:
    """The state with what `clip`, which is its `last_clip`, showed when it was looked at again; without it, where it
    cannot be looked at any more."""
    if sight is None or sight.fingerprint is None:
        return state.model_copy(update={"last_clip": None})
    return state.model_copy(update={"last": LastClip(event_time=clip.event_time, fingerprint=sight.fingerprint)})


def handled_by(state: CameraViews, model: str, clip: ClipReady) -> bool:
    """Whether `model` has counted this clip, or said why it cannot, and the state knows of it yet."""
    return _handled(clip) in state.handled.get(model, ())


def noted(state: CameraViews, model: str, clip: ClipReady) -> CameraViews:
    """The state with one more clip that `model` has handled; those of long ago go, and those of models before."""
    clips = (*state.handled.get(model, ()), _handled(clip))[-HANDLED_KEPT:]
    others = [(name, theirs) for name, theirs in state.handled.items() if name != model]
    shown = state.last is not None and state.last.event_time == clip.event_time
    return state.model_copy(
        update={
            "handled": {**dict(others[1 - MODELS_KEPT :]), model: clips},
            "last_clip": clip if shown else state.last_clip,
        }
    )


def _handled(clip: ClipReady) -> HandledClip:
    return HandledClip(event_time=clip.event_time, content=clip.content)


def _first_views(state: CameraViews, at: datetime, sight: Sight) -> tuple[CameraViews, ViewEvent | None]:
    """Before a view is known: the first that lasts is epoch 0."""
    trial = _continued(state.trial, at, sight, number=0)
    if _lasts(trial, at):
        known = state.model_copy(
            update={"epochs": (trial,), "trial": None, "undecided": False, "shown": 0, "away_since": None}
        )
        reason = f"learnt from {trial.clips} clips in a row that agree"
        return known, _event(known, at, ViewChange.LEARNT, 0, reason)
    differs = state.trial is not None and trial.clips == 1
    trying = state.model_copy(update={"trial": trial, "undecided": state.undecided or differs})
    return _away(trying, at, None, "the first clips show different views") if trying.undecided else (trying, None)


def _known_view(state: CameraViews, at: datetime, placed: Placed, sight: Sight) -> tuple[CameraViews, ViewEvent | None]:
    """One of the epochs: its looks learn from the clip, and it is counted or not."""
    epochs = tuple(
        _with_clip(epoch, at, placed, sight) if epoch.number == placed.epoch else epoch for epoch in state.epochs
    )
    known = state.model_copy(update={"epochs": epochs, "trial": None})
    if not placed.counted:
        return _away(known, at, placed.epoch, _unlike(placed, f"view {placed.epoch}, which nobody has confirmed,"))
    back = known.model_copy(update={"shown": placed.epoch, "away_since": None})
    if state.away_since is None and state.shown == placed.epoch:
        return back, None
    reason = f"view {placed.epoch} is shown again (similarity {placed.similarity or 0:.2f})"
    return back, _event(back, at, ViewChange.RETURNED, placed.epoch, reason)


def _unknown_view(
    state: CameraViews, at: datetime, placed: Placed, sight: Sight
) -> tuple[CameraViews, ViewEvent | None]:
    """A view that none of the epochs is: a new epoch if it lasts."""
    number = len(state.epochs)
    trial = _continued(state.trial, at, sight, number)
    if not _lasts(trial, at) or number > EPOCHS_KEPT:
        return _away(state.model_copy(update={"trial": trial}), at, None, _unlike(placed, "an unknown view"))
    new = state.model_copy(
        update={
            "epochs": (*state.epochs, trial),
            "trial": None,
            "shown": number,
            "away_since": state.away_since or trial.since,
        }
    )
    reason = (
        f"a new view has lasted since {trial.since:%Y-%m-%d %H:%M} UTC ({trial.clips} clips): it is view {number}, and "
        "not counted until somebody confirms it"
    )
    return new, _event(new, at, ViewChange.NEW_VIEW, number, reason)


def _lasts(trial: Epoch, at: datetime) -> bool:
    return trial.clips >= AGREEING_CLIPS and at - trial.since >= LASTING


def _away(state: CameraViews, at: datetime, shown: int | None, reason: str) -> tuple[CameraViews, ViewEvent | None]:
    """Not of a counted view; told once, when it begins and when it becomes another known one."""
    away = state.model_copy(update={"shown": shown, "away_since": state.away_since or at})
    if state.away_since is not None and (shown is None or shown == state.shown):
        return away, None
    return away, _event(away, at, ViewChange.MOVED, shown, reason)


def _unlike(placed: Placed, shown: str) -> str:
    return f"the camera shows {shown} (similarity to the known one {placed.known:.2f}, usually {placed.usual:.2f})"


def _continued(trial: Epoch | None, at: datetime, sight: Sight, number: int) -> Epoch:
    """The trial with one more clip that agrees with it, or a trial anew."""
    if trial is not None:
        scene = Scene(views=(trial.view().model_copy(update={"counted": True}),))
        placed = place(scene, decoded(sight.signature))
        if placed.counted:
            return _with_clip(trial, at, placed, sight).model_copy(update={"number": number})
    look = Look(signature=sight.signature, seen_at=at)
    return Epoch(number=number, looks=(look,), since=at, seen_at=at, clips=1)


def _with_clip(epoch: Epoch, at: datetime, placed: Placed, sight: Sight) -> Epoch:
    """The view with one more of its clips: the look it is like becomes more certain, or there is one more."""
    look, found = epoch.looks[placed.look], placed.alignment
    askew = max(abs(found.right_cells), abs(found.down_cells)) > _ASKEW_CELLS
    others = [other for index, other in enumerate(epoch.looks) if index != placed.look]
    if found.similarity >= ALIKE and not askew:
        weight = 1 / (min(look.clips, _CLIPS_AVERAGED - 1) + 1)
        mixed = coded(averaged(decoded(look.signature), decoded(sight.signature), weight))
        looks = [*others, look.model_copy(update={"signature": mixed, "clips": look.clips + 1, "seen_at": at})]
    else:
        looks = [*others, look, Look(signature=sight.signature, shift=moved(look, found), seen_at=at)]
    kept = tuple(looks if len(looks) <= LOOKS_KEPT else sorted(looks, key=_seen_at)[1:])
    usual = epoch.usual + (found.similarity - epoch.usual) * (_USUAL_WEIGHT if epoch.clips > 1 else 1)
    return epoch.model_copy(update={"looks": kept, "seen_at": at, "clips": epoch.clips + 1, "usual": usual})


def _seen_at(look: Look) -> datetime:
    return look.seen_at


def _event(state: CameraViews, at: datetime, change: ViewChange, epoch: int | None, reason: str) -> ViewEvent:
    return ViewEvent(camera=state.camera, at=at, change=change, epoch=epoch, reason=reason[:REASON_LENGTH])
