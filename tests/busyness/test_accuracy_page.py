"""The page of an evaluation: whole in one file, asks nothing of a network, and every plot's numbers are in a table."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from busyness.accuracy import plots, tables
from busyness.accuracy.page import SECTIONS, page_of
from core.figures import CLASSES
from detect.evaluation import Comparison, compare
from detect.evaluation.bootstrap import Resample
from detect.model import Density
from ingest.frame import Frame

TAGS_WITHOUT_END = {"meta", "path", "use", "rect", "circle", "line", "br"}


class Share:
    """Counts a share of each frame's people, whose number is its brightness, at the middle of the picture."""

    def __init__(self, name: str, share: float, trained_cameras: tuple[str, ...] | None = None) -> None:
        self.name, self.share, self.trained_cameras = name, share, trained_cameras

    def density(self, frames: Sequence[Frame]) -> Density:
        density = np.zeros((len(frames), len(CLASSES), 9, 11), dtype=np.float32)
        for at, frame in enumerate(frames):
            density[at, 0, 4, 5] = int(frame.pixels[0, 0, 0]) * self.share
            density[at, 3, 0, 0] = 0.25
        return density


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Six frames of three cameras; of the two models the second is twice as far off."""
    folder = tmp_path_factory.mktemp("labels")
    person = {"class": "pedestrian", "x": 48, "y": 42, "w": 6, "h": 16}
    for at in range(6):
        label = {
            "id": f"frame{at}", "camera": f"<camera {at % 3}>", "source": None, "frame_index": 0, "width": 96,
            "height": 86, "visibility": "night" if at == 5 else "day", "objects": [person] * at,
            "uncertain_pedestrians": at % 2, "uncertain_vehicles": 0,
        }  # fmt: skip
        (folder / f"frame{at}.json").write_text(json.dumps(label))
        cv2.imwrite(str(folder / f"frame{at}.png"), np.full((86, 96, 3), at, dtype=np.uint8))
    models = [Share("near@000000000000", 0.8, ("<camera 0>",)), Share("far@000000000000", 0.6)]
    return compare(models, folder, resample=Resample(draws=100))


class Read(HTMLParser):
    """What a page holds, and whether its tags close."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.drawings: list[str] = []
        self.captions: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.open.append(tag) if tag not in TAGS_WITHOUT_END else None
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" else []
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href") and tag != "a"]
        if tag == "svg":
            self.drawings.append(f"{given.get('role')}: {given.get('aria-label')}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in TAGS_WITHOUT_END:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in TAGS_WITHOUT_END:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "caption":
            self.captions.append(data)


@pytest.fixture(scope="module")
def page(comparison: Comparison) -> str:
    return page_of(comparison)


def test_a_page_is_whole_and_asks_nothing_of_a_network(page: str) -> None:
    read = Read(page)

    assert read.open == []
    assert all(target.startswith("#") for target in (*read.links, *read.loads)), "within the page, or nowhere"
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "url(http" not in page
    assert "@import" not in page


def test_every_link_of_the_page_leads_somewhere_and_no_id_is_given_twice(page: str) -> None:
    read = Read(page)

    assert [key for key in SECTIONS if key not in read.ids] == []
    assert {link[1:] for link in read.links} | {load[1:] for load in read.loads} <= set(read.ids)
    assert sorted(read.ids) == sorted(set(read.ids))


def test_every_drawing_says_in_words_what_it_shows(page: str) -> None:
    """Two scatters, by lighting, by camera, by size, and cost."""
    drawings = Read(page).drawings

    assert len(drawings) == 6
    assert all(re.match(r"img: .{40,}", drawing) for drawing in drawings)


def test_every_figure_is_in_a_table(page: str, comparison: Comparison) -> None:
    shown = [
        tables.summary(comparison), tables.differences(comparison), tables.by_lighting(comparison),
        tables.by_camera(comparison), tables.by_class(comparison), tables.by_size(comparison),
        tables.phantoms(comparison), *tables.confusions(comparison), tables.frames(comparison),
    ]  # fmt: skip

    assert Read(page).captions == [table.title for table in shown]
    assert all(len(row) == len(table.columns) for table in shown for row in table.rows)


def test_the_headline_is_of_cameras_that_nobody_was_trained_on(page: str) -> None:
    """Cameras 1 and 2: 1, 2, 4 and 5 people, of which 0.2 are missed; none but 3 and 5 have an uncertain one."""
    assert "near is off by 0.6 people and 0.2 vehicles a frame on cameras that none was trained on" in page
    assert "which hold 3.0 to 3.5 people" in page
    assert "1 of the 3 cameras were trained on" in page
    assert "--except &lt;camera 0&gt; leaves" in page


def test_names_from_outside_are_text(page: str) -> None:
    assert "&lt;camera 2&gt;" in page
    assert "<camera" not in page


def test_summary_and_differences_have_the_figures(comparison: Comparison) -> None:
    """All frames: 0 to 5 people, 15 in all; the first misses 0.2 of them, the second 0.4."""
    summary, differences = tables.summary(comparison), tables.differences(comparison)

    assert summary.rows[0][:9] == ("people", "all", "near", "6", "0.50", "0.50", "0.61", "-20 %", "20 %")
    assert summary.rows[1][2:8] == ("far", "6", "1.00", "1.00", "1.21", "-40 %")
    assert summary.rows[2][2] == "always the mean"
    assert differences.rows[0][:5] == ("people", "all", "far", "3", "+0.50")
    assert {row[-1] for row in differences.rows} == {"cannot tell"}, "of three cameras"


def test_confusion_is_shaded_by_the_share_of_what_is_labelled(comparison: Comparison) -> None:
    people = next(tables.confusions(comparison))

    assert people.rows[0] == ("pedestrian", "15", "12.0", "0.0")
    assert people.shades[0] == pytest.approx((0.0, 0.8, 0.0))
    assert people.rows[-1][0] == "far from all"


def test_a_model_alone_has_a_page_too(comparison: Comparison) -> None:
    alone = comparison.model_copy(update={"evaluations": comparison.evaluations[:1], "differences": ()})
    page = page_of(alone)

    assert "1 model on 6 frames of 3 cameras" in page
    assert "Nearer than" not in page
    assert len(Read(page).drawings) == 5


def test_the_same_figures_give_the_same_drawing(comparison: Comparison, page: str) -> None:
    drawing = plots.cost(comparison, "cost")

    assert plots.cost(comparison, "cost") == drawing
    assert drawing[len("<svg") :] in page


def test_models_of_one_name_are_told_apart_by_their_hash(comparison: Comparison) -> None:
    first, second = comparison.evaluations
    same = comparison.model_copy(
        update={"evaluations": (first, second.model_copy(update={"model": "near@111111111111"}))}
    )

    assert tables.short_names(comparison) == ["near", "far"]
    assert tables.short_names(same) == ["near@000000000000", "near@111111111111"]
