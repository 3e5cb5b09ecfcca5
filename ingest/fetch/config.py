"""How a source behaves towards the hosts it asks: which ones, how often, how much, how long."""

from __future__ import annotations

import re
from importlib.metadata import version
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from core.config import Closed
from ingest.fetch.guard import AllowedHost

MIB = 1 << 20

_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_WIDEST = {4: 8, 6: 7}
"""The shortest prefix of a private network by IP version: 10.0.0.0/8 and fc00::/7 are the widest there are."""


class GuestConfig(Closed):
    """What a source may ask for, and how hard.

    `hosts` is the allow-list: exact names, `*.example.org` for every name below one, addresses (`[2001:4860::8]`), each
    with its port where that is not the scheme's own (`cam.example.org:8080`); `host_entry(url)` writes that of a URL.
    `private_networks` are the non-global networks that may be connected to after all: your own cameras.
    `deadline_s` bounds all that one request does on the network, redirects and the retry included, and not the waiting
    for the host's budget. `ca_file` (PEM) is trusted beside the public authorities: your own cameras' certificates.
    """

    hosts: tuple[str, ...] = Field(min_length=1, max_length=1000)
    private_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    requests_per_minute: PositiveFloat = Field(default=60.0, le=60_000)
    concurrency: PositiveInt = Field(default=4, le=64, description="requests at once to one host")
    connect_timeout_s: PositiveFloat = Field(default=5.0, le=60)
    read_timeout_s: PositiveFloat = Field(default=10.0, le=300, description="the longest silence in an answer")
    deadline_s: PositiveFloat = Field(default=30.0, le=900)
    max_bytes: PositiveInt = Field(default=16 * MIB, le=1024 * MIB, description="of an answer, unpacked")
    user_agent: str | None = Field(default=None, min_length=1, max_length=200)
    contact: str | None = Field(default=None, min_length=1, max_length=200, description="an address or page of yours")
    attempts: int = Field(default=2, ge=1, le=5, description="tries of a request whose connection breaks")
    ca_file: Path | None = None

    @field_validator("hosts")
    @classmethod
    def _readable(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for entry in hosts:
            AllowedHost.of(entry)
        return hosts

    @field_validator("private_networks")
    @classmethod
    def _not_everything(cls, networks: tuple[IPv4Network | IPv6Network, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
        for network in networks:
            if network.prefixlen < _WIDEST[network.version]:
                raise ValueError(f"private network {network} is wider than /{_WIDEST[network.version]}: name your own")
        return networks

    @field_validator("user_agent", "contact")
    @classmethod
    def _printable(cls, text: str | None) -> str | None:
        if text is not None and not _PRINTABLE.fullmatch(text):
            raise ValueError("is sent in a header: printable ASCII only")
        return text

    @property
    def introduction(self) -> str:
        """The `User-Agent`: what we are, in which version, and whom to write to."""
        name = self.user_agent or f"busyness/{version('busyness')}"
        return f"{name} ({self.contact})" if self.contact else name
