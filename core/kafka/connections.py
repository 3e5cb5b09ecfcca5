"""The connections of one client of kafka-python, which remember why there is none."""

from __future__ import annotations

import logging
import socket
from typing import Any

from kafka import errors
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

# Each attempt to connect is an error to it, several times a second while a broker is away. We say that once, ourselves.
for _name in ("kafka.net", "kafka.cluster"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)
logging.getLogger("kafka.admin").setLevel(logging.INFO)  # at DEBUG it logs what it is told, the password among it


class ClosingSocket(KafkaNetSocket):  # type: ignore[misc]  # kafka-python has no types
    """kafka-python leaves the sockets of connections that were refused open: a broker that is away for an hour would
    take all that a process may have. It chooses who connects by the scheme of a proxy; this one goes straight on."""

    SCHEMES = ("straight",)

    async def sock_connect(self, net: Any, sock: socket.socket, *told: Any, **more: Any) -> socket.socket:
        connected = False
        try:
            reached: socket.socket = await super().sock_connect(net, sock, *told, **more)
            connected = True
            return reached
        finally:
            if not connected:
                sock.close()


STRAIGHT = "straight://"


class Connections(KafkaConnectionManager):  # type: ignore[misc]  # kafka-python has no types
    """A client that finds no broker says that it could not bootstrap, whether nobody listens or a password is wrong.

    `failure` is what came of the last attempt before the first success; that somebody refused us, above all.
    """

    def __init__(self, net: NetworkSelector, **told: Any) -> None:
        self.net = net
        self.failure: Exception | None = None
        super().__init__(net, **told)

    def get_connection(self, node_id: Any, *told: Any, **more: Any) -> Any:
        connection = super().get_connection(node_id, *told, **more)
        if not self.bootstrapped:
            connection.init_future.add_errback(self._remember)
        return connection

    def end(self) -> None:
        """Close what a client that was never finished has left behind: a thread, and sockets."""
        KafkaNetClient(self.net, self).close()

    def _remember(self, failure: Exception) -> None:
        if not isinstance(self.failure, errors.SaslAuthenticationFailedError | errors.AuthorizationError):
            self.failure = failure
