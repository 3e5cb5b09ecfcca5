"""What of a source's settings chooses its cameras: only then is another choice made."""

from __future__ import annotations

from typing import Any

import pytest

from core.config import Closed
from ingest.feeds.digitraffic_weathercam import DigitrafficWeathercamConfig
from ingest.feeds.http_media import HttpMediaConfig
from ingest.feeds.settings import choice
from ingest.feeds.tfl_jamcam import TflJamCamConfig

AREA = {"south": 51.4, "west": -0.2, "north": 51.6, "east": 0.0}
CAMERA = {"id": "a", "name": "High St", "lat": 51.5, "lon": -0.1, "url": "https://example.org/a.jpg"}
TABLE = {
    "kind": "http",
    "name": "own",
    "url": "https://example.org/{id}.jpg",
    "csv": {"url": "https://example.org/cameras.csv"},
}


@pytest.mark.parametrize(
    ("kind", "said", "other"),
    [
        (TflJamCamConfig, {"kind": "tfl_jamcam"}, {"ids": ["00001.06710"]}),
        (TflJamCamConfig, {"kind": "tfl_jamcam"}, {"area": AREA}),
        (TflJamCamConfig, {"kind": "tfl_jamcam"}, {"media": "still"}),
        (TflJamCamConfig, {"kind": "tfl_jamcam", "ids": ["00001.06710"]}, {"ids": []}),
        (DigitrafficWeathercamConfig, {"kind": "digitraffic_weathercam"}, {"municipalities": ["Helsinki"]}),
        (DigitrafficWeathercamConfig, {"kind": "digitraffic_weathercam"}, {"ids": ["C01675"]}),
        (HttpMediaConfig, {"kind": "http", "name": "own", "cameras": [CAMERA]}, {"cameras": [CAMERA | {"id": "b"}]}),
        (HttpMediaConfig, TABLE, {"csv": {"url": "https://example.org/others.csv"}}),
    ],
)
def test_whoever_wants_other_cameras_has_made_another_choice(
    kind: type[Closed], said: dict[str, Any], other: dict[str, Any]
) -> None:
    chosen = choice(kind.model_validate(said))
    assert chosen == choice(kind.model_validate(said)), "it is the same in every process"
    assert chosen != choice(kind.model_validate(said | other))


@pytest.mark.parametrize(
    "other",
    [
        {"web": {"requests_per_minute": 60.0, "contact": "https://example.org/cameras"}},
        {"cadence_s": 120.0},
        {"name": "london"},
        {"app_key": "a secret"},
        {"app_key_env": None},
        {"api_requests_per_minute": 10.0},
        {"timezone": "UTC"},
    ],
)
def test_how_they_are_asked_is_no_choice(other: dict[str, Any]) -> None:
    said = {"kind": "tfl_jamcam"}
    assert choice(TflJamCamConfig.model_validate(said)) == choice(TflJamCamConfig.model_validate(said | other))
