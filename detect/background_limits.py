"""How many clips a background is made of; see `detect/background.py` for why."""

from __future__ import annotations

LEAST_CLIPS = 12
MOST_CLIPS = 36
LEAST_APART_S = 180.0
"""From one clip to the next."""
