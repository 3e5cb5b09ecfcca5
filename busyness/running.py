"""What the installation that runs with a configuration says, for commands beside it: it alone has the store open."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from busyness.config import Config


def ask(config: Config, path: str, params: Mapping[str, str], *, timeout_s: float) -> httpx.Response | None:
    """The answer of whatever status; None where nothing answers at the configured address."""
    host = "127.0.0.1" if config.api.host in ("0.0.0.0", "::") else config.api.host  # noqa: S104 - not listened on here
    address = f"http://{f'[{host}]' if ':' in host else host}:{config.api.port}{path}"
    try:
        return httpx.get(address, params=dict(params), timeout=timeout_s, trust_env=False)
    except httpx.HTTPError:
        return None
