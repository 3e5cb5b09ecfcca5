"""How figures are said in a report: British English, a share as per cent, an interval beside everything."""

from __future__ import annotations

import math
from datetime import datetime
from zoneinfo import ZoneInfo

NOTHING = "–"


def against_usual(noun: str, index: float, low: float, high: float) -> str:
    """As "12 % more people than usual (90 % interval 4 to 21 % more)"."""
    share = round(100 * (index - 1))
    told = (
        f"{abs(share)} % {'more' if share > 0 else 'fewer'} {noun} than usual" if share else f"as many {noun} as usual"
    )
    return f"{'about ' if low <= 1 <= high else ''}{told} (90 % interval {_edges(low, high)})"


def _edges(low: float, high: float) -> str:
    below, above = round(100 * (low - 1)), round(100 * (high - 1))
    if below >= 0:
        return f"{below} to {above} % more"
    if above <= 0:
        return f"{-above} to {-below} % fewer"
    return f"from {-below} % fewer to {above} % more"


def ratio(index: float, low: float, high: float) -> str:
    """As "1.12 (1.04–1.21)"."""
    if math.isnan(index):
        return NOTHING
    return f"{index:.2f} ({low:.2f}–{high:.2f})"


def figure(value: float, digits: int = 1) -> str:
    return NOTHING if math.isnan(value) else f"{value:,.{digits}f}"


def share(value: float) -> str:
    return NOTHING if math.isnan(value) else f"{100 * value:.0f} %"


def day(time: datetime, timezone: str) -> str:
    """As "9 March 2017", where the street is."""
    local = time.astimezone(ZoneInfo(timezone))
    return f"{local.day} {local:%B %Y}"


def moment(time: datetime, timezone: str) -> str:
    """As "Thu 9 March, 17:00", where the street is."""
    local = time.astimezone(ZoneInfo(timezone))
    return f"{local:%a} {local.day} {local:%B, %H:%M}"


def counted(number: int, one: str, many: str) -> str:
    """As "1 place", "3 places"."""
    return f"{number} {one if number == 1 else many}"
