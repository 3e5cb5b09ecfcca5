"""Readings as whoever takes them from the bus gets them."""

from __future__ import annotations

from aggregate.revisions import revisions_of
from aggregate.tables import ReadingTable
from core.revisions import ReadingRevision


def announced(readings: ReadingTable) -> list[ReadingRevision]:
    """One for each row, in their order; each was held against the closed schema."""
    return [ReadingRevision.model_validate_json(one.payload) for one in revisions_of(readings)]
