"""An installation does not start with a camera that shows people too large; one that is listed later is left out."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from busyness.config import Config, load_config
from busyness.sites import Sites
from busyness.wiring import install, open_clock
from core.errors import ConfigError
from core.records import Camera

STRIP = Camera(id="strip", name="a strip", lat=51.5, lon=-0.1, width=7680, height=500)
"""A picture so wide that below the limit too little of its height is left."""


def config_of(folder: Path, detect: str = "{workers: 1}", width: int = 352, height: int = 288) -> Config:
    (folder / "clips").mkdir(exist_ok=True)
    path = folder / "town.yaml"
    path.write_text(
        f"""name: a town
sources: [{{kind: folder, path: clips}}]
cameras: [{{id: "00001", name: one, lat: 51.5, lon: -0.1, width: {width}, height: {height}}}]
detect: {detect}
""",
        encoding="utf-8",
    )
    return load_config(path)


def test_nothing_starts_with_a_camera_that_shows_faces(tmp_path: Path) -> None:
    config = config_of(tmp_path, width=7680, height=500)
    with pytest.raises(ConfigError, match="camera 00001 may not be counted: it shows people up to 1920 px a metre"):
        install(config, open_clock(config))


def test_the_limit_is_the_operators_to_lower(tmp_path: Path) -> None:
    config = config_of(tmp_path, "{workers: 1, resolution: {most_px_per_m: 30}}")
    with pytest.raises(ConfigError, match=r"up to 88 px a metre.*below 30"):
        install(config, open_clock(config))


@pytest.mark.parametrize("written", ["null", "{most_px_per_m: null}", "{most_px_per_m: 400}", "{assumed_width_m: 40}"])
def test_and_not_to_switch_off(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigError, match=r"line 4: detect\.resolution"):
        config_of(tmp_path, f"{{workers: 1, resolution: {written}}}")


@dataclass
class Listed:
    """A source that lists these cameras."""

    cameras: tuple[Camera, ...]
    sites: Sites


def test_a_camera_that_is_listed_later_is_left_out_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "street.yaml"
    path.write_text(
        "name: a street\nsources: [{kind: synthetic, cameras: 1}]\ndetect: {workers: 1}\n", encoding="utf-8"
    )
    config = load_config(path)
    with closing(install(config, open_clock(config))) as installation, caplog.at_level(logging.WARNING):
        installation.sited = Listed((*installation.sited.cameras, STRIP), Sites())  # type: ignore[assignment]
        for _ in range(2):
            installation.saw()
        said = [record.message for record in caplog.records if "not counted" in record.message]
        assert len(said) == 1
        assert said[0].startswith("camera strip is not counted: it shows people up to 1920 px a metre")
        assert [camera.id for camera in installation.store.cameras()] == ["strip", "synthetic-01"], (
            "it is listed all the same"
        )
