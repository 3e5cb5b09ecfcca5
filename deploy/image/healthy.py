"""Whether the worker of this container can work, for HEALTHCHECK: exit status 0, or 1 with the reason that it gives.

`BUSYNESS_HEALTH_PORT` is where it is asked: `worker.port`, or `api.port` of `busyness serve`.
"""

import http.client
import os
import sys

PORT = 9464
"""`worker.port` of configs/cluster.yaml."""


def main() -> int:
    """Ask on loopback, past any proxy that the environment names."""
    try:
        asked = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("BUSYNESS_HEALTH_PORT", PORT)), timeout=4)
        asked.request("GET", "/readyz")
        answer = asked.getresponse()
        sys.stdout.write(answer.read(2000).decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"does not answer: {error}")
        return 1
    return 0 if answer.status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
