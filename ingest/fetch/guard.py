"""What may be asked for, and where a connection may lead. Nothing here trusts a URL, a redirect or a name server.

A URL is read strictly, and refused where two readers could disagree about its host; the host must be on the operator's
allow-list; and every address that its name stands for must be one that may be connected to. The last is asked when a
connection is made (`ingest.fetch.pinned`), and the connection goes to the address that was checked, so that a name
which changes its mind in between changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urljoin

import httpx

from core.records import LOCATION_LENGTH
from ingest.fetch.address import Address, Network, parsed, refusal
from ingest.fetch.budget import Server
from ingest.fetch.failure import Failure, refused
from ingest.fetch.names import Resolve, resolved

WEB_PORTS = {"http": 80, "https": 443}
STREAM_PORTS = {"rtsp": 554, "rtsps": 322}
_OWN_PORTS = (*WEB_PORTS.values(), *STREAM_PORTS.values())

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])"
_PORT = r"(?::(?P<port>[0-9]{1,5}))?"
_ENTRY = re.compile(rf"(?P<below>\*\.)?(?P<host>{_HOST}){_PORT}")
_URL = re.compile(rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>{_HOST}){_PORT}(?:[/?#].*)?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HOST_LENGTH = 253


@dataclass(frozen=True)
class AllowedHost:
    """An entry of the allow-list: `host`, or every name `below` it; with a `port`, or the schemes' own ones."""

    entry: str
    host: str
    below: bool
    port: int | None

    @classmethod
    def of(cls, entry: str) -> Self:
        """Read an entry such as `api.tfl.gov.uk`, `*.example.org` or `[::1]:8080`. Raises `ValueError`."""
        match = _ENTRY.fullmatch(entry)
        if match is None or len(match["host"]) > _HOST_LENGTH:
            raise ValueError(f"{entry!r} is not a host: write api.example.org, *.example.org or 10.0.0.7:8080")
        if match["below"] and (match["host"].startswith("[") or "." not in match["host"]):
            raise ValueError(f"{entry!r} allows too much: name a domain of your publisher, as in *.example.org")
        port = int(match["port"]) if match["port"] else None
        if port is not None and not 1 <= port <= 65_535:
            raise ValueError(f"{entry!r} has no port that exists: 1 to 65535")
        return cls(entry, match["host"].strip("[]").lower(), match["below"] is not None, port)

    def admits(self, host: str, port: int, own_ports: Collection[int]) -> bool:
        """Whether this entry allows `host` (lower case, an IPv6 address without brackets) at `port`."""
        return self._names(host) and (port in own_ports if self.port is None else port == self.port)

    def covers(self, server: Server) -> bool:
        """Whether this entry allows anything of a server at all."""
        return self._names(server.host) and server_at(server.host, self.port).port == server.port

    def _names(self, host: str) -> bool:
        return host.endswith(f".{self.host}") if self.below else host == self.host


def host_entry(url: str) -> str:
    """The allow-list's entry for a URL that the operator wrote: its host, and its port where it names an unusual one.

    Raises `FetchFailed` for one that is not a URL.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise _unreadable(url)
    port = match["port"]
    own_ports = STREAM_PORTS if match["scheme"].lower() in STREAM_PORTS else WEB_PORTS
    own = port is None or int(port) in own_ports.values()
    return match["host"] if own else f"{match['host']}:{port}"


@dataclass(frozen=True)
class Target:
    """A URL that may be asked for. `entry` of the allow-list admits it."""

    url: httpx.URL
    host: str
    port: int
    entry: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: who it is that answers."""
        return self.url.scheme, self.host, self.port

    @property
    def where(self) -> str:
        """The URL as messages show it: without its query, which may hold a key."""
        path, query, _ = self.url.raw_path.decode("ascii").partition("?")
        return f"{self.url.scheme}://{self.url.netloc.decode('ascii')}{path[:200]}{'?...' if query else ''}"

    @property
    def server(self) -> Server:
        """Whose patience it costs."""
        return server_at(self.host, self.port)


def server_at(host: str, port: int | None) -> Server:
    """Whose patience a request costs: the schemes' own ports of a host are one server, any other port another one.

    Only an operator can name another port, so no publisher can share its requests out between several budgets.
    """
    return Server(host, None if port in _OWN_PORTS else port)


class Guard:
    """The rules of one source: its allow-list, and the non-global networks it may reach after all."""

    def __init__(self, hosts: Iterable[str], private_networks: Iterable[Network], resolve: Resolve) -> None:
        self._hosts = tuple(AllowedHost.of(entry) for entry in hosts)
        self._private = tuple(private_networks)
        self._resolve = resolve

    def covers(self, server: Server) -> bool:
        """Whether this source may ask anything of a server."""
        return any(allowed.covers(server) for allowed in self._hosts)

    def target(self, url: str) -> Target:
        """`url`, where it may be asked for. Raises `FetchFailed`, without having looked up anything."""
        plain(url)
        match = _URL.fullmatch(url)
        if match is None or len(match["host"]) > _HOST_LENGTH:
            raise _unreadable(url)
        if match["scheme"].lower() not in WEB_PORTS:
            raise refused(f"{shown(url)} is not asked for: it is neither http nor https", "Use an http or https URL")
        try:
            read = httpx.URL(url)
        except httpx.InvalidURL:
            raise _unreadable(url) from None
        host, port = match["host"].strip("[]").lower(), int(match["port"] or WEB_PORTS[read.scheme])
        if (read.raw_host.decode("ascii").lower(), read.port or WEB_PORTS[read.scheme]) != (host, port):
            raise _unreadable(url)  # two readers disagree: one of them would be led elsewhere
        return Target(read.copy_with(fragment=None), host, port, self.admitted(host, port))

    def redirected(self, origin: Target, location: str) -> Target:
        """Where a redirect from `origin` leads, checked like any URL; never from https to http, where anyone could
        answer. What is neither a whole URL nor plainly a path is refused. Raises `FetchFailed`."""
        plain(location)
        if _SCHEME.match(location):
            target = self.target(location)
        elif location.startswith("//"):
            target = self.target(f"{origin.url.scheme}:{location}")
        elif not location.isascii() or ":" in re.split(r"[/?#]", location, maxsplit=1)[0]:
            raise _unreadable(location)
        else:
            target = self.target(urljoin(str(origin.url), location))
        if origin.url.scheme == "https" and target.url.scheme == "http":
            raise refused(f"{target.where} is not asked for: it is not secured", "Tell the publisher")
        return target

    def admitted(self, host: str, port: int, own_ports: Collection[int] = tuple(WEB_PORTS.values())) -> str:
        """The entry that admits `host` at `port`. Raises `FetchFailed` where none does."""
        for allowed in self._hosts:
            if allowed.admits(host, port, own_ports):
                return allowed.entry
        where = f"[{host}]" if ":" in host else host
        raise refused(
            f"{where}:{port} is not asked: it is not among the hosts of this source",
            f"If it belongs to the publisher, add {where if port in own_ports else f'{where}:{port}'} to `hosts`",
        )

    def endpoint(self, host: str, port: int, own_ports: Collection[int]) -> tuple[str, str]:
        """`host` as it is connected to, and the entry that admits it at `port`. Raises `FetchFailed`."""
        if not re.fullmatch(_HOST, f"[{host}]" if ":" in host else host):
            raise refused(f"{shown(host)} is not asked: it is not a host", "Write a name or an address")
        return host.lower(), self.admitted(host.lower(), port, own_ports)

    def addresses(self, host: str, timeout_s: float) -> Sequence[Address]:
        """What `host` stands for, resolved once, where all of it may be connected to.

        One address that may not be refuses the whole answer: no publisher has a reason to mix them, an attacker has.
        Raises `FetchFailed`, and `OSError` where the name cannot be resolved.
        """
        found: list[Address] = []
        for text in resolved(self._resolve, host, timeout_s):
            try:
                address = parsed(text)
            except ValueError:
                raise refused(
                    f"{host} is not asked: its name stands for something that is no address", _ASK_DNS
                ) from None
            kind = refusal(address, self._private)
            if kind is not None:
                raise refused(
                    f"{host} is not asked: it leads to {address}, which is not a public address ({kind})",
                    "If it is your own camera, add its network to `private_networks`; else tell the publisher",
                )
            found.append(address)
        if not found:
            raise OSError("its name has no address")
        return found


def plain(text: str) -> None:
    """Refuse what no honest URL has, and what readers of URLs drop, fold or turn round: each in its own way.

    White space, control characters, backslashes, more characters than a location may have. Raises `FetchFailed`.
    """
    if len(text) > LOCATION_LENGTH:
        raise refused(f"a URL of {len(text)} characters is not asked for", f"The longest allowed has {LOCATION_LENGTH}")
    if "\\" in text or not text.isprintable() or any(character.isspace() for character in text):
        raise _unreadable(text)


def shown(url: str) -> str:
    """A URL that nobody has checked, as messages show it: without credentials and without its query, which may hold a
    key. Where it cannot be told what is which, because an @ or a backslash comes after a ? or #, only its scheme."""
    match = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url)
    scheme = match[0] if match else ""
    rest, *query = re.split(r"(?=[?#])", url[len(scheme) :], maxsplit=1)
    if any(mark in part for part in query for mark in "@\\"):
        return f"{scheme}..."
    rest = re.split(r"[@\\]", rest)[-1][:200]
    text = "".join(character if character.isprintable() else "?" for character in f"{scheme}{rest}")
    return f"{text}?..." if query else text


_ASK_DNS = "Check the name and this machine's name server"


def _unreadable(url: str) -> Failure:
    return refused(
        f"{shown(url)} is not asked for: it is not a plain URL",
        "Write scheme://host:port/path, without credentials, spaces or backslashes, other alphabets as xn-- and %XX",
    )
