"""A model as its user asked for it: thresholds or a runtime that were said stand in its name and are kept."""

from __future__ import annotations

from collections.abc import Sequence

from detect.model import CountingModel, Density
from ingest.frame import Frame


class AsAsked:
    """A model opened with `?query` after its name. It is no `BoxModel`, so thresholds that were said are not swept."""

    def __init__(self, model: CountingModel, query: str) -> None:
        self._model = model
        self._name = f"{model.name}?{query}"
        self._trained_cameras: tuple[str, ...] | None = getattr(model, "trained_cameras", None)

    @property
    def name(self) -> str:
        return self._name

    @property
    def trained_cameras(self) -> tuple[str, ...] | None:
        return self._trained_cameras

    def density(self, frames: Sequence[Frame]) -> Density:
        return self._model.density(frames)
