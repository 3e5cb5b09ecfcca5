"""How long to wait after a failure, and which failures are worth another try at once."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random

LONGEST_RETRY_AFTER_S = 3600.0
"""However long a publisher asks for: a slip of its pen shall not lose us a city for a year."""

AT_ONCE = frozenset({502, 503, 504})
"""What a proxy answers whose server was not there for a moment. One more try within the same get; the rest of the
failures come back by themselves when the camera is due again."""

_SECONDS = re.compile(r"[0-9]+")


def http_date(text: str | None) -> datetime | None:
    """A date of HTTP in UTC (RFC 9110, 5.6.7); None where there is none, or it cannot be read."""
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):  # the parser's ways of saying that it is none
        return None


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """What a `Retry-After` asks for, in seconds from now (RFC 9110, 10.2.3): at most an hour, never negative.

    `now` is the time by the publisher's own clock, since a date is told by that. None where it cannot be read.
    """
    if text is None:
        return None
    if _SECONDS.fullmatch(text.strip()):
        return min(float(text), LONGEST_RETRY_AFTER_S)
    until = http_date(text)
    return None if until is None else min(max(0.0, (until - now).total_seconds()), LONGEST_RETRY_AFTER_S)


def backoff_s(attempt: int, random: Random, *, base_s: float, cap_s: float) -> float:
    """Seconds before try `attempt` + 1, the first being 0: uniform in [0, min(cap, base 2^attempt)].

    Full jitter, so that those who failed together do not come back together: M. Brooker, "Exponential Backoff And
    Jitter", AWS Architecture Blog, 2015.
    """
    return random.uniform(0.0, min(cap_s, base_s * 2.0 ** min(attempt, 60)))
