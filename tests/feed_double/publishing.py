"""What each camera shows at a moment: a new edition every cadence, as its schedule and its faults have it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from feed_double.cameras import DoubledCamera
from feed_double.config import Fleet
from feed_double.faults import FaultKind, FaultPlan
from feed_double.ledger import Ledger, PublishedVersion
from feed_double.media import Album, Medium, marked, placeholder_still, spoiled, street_still

FROZEN = (FaultKind.FROZEN_STILL, FaultKind.FROZEN_TOUCHED, FaultKind.FROZEN_RETAGGED)


@dataclass(frozen=True)
class Edition:
    """What one camera shows from `published_at` on; `clip` is None for cameras of stills. `retagged` counts new ETags.

    `modified` is the same to the second, as publishers tell it.
    """

    number: int
    published_at: datetime
    still: Medium
    clip: Medium | None
    fault: FaultKind | None = None
    retagged: int = 0

    @property
    def modified(self) -> datetime:
        return self.published_at.replace(microsecond=0)

    def medium(self, form: str) -> Medium | None:
        return self.clip if form == "mp4" else self.still

    def etag(self, form: str) -> str:
        """Quoted, as a header has it."""
        medium = self.medium(form)
        assert medium is not None
        return f'"{medium.md5}"' if not self.retagged else f'"{self.retagged:08x}{medium.md5[8:]}"'


@dataclass
class _Shelf:
    """One camera's state: its edition, and when the next is due, in seconds since the start."""

    camera: DoubledCamera
    drawing: random.Random
    due_s: float
    edition: Edition
    recording: int
    fetched_s: float | None = None


@dataclass
class Publisher:
    """One fleet. Editions are derived from the schedule when they are asked for, so nothing needs to tick."""

    fleet: Fleet
    cameras: Sequence[DoubledCamera]
    plan: FaultPlan
    ledger: Ledger
    start: datetime
    seed: int
    hold_s: float | None = None
    _shelves: dict[str, _Shelf] = field(default_factory=dict)
    _paused_s: float | None = None

    def __post_init__(self) -> None:
        for camera in self.cameras:
            drawing = random.Random(f"{self.seed}:{camera.id}")
            published_s = -camera.phase_s
            edition = self._edition(camera, None, camera.first, 0, published_s, drawing)
            self._shelves[camera.id] = _Shelf(camera, drawing, published_s, edition, camera.first)
            self._shelves[camera.id].due_s += self._step(drawing)
            self._enter(camera, edition)

    @property
    def form(self) -> str:
        """What this fleet is watched for: its clips, or its stills where it has none."""
        return "mp4" if self.fleet.clips else "jpg"

    def current(self, camera: str, at_s: float) -> Edition | None:
        """What the camera shows at this moment; None for a camera of others."""
        shelf = self._shelves.get(camera)
        if shelf is None:
            return None
        if self._paused_s is None:
            self._advance(shelf, at_s)
        return shelf.edition

    def advance(self, at_s: float) -> None:
        """Every camera to this moment, so that the ledger is whole."""
        for camera in self._shelves:
            self.current(camera, at_s)

    def pause(self, at_s: float) -> None:
        """Nothing new from here on, until `resume`."""
        if self._paused_s is None:
            self.advance(at_s)
            self._paused_s = at_s

    def resume(self, at_s: float) -> None:
        """Every schedule goes on where it stood; what is held has to be fetched again, by whoever is there now."""
        if self._paused_s is not None:
            for shelf in self._shelves.values():
                shelf.due_s += at_s - self._paused_s
                shelf.fetched_s = None
            self._paused_s = None

    def fetched(self, camera: str, at_s: float) -> None:
        """Somebody has the whole clip now: a held edition may go its way."""
        if (shelf := self._shelves[camera]).fetched_s is None:
            shelf.fetched_s = at_s

    def _advance(self, shelf: _Shelf, at_s: float) -> None:
        while (due_s := self._due(shelf)) is not None and due_s <= at_s:
            shelf.due_s = due_s
            fault = self.plan.content(shelf.camera.id, due_s)
            if fault is None or fault.kind is not FaultKind.FROZEN_STILL:
                shelf.recording += 1
                number = shelf.edition.number + 1
                shelf.edition = self._edition(
                    shelf.camera, shelf.edition, shelf.recording, number, shelf.due_s, shelf.drawing
                )
                shelf.fetched_s = None
                self._enter(shelf.camera, shelf.edition)
            shelf.due_s += self._step(shelf.drawing)

    def _due(self, shelf: _Shelf) -> float | None:
        if self.hold_s is None:
            return shelf.due_s
        return None if shelf.fetched_s is None else max(shelf.due_s, shelf.fetched_s + self.hold_s)

    def _step(self, drawing: random.Random) -> float:
        """Seconds to the next edition: the cadence, give or take, but never less than half of it."""
        return max(self.fleet.cadence_s / 2, drawing.gauss(self.fleet.cadence_s, self.fleet.jitter_s))

    def _edition(
        self,
        camera: DoubledCamera,
        before: Edition | None,
        recording: int,
        number: int,
        published_s: float,
        drawing: random.Random,
    ) -> Edition:
        published_at = self.start + timedelta(seconds=published_s)
        fault = self.plan.content(camera.id, max(0.0, published_s))  # what lies on the shelf at the start counts too
        if before is None and fault and fault.kind in FROZEN:
            fault = None  # there is nothing yet to be frozen
        kind = fault.kind if fault else None
        mark = f"{camera.id} edition {number}"
        if before is not None and kind in FROZEN:
            retagged = number if kind is FaultKind.FROZEN_RETAGGED else before.retagged
            return Edition(number, published_at, before.still, before.clip, kind, retagged)
        moved = kind is FaultKind.MOVED_VIEW
        clip = self._shown(self.fleet.clips, camera, recording, mark, moved)
        plain = street_still(self.seed + moved)
        still = self._shown(self.fleet.stills, camera, recording, mark, moved) or marked(plain, mark)
        if kind is FaultKind.PLACEHOLDER:
            still = marked(placeholder_still(), mark)
            clip = self._card.medium(number, mark) if clip else None
        elif fault and not moved:
            seed = f"{drawing.random()}"
            still = spoiled(still, fault, seed)
            clip = spoiled(clip, fault, seed) if clip else None
        return Edition(number, published_at, still, clip, kind)

    def _shown(
        self, folders: Sequence[Album], camera: DoubledCamera, recording: int, mark: str, moved: bool
    ) -> Medium | None:
        if not folders:
            return None
        return folders[(camera.album + moved) % len(folders)].medium(recording, mark)

    @property
    def _card(self) -> Album:
        return self.fleet.placeholders or Album((placeholder_still(),))

    def _enter(self, camera: DoubledCamera, edition: Edition) -> None:
        """Into the ledger."""
        medium = edition.medium(self.form)
        assert medium is not None
        self.ledger.published(
            PublishedVersion(
                camera=camera.id,
                number=edition.number,
                form=self.form,
                content=medium.content,
                size=medium.size,
                published_at=edition.published_at,
                modified=edition.modified,
                fault=edition.fault.value if edition.fault else None,
            )
        )
