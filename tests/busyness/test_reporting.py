"""`busyness report` writes a page and a PDF of what is stored, and says what it cannot write."""

from __future__ import annotations

import pytest
from rich.console import Console
from small_city import stored

from aggregate.duckdb_store import DuckDBStore
from busyness.config import load_config
from busyness.reporting import Asked, report
from core.errors import ConfigError, QueryError, SourceError

CONFIG = """
name: Testville
sources: [{kind: synthetic, cameras: 1, seed: 1, start: 2026-01-05T00:00:00Z, days: 1}]
store: {kind: duckdb, path: city.duckdb}
api: {port: 1}
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("city")
    (folder / "city.yaml").write_text(CONFIG)
    stored(DuckDBStore.open(folder / "city.duckdb"), count=3).close()
    return load_config(folder / "city.yaml")


def test_a_folder_gets_both(config, tmp_path):
    files = report(config, Asked({"class": "vehicles"}, tmp_path / "out"), Console(quiet=True))
    assert [path.name for path in files] == ["report.html", "report.pdf"]
    assert "Testville" in files[0].read_text()
    assert files[1].read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("parameters", "out", "error", "words"),
    [
        ({}, "report.docx", ConfigError, "html or .pdf"),
        ({"class": "dogs"}, "report.html", QueryError, "class"),
        ({"last": "yesterday"}, "report.html", QueryError, "--to: 'yesterday' is not a day"),
        ({"first": "0001-01-01"}, "report.html", QueryError, "--from: the day '0001-01-01' is outside"),
        ({"camera": ","}, "report.html", QueryError, "--cameras: is empty"),
        ({}, "city.yaml/report.html", SourceError, "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_said(config, tmp_path, parameters, out, error, words):
    (tmp_path / "city.yaml").write_text("")
    with pytest.raises(error, match=words) as raised:
        report(config, Asked(parameters, tmp_path / out), Console(quiet=True))
    assert raised.value.remedy
