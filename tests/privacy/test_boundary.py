"""The privacy boundary is held by the import rules and by what the pixel rooms may call at all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parents[2]
PIXEL_ROOMS = ("ingest", "detect")
WRITERS = {
    "imwrite", "imwritemulti", "imwriteanimation", "VideoWriter", "FileStorage", "imshow", "tofile", "tobytes", "dump",
    "dumps", "save", "savez", "savez_compressed", "savetxt", "memmap", "write_bytes", "write_text",
}  # fmt: skip
KEEPERS = {"pickle", "shelve", "marshal", "tempfile", "socket", "multiprocessing", "sqlite3", "kafka", "duckdb"}
IN_MEMORY_CODEC = {"ingest/street/picture": {"imencode"}}  # rendered scenes get the feed's JPEG artefacts, in memory


MODULES_WITH_PIXELS = sorted(path for room in PIXEL_ROOMS for path in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("path", MODULES_WITH_PIXELS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_pixel_rooms_call_nothing_that_writes(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    allowed = next((names for prefix, names in IN_MEMORY_CODEC.items() if place.startswith(prefix)), set())
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            forbidden = (WRITERS | {"imencode"}) - allowed
            # reading JSON or computing hashes is not writing: json.dumps and the like are named where they are needed
            assert node.attr not in forbidden or place == "ingest/frame.py", f"{place}:{node.lineno} calls {node.attr}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
            modes = [
                a.value for a in (*node.args[1:], *(k.value for k in node.keywords)) if isinstance(a, ast.Constant)
            ]
            assert not any(set(str(mode)) & set("wax+") for mode in modes), f"{place}:{node.lineno} opens to write"
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            assert name.split(".")[0] not in KEEPERS, f"{place}:{node.lineno} imports {name}"


def test_imports_go_one_way_and_figures_never_see_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == EXIT_STATUS_SUCCESS


def test_an_import_against_the_rules_would_be_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same rules over a tree where aggregate looks at pixels: the check above can fail."""
    for room in ("core", "ingest", "detect", "aggregate", "api", "busyness"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("import cv2\n" if room == "aggregate" else "")
    config = tmp_path / "pyproject.toml"
    config.write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    import subprocess
    import sys

    result = subprocess.run(
        [sys.executable, "-c", "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports; "
         "sys.exit(lint_imports(no_cache=True))"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode != 0
    assert "aggregate is not allowed to import cv2" in result.stdout
