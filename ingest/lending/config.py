"""Where clips are lent, to whom, and how many bytes of them are held."""

from __future__ import annotations

import os
import re
import socket
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from core.config import Closed
from core.errors import ConfigError

LEAST_TOKEN = 16
"""Characters. A shorter one could be guessed."""

_NAME = re.compile(r"(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.?")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on


class LendingConfig(Closed):
    """Fetched clips wait in the memory of the process that fetched them, and are lent to whoever counts them.

    `host` and `port` are where it listens. `host_env` names the variable that holds the name or address by which the
    others reach this very process (a pod's own address); without it that is `host` or, where this listens everywhere,
    the machine's name. `lenders` is whom clips are borrowed from: names, `*.example.org` for every name below one,
    addresses and networks. `token_env` names the variable that holds the secret that lenders and borrowers share.
    """

    host: str = Field(default="127.0.0.1", min_length=1, max_length=253)
    port: int = Field(default=8322, ge=0, le=65_535, description="0 takes a free one")
    host_env: str = Field(default="BUSYNESS_LEND_HOST", max_length=200)
    lenders: tuple[str, ...] = Field(default=("127.0.0.1", "localhost"), min_length=1, max_length=1000)
    token_env: str = Field(default="BUSYNESS_LEND_TOKEN", max_length=200)
    megabytes: PositiveInt = Field(default=64, le=65_536, description="of lent clips; beyond it fetched ones wait")
    keep_s: PositiveFloat = Field(default=600.0, le=86_400, description="how long a lent clip can be asked for (again)")
    borrow_timeout_s: PositiveFloat = Field(default=10.0, le=300)

    @field_validator("lenders")
    @classmethod
    def _readable(cls, lenders: tuple[str, ...]) -> tuple[str, ...]:
        for entry in lenders:
            if network_of(entry) is None and not _NAME.fullmatch(entry):
                raise ValueError(f"{entry!r} is no name, address or network, as ingest-0.ingest, *.ingest, 10.0.0.0/8")
        return lenders

    def token(self) -> str:
        """The shared secret. Raises `ConfigError` where there is none, or it is too short or cannot be sent."""
        token = os.environ.get(self.token_env, "")
        if len(token) < LEAST_TOKEN or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise ConfigError(
                f"the variable {self.token_env} holds no secret of at least {LEAST_TOKEN} printable characters",
                remedy="set it to the same for every worker, for instance to what `openssl rand -hex 32` gives",
            )
        return token

    def reached_as(self) -> str:
        """The name or address by which other processes reach the lender that runs here."""
        name = os.environ.get(self.host_env) or (socket.gethostname() if self.host in _EVERYWHERE else self.host)
        return f"[{name}]" if ":" in name else name.lower()

    def may_borrow_from(self, host: str) -> bool:
        """Whether a host that a clip's location names is one of the lenders. Names are compared, and not looked up."""
        name = host.rstrip(".").lower()
        try:
            address = ip_address(name)
        except ValueError:
            entries = (entry.rstrip(".").lower() for entry in self.lenders)
            return any(name == entry or (entry[:2] == "*." and name.endswith(entry[1:])) for entry in entries)
        networks = (network_of(entry) for entry in self.lenders)
        return any(network is not None and address in network for network in networks)


def network_of(entry: str) -> IPv4Network | IPv6Network | None:
    """The network or single address that an entry of `lenders` is; None for a name."""
    try:
        return ip_network(entry)
    except ValueError:
        return None
