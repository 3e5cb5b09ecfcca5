"""A double of the publishers on loopback: several hosts, one clock, one schedule of faults, one ledger."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Self

from feed_double.cameras import DoubledCamera, doubled_cameras
from feed_double.config import DoubleConfig
from feed_double.digitraffic import DigitrafficApi, DigitrafficImages
from feed_double.faults import Fault, FaultKind, FaultPlan
from feed_double.hosts import Host, Moment, Quota, Retreat
from feed_double.http11 import Delivery, Reply, Request, serve
from feed_double.ledger import Ledger, SeenRequest
from feed_double.playable import refuse_unplayable
from feed_double.publishing import Publisher
from feed_double.spoiling import Circumstances, spoil, too_many
from feed_double.template import TemplateHost
from feed_double.tfl import TflApi, TflBucket

from core.clock import Clock

Question = tuple[str, ...]
"""A request, as far as the answer to it depends on it: host, path, query and whether it may be compressed."""

CONTROL = "control"
HOSTS = {
    "tfl": ("tfl_bucket", "tfl_api"),
    "digitraffic": ("digitraffic_images", "digitraffic_api"),
    "template": ("template",),
}


class FeedDouble:
    """The doubled publishers. Use it as a context in a test, or `run` it as a process of its own (serve.py).

    `addresses` holds the base URL of each host by name (tfl_api, tfl_bucket, digitraffic_api, digitraffic_images,
    template, control) once it runs, `traps` the (address, port) of each listener that nobody may be led to.
    """

    def __init__(self, config: DoubleConfig, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.start = clock.now() if config.clock is None else config.clock.start
        self.ledger = Ledger()
        self.addresses: dict[str, str] = {}
        self.traps: list[tuple[str, int]] = []
        fleets = [(fleet, doubled_cameras(fleet, config.seed)) for fleet in config.fleets]
        self.cameras: dict[str, tuple[DoubledCamera, ...]] = {fleet.publisher: cameras for fleet, cameras in fleets}
        self._ids = [camera.id for _, cameras in fleets for camera in cameras]
        self.plan = self._planned(config.faults)
        self.publishers = {
            fleet.publisher: Publisher(
                fleet, cameras, self.plan, self.ledger, self.start, config.seed, hold_s=config.hold_s
            )
            for fleet, cameras in fleets
        }
        self._by_camera = {
            camera.id: self.publishers[fleet.publisher] for fleet, cameras in fleets for camera in cameras
        }
        self._quotas: dict[str, Quota] = {}
        self._turns: Counter[FaultKind] = Counter()
        self._stuck: dict[Question, Reply] = {}
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ended: asyncio.Event | None = None

    # -- running ------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self.run(ready)), name="feed-double", daemon=True)
        self._thread.start()
        ready.result(timeout=10)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._ended is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(timeout=10)

    async def run(self, ready: Future[None] | None = None) -> None:
        """Listen until the context ends or the task is cancelled; `ready` is told once every address is known."""
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        servers = [await self._listen(CONTROL, self._control)]
        try:
            names = [name for publisher in self.publishers for name in HOSTS[publisher]]
            servers += [await self._listen(name, self._answering(self._host(name))) for name in names]
            servers += await self._set_traps()
            if ready:
                ready.set_result(None)
            await self._ended.wait()
        except BaseException as error:
            if ready and not ready.done():
                ready.set_exception(error)
            raise
        finally:
            for server in servers:
                server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0)

    def _host(self, name: str) -> Host:
        """Made once the hosts before it have their addresses: the list of cameras names the bucket."""
        if name == "tfl_api":
            return TflApi(self.publishers["tfl"], self.addresses["tfl_bucket"])
        if name == "tfl_bucket":
            return TflBucket(self.publishers["tfl"])
        if name == "template":
            return TemplateHost(self.publishers["template"])
        if name == "digitraffic_api":
            return DigitrafficApi(self.publishers["digitraffic"])
        return DigitrafficImages(self.publishers["digitraffic"])

    async def _listen(self, name: str, answer: Callable[[Request], tuple[Reply, Callable[[], None]]]) -> asyncio.Server:
        address = self.config.addresses.get(name, "127.0.0.1")
        server = await serve(answer, address, self.config.ports.get(name, 0))
        self.addresses[name] = f"http://{address}:{server.sockets[0].getsockname()[1]}"
        return server

    async def _set_traps(self) -> list[asyncio.Server]:
        """Listeners that only count; an address that this machine has not got (no IPv6) cannot be connected to."""
        servers = []
        for address in self.config.traps:

            def caught(_: asyncio.StreamReader, writer: asyncio.StreamWriter, trap: str = address) -> None:
                self.ledger.forbidden_connection(trap)
                writer.close()

            try:
                server = await asyncio.start_server(caught, address, self.config.ports.get(address, 0))
            except OSError:
                continue
            self.traps.append((address, server.sockets[0].getsockname()[1]))
            servers.append(server)
        return servers

    # -- answering ----------------------------------------------------------------------------------------------

    def _answering(self, host: Host) -> Callable[[Request], tuple[Reply, Callable[[], None]]]:
        published = self.config.limits.get(host.name)
        quota = self._quotas.setdefault(host.name, Quota())
        retreat = Retreat()

        def answer(request: Request) -> tuple[Reply, Callable[[], None]]:
            with self._lock:
                moment = self.moment()
                route = host.route(request)
                wait_s = quota.over(moment.now, host.limit(request, published))
                honest = host.answer(request, route, moment)
                fault = self.plan.answer(route.camera, route.on, moment.at_s)
                before = self._before(_question(host, request), honest, fault)
                reply = honest
                if wait_s is not None:
                    reply = too_many(moment, wait_s)
                elif fault is not None:
                    turn = self._turns[fault.kind]
                    self._turns[fault.kind] += 1
                    reply = spoil(honest, fault, Circumstances(moment, request, turn, before))
                too_early = retreat.broken(moment.now)
                retreat.answered(reply, moment.now)
                self.ledger.asked(
                    SeenRequest(
                        at=moment.now,
                        host=host.name,
                        on=route.on.value,
                        camera=route.camera,
                        path=request.path,
                        status=reply.status,
                        fault=fault.kind.value if fault else None,
                        known=request.headers.get("if-none-match") or request.headers.get("if-modified-since"),
                        over_limit=wait_s is not None,
                        too_early=too_early,
                        at_once=request.at_once,
                        version=honest.version[2] if honest.version else None,
                    )
                )
                return reply, lambda: self._sent(reply)

        return answer

    def _before(self, question: Question, honest: Reply, fault: Fault | None) -> Reply:
        """What was answered to a question when the fault began that its list is stuck."""
        if fault is None or fault.kind is not FaultKind.STUCK:
            self._stuck.pop(question, None)
            return honest
        return self._stuck.setdefault(question, honest)

    def _planned(self, faults: Iterable[Fault]) -> FaultPlan:
        """A schedule. Raises ValueError for a fault that the publishers of the cameras it hits cannot play."""
        plan = FaultPlan(faults, self._ids, self.config.seed)
        for fault in plan.drawn:
            refuse_unplayable(fault, self.config.fleets, self.cameras)
        return plan

    def _sent(self, reply: Reply) -> None:
        """Note that a published version went out whole."""
        complete = reply.delivery in (Delivery(), Delivery(bytes_per_s=reply.delivery.bytes_per_s))
        if reply.version is None or not complete:
            return
        camera, form, number = reply.version
        with self._lock:
            moment = self.moment()
            publisher = self._by_camera[camera]
            if publisher.current(camera, moment.at_s) and form == publisher.form:
                self.ledger.served(camera, form, number, moment.now)
                publisher.fetched(camera, moment.at_s)

    def moment(self) -> Moment:
        now = self.clock.now()
        return Moment(now, (now - self.start).total_seconds())

    # -- telling and being told ---------------------------------------------------------------------------------

    def pause(self) -> None:
        """Publish nothing new, as long as the system under test cannot fetch."""
        with self._lock:
            for publisher in self.publishers.values():
                publisher.pause(self.moment().at_s)

    def resume(self) -> None:
        with self._lock:
            for publisher in self.publishers.values():
                publisher.resume(self.moment().at_s)

    def play(self, faults: Iterable[Fault]) -> None:
        """Another schedule from now on; its times too are seconds since the start. Raises ValueError as `FaultPlan`
        does, and for a fault that cannot be played."""
        with self._lock:
            self.plan = plan = self._planned(faults)
            self._stuck.clear()
            for publisher in self.publishers.values():
                publisher.plan = plan

    def report(self) -> dict[str, Any]:
        """The whole ledger, the schedule as it was drawn, and the time: what /_ledger gives."""
        with self._lock:
            moment = self.moment()
            for publisher in self.publishers.values():
                publisher.advance(moment.at_s)
            return {
                "now": moment.now.isoformat(),
                "start": self.start.isoformat(),
                "cameras": {name: [camera.id for camera in cameras] for name, cameras in self.cameras.items()},
                "faults": [fault.to_json() for fault in self.plan.drawn],
                **self.ledger.to_json(),
            }

    def _control(self, request: Request) -> tuple[Reply, Callable[[], None]]:
        """GET /_ledger, /_addresses; POST /_pause, /_resume."""
        document: Any = None
        match request.method, request.path:
            case "GET", "/_ledger":
                document = self.report()
            case "GET", "/_addresses":
                document = {"addresses": self.addresses, "traps": self.traps}
            case "POST", "/_pause":
                self.pause()
                document = {"paused": True}
            case "POST", "/_resume":
                self.resume()
                document = {"paused": False}
        status = 404 if document is None else 200
        body = json.dumps(document).encode()
        return Reply(status, {"Content-Type": "application/json"}, body), lambda: None


def _question(host: Host, request: Request) -> Question:
    query = (f"{name}={value}" for name, value in sorted(request.query.items()))
    return host.name, request.path, request.headers.get("accept-encoding", ""), *query
