"""Shares as planners read them: whole per cent, and what is small with a decimal."""

from __future__ import annotations


def percent(share: float) -> str:
    """The size of a share without its sign: `12 %`, `1.4 %`, `0.3 %`."""
    size = abs(share) * 100
    return f"{size:.0f} %" if size >= 9.95 else f"{size:.1f} %"


def signed(share: float) -> str:
    """With its sign: `+12 %`, `−1.4 %`."""
    return f"{'−' if share < 0 else '+'}{percent(share)}"


def change_in_words(share: float) -> str:
    """`12 % fewer`, `3 % more`."""
    return f"{percent(share)} {'fewer' if share < 0 else 'more'}"


def interval_in_words(low: float, high: float) -> str:
    """`4 to 19 % fewer`, `11 % fewer to 6 % more`: the end that is nearer to nothing stands first."""
    if (low < 0) != (high < 0):
        return f"{change_in_words(low)} to {change_in_words(high)}"
    near, far = sorted((low, high), key=abs)
    return f"{percent(near).removesuffix(' %')} to {change_in_words(far)}"
