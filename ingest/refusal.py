"""The words in which media are refused: what is wrong with which file, against which limit, and what to do."""

from __future__ import annotations

from core.records import Status
from ingest.source import UnusableClip


def oversize(name: str, size: str, limit: str, allowed: float) -> UnusableClip:
    """`name` has `size`, in words, which is over the setting `limit`."""
    return UnusableClip(
        Status.OVERSIZE,
        f"{name} has {size}, over the limit {limit} = {allowed:,.10g}",
        remedy=f"Give a smaller one, or raise {limit}",
    )


def undecodable(name: str, what: str) -> UnusableClip:
    """`name` `what`, as in "breaks off"."""
    return UnusableClip(Status.UNDECODABLE, f"{name} {what}", remedy="Fetch or record it again")


def unreachable(name: str, what: str, remedy: str) -> UnusableClip:
    """There are no bytes of `name` to examine."""
    return UnusableClip(Status.UNREACHABLE, f"{name} {what}", remedy=remedy)
