"""What the scans of the source share: its places, which of them have no pixels, and what is found in a line."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

WITHOUT_PIXELS = (
    "ingest/fetch", "ingest/feeds", "ingest/loops", "ingest/stream", "ingest/city", "ingest/jail", "ingest/lending",
    "ingest/borrowing.py",
)  # fmt: skip
"""Parts of ingest that speak with the world outside. What comes and goes there is bytes nobody has looked into: these
parts may import what they like except the rooms and libraries that can make a picture of them (pyproject.toml holds
that), and are searched for a touch of pixels like every room without them."""

CLIP_OPENERS = {"self._opener", "source"}  # `ClipOpener.open(clip, frames)` opens no file to write


class Violation(NamedTuple):
    line: int
    what: str


def modules(*rooms: str) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for room in rooms for path in (ROOT / room).rglob("*.py"))


def modules_with_pixels(*rooms: str) -> list[str]:
    return [place for place in modules(*rooms) if not place.startswith(WITHOUT_PIXELS)]


def source_of(place: str) -> str:
    return (ROOT / place).read_text(encoding="utf-8")


def reads(call: ast.Call) -> bool:
    """Whether a call of `.open` names a mode that only reads, or opens a clip."""
    modes = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg in ("mode", None))]
    reading = all(isinstance(mode, ast.Constant) and mode.value in ("r", "rb") for mode in modes)
    return isinstance(call.func, ast.Attribute) and (reading or ast.unparse(call.func.value) in CLIP_OPENERS)
