"""How a feed of loops behaves towards its publisher: the settings that feeds of cameras have, under the same names."""

from __future__ import annotations

from pydantic import Field

from ingest.fetch.config import GuestConfig
from ingest.fetch.guard import host_entry


class LoopWeb(GuestConfig):
    """The limits at the publisher's host. `hosts` are those beside the one of the feed's own address."""

    hosts: tuple[str, ...] = Field(default=(), max_length=1000, description="beside that of the url")

    def at(self, url: str) -> GuestConfig:
        """How a guest behaves that asks `url`, in which {year} and the like may stand behind the host.

        Raises `FetchFailed` for an address that is none.
        """
        own = host_entry(url.partition("{")[0])
        return self.model_copy(update={"hosts": tuple(dict.fromkeys((own, *self.hosts)))})
