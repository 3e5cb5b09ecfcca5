"""`busyness cameras`: exit codes and JSON that a script can rely on, a check that counts no window, words on views."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from hand_clock import HandClock
from services.postgres_server import PostgresServer
from shelf_places import shelved

from aggregate.postgres_shelf import PostgresShelf
from busyness.camera_check import SHARE
from busyness.cameras import open_places
from busyness.command import main
from busyness.config import load_config
from core.records import ClipReady
from core.shelf import Shelf
from core.shelf_folder import FolderShelf
from detect.scene import Sight
from detect.sixbit import text_of
from detect.view_book import ViewBook
from detect.view_field import coded
from detect.view_learning import CameraViews, Epoch, Look
from detect.view_word import Saying, Word
from ingest.rendering import RenderedStreet
from ingest.synthetic import SyntheticConfig

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
CLOSED = "http://127.0.0.1:1"


class Done(NamedTuple):
    """What a command printed."""

    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


Command = Callable[..., Done]


@pytest.fixture
def cameras(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `busyness cameras` as its entry point does."""
    monkeypatch.setenv("COLUMNS", "300")

    def run(*words: str | Path, code: int = 0) -> Done:
        monkeypatch.setattr(sys, "argv", ["busyness", "cameras", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        done = Done(*capfd.readouterr())
        assert int(end.value.code or 0) == code, done
        return done

    return run


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[str]:
    """Serves street.jpg, a still of a rendered street, on loopback; its host and port."""
    folder = tmp_path / "published"
    folder.mkdir()
    street = RenderedStreet(SyntheticConfig(cameras=1, seed=3, start=NOON))
    picture = np.array(street.open(next(iter(street.clips())), 1).frames[0].pixels, subok=False)
    (folder / "street.jpg").write_bytes(cv2.imencode(".jpg", picture[..., ::-1])[1].tobytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def town(folder: Path, *sources: str) -> Path:
    path = folder / "town.yaml"
    listed = "".join(f"  - {source}\n" for source in sources)
    text = f"name: a town\nsources:\n{listed}store: {{path: town.duckdb}}\napi: {{port: 1}}\n"
    path.write_text(text + "detect: {workers: 1, frames_per_clip: 1}\n", encoding="utf-8")
    return path


def own(host: str, *ids: str, name: str = "own", page: str = "street.jpg", web: str = "") -> str:
    """A source of cameras with an address each."""
    listed = [f'{{id: "{id_}", name: {id_}, lat: 51.5, lon: -0.1, url: "http://{host}/{page}"}}' for id_ in ids]
    return (
        f"{{kind: http, name: {name}, cameras: [{', '.join(listed)}], "
        f'web: {{private_networks: ["127.0.0.1/32"]{web}}}}}'
    )


LOST = (
    f'{{kind: tfl_jamcam, api: "{CLOSED}", bucket: null, api_requests_per_minute: 6000, '
    'web: {private_networks: ["127.0.0.1/32"], hosts: ["127.0.0.1:1"]}}'
)


@pytest.mark.parametrize("check", [[], ["--check"]], ids=["list", "check"])
def test_a_list_that_cannot_be_had_is_an_exit_code_and_a_line(
    cameras: Command, tmp_path: Path, publisher: str, check: list[str]
) -> None:
    alone = town(tmp_path, LOST)
    told = cameras(alone, *check, code=1)
    assert "tfl: its list of cameras cannot be had: http://127.0.0.1:1/Place/Type/JamCam" in told.err
    assert told.out == "", "and no table of nothing"
    (line,) = cameras(alone, *check, "--json", code=1).lines
    assert line.keys() == {"source", "trouble"}
    assert "A running installation asks it again" in str(line["trouble"])
    beside = town(tmp_path, LOST, own(publisher, "gate"))
    trouble, camera = cameras(beside, *check, "--json", code=1).lines
    assert trouble["source"] == "tfl"
    assert "gate" in (camera.get("id"), camera.get("camera")), "the others are shown all the same"
    told = cameras(beside, "06710", *check, code=1)
    assert "there is no camera '06710' among those listed; the list of tfl cannot be had" in told.err


def test_a_check_tells_by_its_exit_code_whether_every_camera_asked_gave_something(
    cameras: Command, tmp_path: Path, publisher: str
) -> None:
    away = own(CLOSED.removeprefix("http://"), "yard", name="away")
    path = town(tmp_path, own(publisher, "gate"), own(publisher, "gone", name="other", page="nothing.jpg"), away)
    looks = {line["camera"]: line for line in cameras(path, "--check", "--json", code=1).lines}
    assert [looks[name]["status"] for name in ("gate", "gone", "yard")] == ["ok", "withdrawn", "unreachable"]
    assert isinstance(looks["gate"]["people"], float)
    assert "A running installation asks it again when it is due" in str(looks["yard"]["reason"])
    assert "gone" in cameras(path, "gate", "gone", "--check").out, "a publisher who says so has answered"


def test_a_check_counts_no_view_that_the_installation_does_not(
    cameras: Command, tmp_path: Path, publisher: str
) -> None:
    """Nor one that an operator has just said is not to be counted."""
    path = town(tmp_path, own(publisher, "gate"))
    shelf = FolderShelf(tmp_path / "town.views")
    field = 0.3 * np.random.default_rng(1).normal(size=(36, 44)) * (1 + 1j)
    look_there = Look(signature=coded(field.astype(np.complex64)), seen_at=NOON)
    house = Epoch(number=0, looks=(look_there,), since=NOON, seen_at=NOON, clips=9)
    assert shelf.put("gate.json", CameraViews(camera="gate", epochs=(house,)).model_dump_json(), version=None)
    (look,) = cameras(path, "--check", "--json").lines
    assert (look["status"], look["people"]) == ("moved_view", None)
    cameras(path, "gate", "--forget-views", "--by", "Ada")
    (look,) = cameras(path, "--check", "--json").lines
    assert look["status"] == "ok", "as the next clip is"
    assert shelf.names() == ["gate.json", "gate.word"], "and a check changes nothing"


def test_a_check_leaves_half_of_every_budget_to_the_installation_beside_it(tmp_path: Path, publisher: str) -> None:
    config = load_config(town(tmp_path, own(publisher, "gate", web=", requests_per_minute: 60")))
    clock = HandClock(NOON)
    with open_places(config, clock, share=SHARE) as places:
        (place,) = places.found
        for _ in range(11):
            place.feed.fetch(place.listed, None)
    assert (clock.now() - NOON).total_seconds() >= 10 * 2.0


def test_health_before_the_first_run_says_what_to_start(cameras: Command, tmp_path: Path) -> None:
    told = cameras(town(tmp_path, LOST), "--health", code=1)
    assert "none has run yet" in told.err
    assert "busyness run CONFIG" in told.err


def clip(minute: int) -> ClipReady:
    return ClipReady(camera="gate", event_time=NOON.replace(minute=minute), location="clip.mp4")


def learnt(book: ViewBook) -> None:
    """A first view, of half an hour."""
    random = np.random.default_rng(7)
    shown = 0.3 * (random.normal(size=(36, 44)) + 1j * random.normal(size=(36, 44)))
    sight = Sight(signature=coded(shown.astype(np.complex64)), fingerprint=text_of(np.zeros(198, dtype=np.int64)))
    for minute in (0, 15, 30):
        book.learn("gate", clip(minute), sight)


def test_what_is_said_of_a_view_waits_and_is_shown(cameras: Command, tmp_path: Path) -> None:
    path = town(tmp_path, LOST)
    counting = ViewBook(FolderShelf(tmp_path / "town.views"))
    learnt(counting)
    assert "as it was learnt, confirmed by nobody" in cameras(path, "--views").out
    cameras(path, "gate", "--unconfirm-view", "0", "--by", "Ada")
    assert "from the next clip on no, says Ada" in cameras(path, "--views").out
    (line,) = cameras(path, "--views", "--json").lines
    assert (line["counted"], line["waits"], line["unconfirmed_by"]) == (True, "no, says Ada", None)
    counting.scene_of("gate")
    (line,) = cameras(path, "--views", "--json").lines
    assert (line["counted"], line["waits"], line["unconfirmed_by"]) == (False, None, "Ada")
    cameras(path, "gate", "--confirm-view", "0", "--by", "Bob")
    cameras(path, "gate", "--forget-views", "--by", "Bob")
    assert "from the next clip on forgotten" in cameras(path, "--views").out
    counting.scene_of("gate")
    assert cameras(path, "--views", "--json").lines == []


def test_a_word_that_cannot_be_meant_is_refused(cameras: Command, tmp_path: Path) -> None:
    path = town(tmp_path, LOST)
    learnt(ViewBook(FolderShelf(tmp_path / "town.views")))
    assert "has no view 7" in cameras(path, "gate", "--unconfirm-view", "7", "--by", "Ada", code=1).err
    told = cameras(path, "yard", "--forget-views", "--by", "Ada", code=1).err
    assert "there is no camera 'yard' of which a view is known" in told
    assert "say who says so" in cameras(path, "gate", "--forget-views", code=2).err
    assert "say one of" in cameras(path, "gate", "--forget-views", "--confirm-view", "0", "--by", "Ada", code=2).err
    assert "this is said of one camera" in cameras(path, "--forget-views", "--by", "Ada", code=2).err


@pytest.mark.service
def test_words_reach_the_process_that_counts_through_the_database(postgres_server: PostgresServer) -> None:
    config = shelved(postgres_server)

    def shelf() -> Shelf:
        return PostgresShelf.open(config, "views")

    counting, operator = ViewBook(shelf()), ViewBook(shelf())
    learnt(counting)
    operator.leave_word("gate", Word(said=Saying.UNCONFIRM, epoch=0, by="Ada", at=NOON))
    assert [view.counted for view in counting.scene_of("gate").views] == [False]
    operator.leave_word("gate", Word(said=Saying.CONFIRM, epoch=0, by="Ada", at=NOON))
    operator.leave_word("gate", Word(said=Saying.FORGET, by="Ada", at=NOON))
    assert counting.scene_of("gate").views == ()
    assert shelf().names() == ["gate.json"]
