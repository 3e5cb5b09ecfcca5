"""Which of a camera's known views a signature is of: what the worker decides by, and what the parent learns by.

A pure function of the scene and the signature, so that both come to the same answer. No pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from detect.scene import COLUMNS, IN_PLACE, ROWS, KnownView, Look, Scene, Shift
from detect.view_field import ANYWHERE, REACH_CELLS, Alignment, Field, aligned, decoded, zoomed

KNOWN = 0.22  # similarity to the best look: the same view after hours, at dusk, turned 0.28 | another view 0.19
FAR_FIT = 0.10  # more at the farthest shift, less at a nearer one: over many shifts something fits by chance
RETURNED = 0.02  # more of a camera that was away
CLEARLY = 0.25  # a view that nobody has confirmed and that is more similar than a counted one by so much, is the view
FARTHEST = 1 / 8  # of the picture's width or height: askew by so much it is the known view, and its zones follow it
ALIKE = 0.50  # to a look: its clips, another hour's traffic and shadows 0.5 to 0.9 | the other light 0.3 to 0.5
ZOOMS = (0.75, 0.82, 0.9, 1.1, 1.22, 1.35)
"""A road towards its vanishing point is like itself when zoomed: so it is asked whether a clip fits better zoomed."""

STEADY = 0.30  # of a clip, see `steadiness`: real clips 0.70, lorries all over 0.35 | turned by 10 px or more 0.22


@dataclass(frozen=True)
class Placed:
    """The known view that a clip shows: its `epoch`, or None; whether it may be counted; the look that is most like it.

    `similarity` is to that view, or to the one most like it; None where none is known. `known` is that to the views
    that are counted and `usual` what theirs usually is (0 where there is none).
    """

    epoch: int | None
    counted: bool
    similarity: float | None = None
    shift: Shift = IN_PLACE
    look: int = 0
    alignment: Alignment = ANYWHERE
    known: float = 0.0
    usual: float = 0.0


@dataclass(frozen=True)
class _Candidate:
    view: KnownView
    look: int
    alignment: Alignment
    shift: Shift

    @property
    def similarity(self) -> float:
        return self.alignment.similarity

    def fits(self, away: bool) -> bool:
        """Whether the clip shows this view: not turned too far, and similar enough for how far it is turned."""
        if max(abs(self.shift.right), abs(self.shift.down)) > FARTHEST:
            return False
        far = max(abs(self.alignment.right_cells), abs(self.alignment.down_cells)) / REACH_CELLS
        return self.similarity >= KNOWN + FAR_FIT * far + (RETURNED if away and self.view.counted else 0.0)


def place(scene: Scene, seen: Field) -> Placed:
    """The view of `scene` that the clip with the signature `seen` shows.

    A counted view goes before one that is not: fog or snow that lasts is not to become a view of its own.
    """
    if not scene.views:
        return Placed(epoch=None, counted=False) if scene.undecided else Placed(epoch=0, counted=True)
    looks = [(view, index, look) for view in scene.views for index, look in enumerate(view.looks)]
    alignments = aligned(seen, [decoded(look.signature) for _, _, look in looks])
    candidates = [
        _Candidate(view, index, alignment, moved(look, alignment))
        for (view, index, look), alignment in zip(looks, alignments, strict=True)
    ]
    nearest = max((one for one in candidates if one.view.counted), key=_similarity, default=None)
    best = max(candidates, key=_similarity)
    usually = nearest.view.usual if nearest else 0.0
    known = Placed(None, False, best.similarity, known=nearest.similarity if nearest else 0.0, usual=usually)
    away = scene.away_since is not None
    fitting = [one for one in candidates if one.fits(away)]
    counted = max((one for one in fitting if one.view.counted), key=_similarity, default=None)
    other = max((one for one in fitting if not one.view.counted), key=_similarity, default=None)
    shown = counted
    if other and (counted is None or other.similarity > counted.similarity + CLEARLY):
        shown = other
    if shown is None or _zoomed(seen, shown):
        return known
    return replace(
        known,
        epoch=shown.view.epoch,
        counted=shown.view.counted,
        similarity=shown.similarity,
        shift=shown.shift,
        look=shown.look,
        alignment=shown.alignment,
    )


def _zoomed(seen: Field, shown: _Candidate) -> bool:
    """Whether the clip is more like the view zoomed in or out than like the view."""
    if shown.similarity >= ALIKE:
        return False
    look = decoded(shown.view.looks[shown.look].signature)
    return any(one.similarity > shown.similarity for one in aligned(seen, [zoomed(look, zoom) for zoom in ZOOMS]))


def moved(look: Look, alignment: Alignment) -> Shift:
    """Where a clip's view lies, by where it lies from one of the view's looks."""
    return Shift(
        right=look.shift.right + alignment.right_cells / COLUMNS, down=look.shift.down + alignment.down_cells / ROWS
    )


def _similarity(candidate: _Candidate) -> float:
    return candidate.similarity
