"""The connections of one client of kafka-python, which remember why there is none."""

from __future__ import annotations

import logging
import socket
import time
from typing import Any

from kafka import errors
from kafka.future import Future
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.consumer import ListOffsetsRequest
from kafka.protocol.metadata import FindCoordinatorRequest

ASKING_S = 0.1
"""Who coordinates a group is asked no more often than this."""

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

    kafka-python also asks two things without a pause while a broker is away, each worker with a processor's whole
    time and with as much of the brokers', which need it to recover:

    - who coordinates a group, while the others have not noticed yet that it is gone and go on naming it. Asked too
      soon, it is told here that nobody is ready; then it pauses.
    - how far a partition reaches, of a broker that does not lead it any more, without asking who does, until what it
      knows is a minute old. Here it asks, and until it knows it is told that nobody is ready; then it waits.
    """

    def __init__(self, net: NetworkSelector, **told: Any) -> None:
        self.net = net
        self.failure: Exception | None = None
        self._asked_at: dict[str, float] = {}
        super().__init__(net, **told)

    def get_connection(self, node_id: Any, *told: Any, **more: Any) -> Any:
        connection = super().get_connection(node_id, *told, **more)
        if not self.bootstrapped:
            connection.init_future.add_errback(self._remember)
        return connection

    def send(self, request: Any, *told: Any, **more: Any) -> Any:
        if isinstance(request, FindCoordinatorRequest):
            group, now = str(request.key), time.monotonic()
            if now - self._asked_at.get(group, -ASKING_S) < ASKING_S:
                return Future().failure(errors.NodeNotReadyError(f"the coordinator of {group}"))
            self._asked_at[group] = now
        if not isinstance(request, ListOffsetsRequest):
            return super().send(request, *told, **more)
        if self.cluster.need_update:
            return Future().failure(errors.NodeNotReadyError("who leads is being asked"))
        return super().send(request, *told, **more).add_callback(self._reached)

    def _reached(self, answer: Any) -> None:
        if any(partition.error_code for topic in answer.topics for partition in topic.partitions):
            self.cluster.request_update()

    def end(self) -> None:
        """Close what a client that was never finished has left behind: a thread, and sockets."""
        KafkaNetClient(self.net, self).close()

    def _remember(self, failure: Exception) -> None:
        if not isinstance(self.failure, errors.SaslAuthenticationFailedError | errors.AuthorizationError):
            self.failure = failure
