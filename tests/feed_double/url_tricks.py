"""URLs that have led fetchers astray, and the listener that none of them may reach.

In a URL `{forbidden}` is the port of a `ForbiddenListener` on 127.0.0.1 and ::1, `{honest}` that of a server which
answers at 127.0.0.2 for `cameras.example.org`. `leads_to` is what a name server says of the trick's host; without it
the host is read as libc reads numbers. Every trick must end as refused, but for those that are `harmless` if read
rightly: they may also end at the honest server. None may reach the listener, whoever put it on the allow-list.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass

HONEST_HOST = "cameras.example.org"
HONEST_ADDRESS = "127.0.0.2"
HONEST_NETWORK = "127.0.0.2/32"


@dataclass(frozen=True)
class Trick:
    """A URL, what its host's name leads to, and whether a right reading of it is an honest one."""

    url: str
    leads_to: tuple[str, ...] = ()
    harmless: bool = False

    def at(self, *, forbidden: int, honest: int) -> str:
        """The URL with the ports of the two servers."""
        return self.url.replace("{forbidden}", str(forbidden)).replace("{honest}", str(honest))

    def hosts(self, *, forbidden: int, honest: int) -> list[str]:
        """What an operator may have put on the allow-list who was taken in: all that could be the host, at its port."""
        words = re.findall(r"\[[^\]]*\]|[^/?#@\\:\[\]\s]+", self.at(forbidden=forbidden, honest=honest))
        return [entry for word in words for entry in (word, f"{word}:{forbidden}", f"{word}:{honest}")]

    def resolve(self, host: str) -> Sequence[str]:
        """A name server's answer, or libc's reading of a number. Asks nobody."""
        if host == HONEST_HOST:
            return [HONEST_ADDRESS]
        if self.leads_to:
            return self.leads_to
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [str(sockaddr[0]) for *_, sockaddr in answers]


def _hosts(*hosts: str) -> tuple[Trick, ...]:
    return tuple(Trick(f"http://{host}:{{forbidden}}/clip.mp4") for host in hosts)


def _urls(*urls: str) -> tuple[Trick, ...]:
    return tuple(Trick(url) for url in urls)


def _named(host: str, *leads_to: str) -> Trick:
    return Trick(f"http://{host}:{{forbidden}}/clip.mp4", leads_to)


SPELLINGS = _hosts(
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0X7F.1", "0177.0.0.1", "0177.1",
    "017700000001", "127.0x0.0.1", "127.000.000.001", "127.0.0.1.", "2130706433.", "127.0.0.1..", "0", "0x0", "0.0.0.0",
    "127.127.127.127", "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "[127.0.0.1]", "127.0.0.1%00", "127.0.0.1%23",
)  # fmt: skip
"""IPv4 loopback as libc, browsers and people have written it."""

SIXES = _hosts(
    "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:7F00:0001]",
    "[::127.0.0.1]", "[::7f00:1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:1::1]", "[2001:0:7f00:1::]", "[2001::80ff:fffe]",
    "[fe80::1]", "[fe80::1%lo]", "[fe80::1%25lo]", "[::1%251]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]",
    "[ff02::1]", "[ff0e::1]", "[100::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[4000::1]",
)  # fmt: skip
"""IPv6, and IPv4 wrapped in it: mapped, compatible, translated, 6to4, Teredo."""

NETWORKS = _hosts(
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
    "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1",
    "203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "0.1.2.3",
)  # fmt: skip
"""What is not global, the metadata services of the clouds among it."""

NAMES = (
    _named("trap.example.org", "127.0.0.1"),
    _named("trap.example.org", "::1"),
    _named("trap.example.org", "0.0.0.0"),
    _named("trap.example.org", "::ffff:127.0.0.1"),
    _named("trap.example.org", "64:ff9b::7f00:1"),
    _named("trap.example.org", "fe80::1%1"),
    _named("trap.example.org", "169.254.169.254"),
    _named("trap.example.org", "8.8.8.8", "127.0.0.1"),
    _named("trap.example.org", "127.0.0.1", "8.8.8.8"),
    _named("trap.example.org", "2001:4860:4860::8888", "::1"),
    _named("trap.example.org", "127.0.0.2", "127.0.0.1"),
    _named("trap.example.org", "localhost"),
    _named("trap.example.org", "127.1"),
    _named("trap.example.org", ""),
    _named("127.0.0.1.nip.io", "127.0.0.1"),
    _named("localhost", "127.0.0.1", "::1"),
    _named("LOCALHOST", "127.0.0.1"),
    _named("localhost.", "127.0.0.1"),
    _named("localhost.localdomain", "127.0.0.1"),
    _named("ip6-localhost", "::1"),
    _named("xn--localhost-", "127.0.0.1"),
    _named("metadata.google.internal", "169.254.169.254"),
)
"""Names whose server says what it likes, mixed answers included."""

CONFUSIONS = (
    *_urls(
        "http://cameras.example.org@127.0.0.1:{forbidden}/", "http://cameras.example.org:80@127.0.0.1:{forbidden}/",
        "http://cameras.example.org:{honest}@127.0.0.1:{forbidden}/", "http://a:b@c@127.0.0.1:{forbidden}/",
        "http://127.0.0.1:{forbidden}@cameras.example.org:{honest}/", "http://@127.0.0.1:{forbidden}/",
        "http://cameras.example.org%40127.0.0.1:{forbidden}/", "http://cameras.example.org&@127.0.0.1:{forbidden}#@x/",
        "http://cameras.example.org\\@127.0.0.1:{forbidden}/", "http://127.0.0.1:{forbidden}\\@cameras.example.org/",
        "http:\\\\127.0.0.1:{forbidden}\\", "http:/\\127.0.0.1:{forbidden}/", "http://cameras.example.org\\.localhost/",
        " http://127.0.0.1:{forbidden}/", "http://127.0.0.1:{forbidden}/ ", "http:// 127.0.0.1:{forbidden}/",
        "ht\ntp://127.0.0.1:{forbidden}/", "http://127.0.0.1\t:{forbidden}/", "http://127.0.0.\n1:{forbidden}/",
        "http://127.0.0.1:{forbidden}/\r\nHost: cameras.example.org", "http://127.0.0.1\x00.example.org:{forbidden}/",
        "http://127.0.0.1:{forbidden}/\u2028", "http://cameras.example.org\u202e:{forbidden}/",
        "http://[::1]@cameras.example.org:{honest}/", "http://[::1]cameras.example.org:{forbidden}/",
        "http://[[::1]]:{forbidden}/", "http://cameras.example.org[::1]:{forbidden}/", "http://[::1:{forbidden}/",
        "http://127.0.0.1:{forbidden}:80/", "http://127.0.0.1:+{forbidden}/", "http://127.0.0.1:000000{forbidden}/",
        "http://127.0.0.1: {forbidden}/", "http://cameras.example.org:0/", "http://cameras.example.org:99999/",
        "http://cameras.example.org:22/", "http://127.0.0.1:\uff18\uff10/", "http://.127.0.0.1:{forbidden}/",
        "http://cameras.example.org.:{honest}/", "http://cameras..example.org:{honest}/", "http://-127.0.0.1/",
        "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460:{forbidden}/", "http://127\u30020\u30020\u30021:{forbidden}/",
        "http://127\uff0e0\uff0e0\uff0e1:{forbidden}/", "http://\uff4c\uff4f\uff43alhost:{forbidden}/",
        "http://local\u00adhost:{forbidden}/", "http://localho\u017ft:{forbidden}/", "http://local\u200bhost/",
        "http://cameras.example\u3002org:{honest}/", "http://\u0661\u0662\u0667.0.0.1:{forbidden}/",
    ),
    Trick("http://cameras.example.org:{honest}#@127.0.0.1:{forbidden}/", harmless=True),
    Trick("http://cameras.example.org:{honest}?@127.0.0.1:{forbidden}/", harmless=True),
    Trick("http://cameras.example.org:{honest}/@127.0.0.1:{forbidden}/", harmless=True),
    Trick("http://cameras.example.org:{honest}/?url=http://127.0.0.1:{forbidden}/", harmless=True),
    Trick("http://cameras.example.org:{honest}//127.0.0.1:{forbidden}/", harmless=True),
    Trick("http://cameras.example.org:{honest}/../../127.0.0.1:{forbidden}/", harmless=True),
)  # fmt: skip
"""What one reader of URLs takes for the host, and another one for something else."""

SCHEMES = _urls(
    "file:///etc/passwd", "file://127.0.0.1/etc/passwd", "gopher://127.0.0.1:{forbidden}/_GET%20/", "data:,clip",
    "dict://127.0.0.1:{forbidden}/x", "ftp://127.0.0.1:{forbidden}/x", "ldap://127.0.0.1:{forbidden}/x",
    "ws://127.0.0.1:{forbidden}/", "rtsp://127.0.0.1:{forbidden}/", "http+unix://%2Frun%2Fdocker.sock/info",
    "jar:http://127.0.0.1:{forbidden}!/", "javascript:alert(1)", "http://", "http:///127.0.0.1:{forbidden}/",
    "http:127.0.0.1:{forbidden}", "://127.0.0.1:{forbidden}/", "HTTP://127.0.0.1:{forbidden}/", "concat:http://x|y",
    "url:http://127.0.0.1:{forbidden}/", "-http://127.0.0.1:{forbidden}/", "http\u2236//127.0.0.1:{forbidden}/",
    "http://cameras.example.org:{forbidden}.127.0.0.1/",
)  # fmt: skip
"""What is not http, or not quite."""

TRICKS = (*SPELLINGS, *SIXES, *NETWORKS, *NAMES, *CONFUSIONS, *SCHEMES)


class ForbiddenListener:
    """Listens on 127.0.0.1 and, where the machine has it, ::1, at one `port`; `connections` are those it ever had."""

    def __init__(self) -> None:
        self.connections = 0
        self._lock = threading.Lock()
        first = socket.create_server(("127.0.0.1", 0))
        self.port: int = first.getsockname()[1]
        self._sockets = [first]
        if socket.has_dualstack_ipv6():
            self._sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        self._threads = [threading.Thread(target=self._accept, args=(each,), daemon=True) for each in self._sockets]
        for thread in self._threads:
            thread.start()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # closed
                return
            with self._lock:
                self.connections += 1
            connection.close()

    def close(self) -> None:
        """Stop listening."""
        for listening in self._sockets:
            listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts; closing alone does not
            listening.close()
        for thread in self._threads:
            thread.join(timeout=5)
