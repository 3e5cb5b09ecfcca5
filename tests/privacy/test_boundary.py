"""The privacy boundary is held by the import rules and by what the rooms with pixels may import and call at all.

The scan reads source, so it stops what is written by mistake or in a hurry, not a programmer who hides it.
"""

from __future__ import annotations

import ast
import base64
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import cv2
import numpy as np
import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS
from source_scan import ROOT, WITHOUT_PIXELS, Violation, modules, modules_with_pixels, reads, source_of

from core.errors import PixelLeak
from ingest.frame import Frame

ANY = ("*",)
EVERY_ROOM: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("__future__", "abc", "collections.abc", "dataclasses", "datetime", "functools", "typing"), ANY),
    **dict.fromkeys(
        ("core.clock", "core.config", "core.errors", "core.figures", "core.records", "core.root_scale", "ingest.*"), ANY
    ),
    **dict.fromkeys(("numpy", "numpy.typing", "cv2"), ANY),  # the computing; FORBIDDEN says what not to call of them
    "pydantic": ANY,  # records and settings
    "pathlib": ("Path",),  # to read clips, models and labels: FORBIDDEN says what not to call of it
    "hashlib": ("sha256", "file_digest"),  # a clip's etag, a model's name
}
IMPORTS: dict[str, dict[str, tuple[str, ...]]] = {
    "ingest": EVERY_ROOM | {
        "enum": ANY, "itertools": ANY, "math": ANY, "re": ANY, "stat": ANY, "zoneinfo": ANY,
        "core.ground": ANY,  # the true ground of the synthetic street: numbers
        "core.loops": ANY,  # the port of loops: readings of what passed, no pixels
        "io": ("BytesIO",),  # a clip's bytes, for FFmpeg to read
        "os": ("environ", "fsdecode", "fsencode", "path", "scandir", "walk"),  # OpenCV's settings; walking a folder
        "struct": ("pack", "unpack"),  # the headers of stills
        "zlib": ("crc32",),  # whether a PNG is whole
    },
    "detect": EVERY_ROOM | {
        "detect.*": ANY, "enum": ANY, "itertools": ANY, "math": ANY, "statistics": ANY, "time": ANY,
        "core.ground": ANY, "core.judgement": ANY, "core.site": ANY,  # planes and places: numbers and words
        "html": ("escape",), "textwrap": ("shorten", "wrap"),  # the drawn check of a calibration: no pixels
        "logging": ("getLogger",),  # a clip or model that failed, by name
        "onnxruntime": ANY, "openvino": ANY, "torch": ANY, "ultralytics": ANY,  # what models run on
        "os": ("environ",),  # Ultralytics's settings
        "scipy.optimize": ("OptimizeResult", "least_squares"), "scipy.stats": ("chi2", "norm"),  # fitting a plane
        "urllib.parse": ("parse_qsl",),  # the thresholds in a model's name
    },
}  # fmt: skip
"""What a room with pixels may import, and of a module that could also carry them away, which of its names."""

OWN_IMPORTS: dict[str, dict[str, tuple[str, ...]]] = {
    "detect/view_book.py": {
        "core.shelf": ANY,
        "core.shelf_memory": ANY,
        "contextlib": ("suppress",),
        "threading": ("Lock",),
    },
}
"""What one file alone may import beside that: it keeps what is known of views, signatures as numbers, on a shelf."""

FORBIDDEN = (
    "write*", "imwrite*", "imencode*", "*Writer*", "FileStorage", "imshow", "show", "save*", "dump*", "tofile",
    "tobytes", "memmap", "open_memmap", "array2string", "array_repr", "array_str", "send*", "b64*", "__dict__",
)  # fmt: skip
"""Names of whatever object, as patterns: they write, send or show, make bytes or text, or reach the rest unnamed."""

FORBIDDEN_BUILTINS = {
    "memoryview", "bytearray", "bytes", "print", "input", "eval", "exec", "compile", "__import__", "globals", "locals",
    "vars", "breakpoint", "setattr",
}  # fmt: skip

EXCEPTIONS = {
    "ingest/frame.py": {"save", "savez", "savez_compressed", "savetxt", "array2string", "array_repr", "array_str"},
    "ingest/street/picture.py": {"imencode"},  # rendered scenes get the feed's JPEG artefacts, in memory
    "detect/background.py": {"imencode", "tobytes"},  # the street with nobody in it, once, for whom calibrates
}
"""Names that one file needs: a frame names numpy's writers to refuse them."""


def violations(source: str, place: str) -> list[Violation]:
    """What the source of `place` (as `ingest/decode.py`) imports or calls that a room with pixels may not."""
    tree = ast.parse(source)
    imports = IMPORTS[place.split("/", maxsplit=1)[0]] | OWN_IMPORTS.get(place, {})
    excepted = EXCEPTIONS.get(place, set())
    held_to = {name: names for name, names in imports.items() if names != ANY}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call) and reads(node)}
    members = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    def forbidden(name: str) -> bool:
        return name not in excepted and any(fnmatchcase(name, pattern) for pattern in FORBIDDEN)

    def found(node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Import(names=aliases):
                yield from (f"imports {a.name}" for a in aliases if not _allowed(a.name, imports))
                yield from (f"renames {a.name}" for a in aliases if a.asname and (a.name, a.asname) != ("numpy", "np"))
            case ast.ImportFrom(module=module, names=aliases):
                for alias in aliases:
                    if not _allowed(module or ".", imports) or not _among(alias.name, held_to.get(module or ".", ANY)):
                        yield f"imports {alias.name} from {module}"
                    if forbidden(alias.name) or alias.name == "*" or alias.asname:
                        yield f"imports {alias.name} from {module} as {alias.asname or alias.name}"
            case ast.Attribute(attr="open") if id(node) not in called:
                yield f"opens with {ast.unparse(node)}"
            case ast.Attribute(value=ast.Name(id=module), attr=name) if not _among(name, held_to.get(module, ANY)):
                yield f"uses {module}.{name}"
            case ast.Attribute(attr=name) if forbidden(name):
                yield f"uses .{name}"
            case ast.Name(id="open", ctx=ast.Load()):
                yield "uses open"
            case ast.Name(id=name, ctx=ast.Load()) if name in held_to and id(node) not in members:
                yield f"hands {name} on"
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_BUILTINS:
                yield f"calls {name}"
            case ast.Call(func=ast.Name(id="getattr"), args=[ast.Name(id="cv2" | "np"), *_]):
                yield "looks up a name of a module"
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]) if forbidden(name):
                yield f"looks up {name}"
            case ast.keyword(arg=str(name), value=value) if forbidden(name) and not _is_false(value):
                yield f"asks to {name}"

    return [Violation(getattr(node, "lineno", 0), what) for node in ast.walk(tree) for what in found(node)]


def _among(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _allowed(module: str, imports: dict[str, tuple[str, ...]]) -> bool:
    return _among(module, tuple(imports))


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


@pytest.mark.parametrize("place", modules_with_pixels(*IMPORTS))
def test_the_rooms_with_pixels_call_nothing_that_writes(place: str) -> None:
    assert violations(source_of(place), place) == []


BUFFER = (
    "memoryview(frame.pixels).tobytes()",
    "bytearray(frame.pixels)",
    "file.write(frame.pixels)",
    "file.writelines([frame.pixels])",
    "os.write(pipe, frame.pixels)",
    "base64.b64encode(frame.pixels)",
)
PLAIN_ARRAY = (
    "np.asarray(frame.pixels).tobytes()",
    "bytes(np.array(frame.pixels, subok=False))",
    "next(np.nditer(frame.pixels)).tobytes()",
    "cv2.resize(frame.pixels, (4, 4)).dumps()",
    "np.savez(file, np.ascontiguousarray(frame.pixels))",
    "print(np.asarray(frame.pixels), file=text)",
    "np.array2string(np.asarray(frame.pixels))",
)
READ_BY_C = (
    "np.ndarray.tobytes(frame.pixels)",
    "np.lib.format.write_array(file, frame.pixels)",
    "cv2.imencode('.png', frame.pixels)",
    "cv2.imwrite(path, frame.pixels)",
    "cv2.imwritemulti(path, [frame.pixels])",
)
KNOWN_WAYS = (*BUFFER, *PLAIN_ARRAY, *READ_BY_C)
"""The ways out that Python cannot refuse, as ingest/frame.py tells them; those of `BUFFER` it refuses from 3.12 on."""


@pytest.mark.parametrize("way", KNOWN_WAYS)
def test_what_python_cannot_refuse_the_scan_finds(way: str, tmp_path: Path) -> None:
    """Each is tried, so that nothing stays in the list that is refused after all, and then looked for."""
    pipe_out, pipe = os.pipe()
    names = {
        "frame": Frame(np.zeros((4, 4, 3), np.uint8), 0.0),
        "file": io.BytesIO(), "text": io.StringIO(), "path": str(tmp_path / "out.png"), "pipe": pipe,
        "np": np, "cv2": cv2, "os": os, "base64": base64,
    }  # fmt: skip
    try:
        if way in BUFFER and sys.version_info >= (3, 12):
            with pytest.raises(PixelLeak):
                eval(way, names)
        else:
            eval(way, names)
    finally:
        os.close(pipe_out), os.close(pipe)
    assert violations(way, "detect/quality.py"), "the scan has to hold what Python cannot"


REFUSED_LINES = """
from cv2 import imwrite
from cv2 import *
from numpy import save
from os import write
from urllib import request
from pathlib import Path as Folder
from . import frame
import urllib.request
import subprocess
import httpx
import mmap
import pickle
import base64
import socket
import tempfile
import cv2 as opencv
from PIL import Image
path.open("wb")
path.open(mode="r+")
path.open(mode)
path.open(**how)
opener = path.open
open("out", "rb")
keep = open
f.write(memoryview(frame.pixels))
f.writelines([frame.pixels])
os.write(1, frame.pixels)
os.system(command)
keep = os
import zlib; zlib.compress(frame.pixels)
path.write_bytes(frame.pixels)
cv2.VideoWriter(name, 0, 25.0, (352, 288))
cv2.FileStorage(name, 1)
cv2.imwriteanimation(name, frames)
cv2.imshow("window", frame.pixels)
cv2.imencode(".png", frame.pixels)
result.show()
np.memmap(name)
np.lib.format.open_memmap(name)
np.array_repr(plain)
np.array_str(plain)
plain.tofile(name)
from base64 import b64encode
connection.sendall(plain)
base64.b64encode(plain)
cv2.__dict__["imwrite"](name, frame.pixels)
getattr(cv2, name)(frame.pixels)
getattr(plain, "tobytes")()
vars(cv2)
model.predict(plain, save=True)
pixels.setflags(write=True)
print(plain)
bytes(plain)
exec(code)
"""


@pytest.mark.parametrize("line", [line for line in REFUSED_LINES.splitlines() if line])
@pytest.mark.parametrize("place", ["ingest/decode.py", "detect/quality.py"])
def test_the_scan_finds_every_line_that_could_carry_pixels_away(place: str, line: str) -> None:
    """The scan above can fail, and does so on the line itself."""
    assert [at for at, _ in violations(f"import numpy as np\n\n{line}\n", place)][:1] == [3]


def test_every_forbidden_name_is_shown_to_be_found() -> None:
    shown = "\n".join((REFUSED_LINES, *KNOWN_WAYS))
    words = {node.attr for node in ast.walk(ast.parse(shown)) if isinstance(node, ast.Attribute)}
    words |= {
        alias.name for node in ast.walk(ast.parse(shown)) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert [pattern for pattern in FORBIDDEN if not any(fnmatchcase(word, pattern) for word in words)] == []


@pytest.mark.parametrize("room", IMPORTS)
def test_nothing_is_allowed_that_is_not_used(room: str) -> None:
    """The lists are what the rooms import today: a module that is no longer needed leaves them."""
    imported: set[str] = set()
    for place in modules_with_pixels(room):
        for node in ast.walk(ast.parse(source_of(place))):
            imported |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            imported |= {node.module or "."} if isinstance(node, ast.ImportFrom) else set()
    own = set(IMPORTS[room]) - set(EVERY_ROOM)
    assert {module for module in own if not any(fnmatchcase(name, module) for name in imported)} == set()


@pytest.mark.parametrize("place", OWN_IMPORTS)
def test_what_one_file_may_import_is_shut_to_the_others_and_used_by_it(place: str) -> None:
    found = {what for _, what in violations(source_of(place), "detect/quality.py")}
    assert {what.split(" from ")[1] for what in found} == set(OWN_IMPORTS[place])


@pytest.mark.parametrize("place", EXCEPTIONS)
def test_nothing_is_excepted_that_is_not_used(place: str) -> None:
    used = {node.attr for node in ast.walk(ast.parse(source_of(place))) if isinstance(node, ast.Attribute)}
    assert EXCEPTIONS[place] <= used


VIEWS_WITHOUT_PIXELS = tuple(
    f"detect/{name}.py" for name in ("scene", "sixbit", "view_book", "view_field", "view_learning", "view_match")
)
"""What the parent of the workers knows of a camera's views: signatures as numbers, no picture (pyproject.toml)."""


PIXELS = {"pixels", "_pixels", "Frame", "_HeldPixels", "picture_of", "imread", "VideoCapture"}
PIXEL_MODULES = {"cv2", "ingest.frame"}


def touches_pixels(source: str) -> list[Violation]:
    """Where a source that has no business with pixels names them."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name) | ast.Constant(value=name) if name in PIXELS:
                found.append(Violation(node.lineno, f"names {name}"))
            case ast.Import(names=aliases):
                found += [Violation(node.lineno, f"imports {a.name}") for a in aliases if a.name in PIXEL_MODULES]
            case ast.ImportFrom(module=module, names=aliases):
                if module in PIXEL_MODULES or PIXELS & {alias.name for alias in aliases}:
                    found.append(Violation(node.lineno, f"imports from {module}"))
    return found


@pytest.mark.parametrize(
    "place",
    [
        *modules("core", "aggregate", "api", "busyness", *WITHOUT_PIXELS),
        *("ingest/source.py", "ingest/feed.py", "ingest/borrowing.py", "detect/registry.py", "detect/onnx_file.py"),
        *VIEWS_WITHOUT_PIXELS,
    ],
)
def test_no_other_room_and_no_loading_of_models_touches_pixels(place: str) -> None:
    assert touches_pixels(source_of(place)) == []


@pytest.mark.parametrize(
    "line",
    [
        "clip.frames[0].pixels", "frame._pixels", "getattr(frame, 'pixels')", "import cv2", "from cv2 import resize",
        "from ingest.frame import Frame", "from detect.labels import picture_of",
        "from ingest import frame; frame.Frame",
    ],
)  # fmt: skip
def test_a_touch_of_pixels_would_be_found(line: str) -> None:
    assert touches_pixels(line) != []


def lint_imports_of(tree: Path) -> subprocess.CompletedProcess[str]:
    """The import rules over a tree; in a process of its own, for import-linter switches off the loggers of this one."""
    program = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(no_cache=True))"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tree)


def test_imports_go_one_way_and_figures_never_see_pixels() -> None:
    result = lint_imports_of(ROOT)
    assert result.returncode == EXIT_STATUS_SUCCESS, result.stdout


def test_an_import_against_the_rules_would_be_found(tmp_path: Path) -> None:
    """The same rules over a tree where aggregate looks at pixels: the check above can fail."""
    for place in modules("core", "ingest", "detect", "aggregate", "api", "busyness"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("import cv2\n" if place == "aggregate/__init__.py" else "")
    config = tmp_path / "pyproject.toml"
    config.write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    result = lint_imports_of(tmp_path)
    assert result.returncode != EXIT_STATUS_SUCCESS
    assert "aggregate is not allowed to import cv2" in result.stdout
