"""`python -m services.ready`: fetches what the tests of services start, and says what is missing for them."""

from __future__ import annotations

import sys

from services.kafka_broker import NoKafka, jars
from services.postgres_server import binaries


def main() -> str | None:
    """What to do about it, where something is missing."""
    if binaries() is None:
        return "needs PostgreSQL: on Debian, apt-get install postgresql"
    try:
        jars()
    except NoKafka as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
