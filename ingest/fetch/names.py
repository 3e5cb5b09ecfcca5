"""From a host's name to its addresses: once, and not for longer than a request may take."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Sequence

Resolve = Callable[[str], Sequence[str]]
"""The addresses of a name, as text, best first. Raises `OSError`."""


def system_addresses(host: str) -> Sequence[str]:
    """What this machine's resolver makes of `host`: a name, an address, or one of the spellings libc takes for one."""
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(_written(sockaddr) for *_, sockaddr in answers))


def _written(sockaddr: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> str:
    """An address with its scope: `getaddrinfo` tells the scope apart, and without it a link-local one leads nowhere."""
    address = str(sockaddr[0])
    scope = sockaddr[3] if len(sockaddr) == 4 else 0
    return f"{address}%{scope}" if scope and "%" not in address else address


def resolved(resolve: Resolve, host: str, timeout_s: float) -> Sequence[str]:
    """`resolve(host)`, given up after `timeout_s`. Raises `OSError`, of which `TimeoutError` is one.

    libc's resolver knows no deadline: it runs in a thread of its own, which ends when libc does.
    """
    answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolve(host))
        except Exception as error:  # whatever it is belongs to the thread that asked
            answers.put(error)

    threading.Thread(target=ask, name=f"resolve-{host}", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError(f"its name was not resolved in {timeout_s:.0f} s") from None
    if isinstance(answer, UnicodeError):
        raise OSError("its name is not one that can be resolved") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
