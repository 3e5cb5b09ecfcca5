"""What camera and loop say of each other, in a sentence."""

from __future__ import annotations

from datetime import date

from aggregate.beside.drift import Drift
from aggregate.beside.gain import Gain


def seconds_in_words(gain: Gain) -> str:
    return (
        f"a vehicle that passes the loop is seen for {gain.seconds:.1f} s "
        f"(90 % interval {gain.low:.1f} to {gain.high:.1f} s, {gain.hours} hours of {gain.days} days)"
    )


def drift_in_words(found: Drift, since: date) -> str:
    more = "more" if found.ratio > 1 else "fewer"
    low, high = sorted(abs(edge - 1) for edge in (found.low, found.high))
    told = f"{abs(found.ratio - 1):.0%} {more} vehicles to one that passes the loop"
    if not found.alarm:
        edges = f"{found.low - 1:+.0%} to {found.high - 1:+.0%}"
        return f"the last days agree with those before ({found.ratio - 1:+.0%}, 90 % interval {edges})"
    return (
        f"since {since.day} {since:%B %Y} the camera counts {told} than before (90 % interval {low:.0%} to "
        f"{high:.0%}): look whether its view, its lens or its model has changed, or the loop"
    )
