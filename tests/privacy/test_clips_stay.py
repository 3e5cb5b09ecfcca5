"""A clip's bytes wait in memory, go into the pipe of a worker, and nowhere else: what holds them is searched for more.

Like that of test_boundary.py, the scan reads source: it stops what is written by mistake or in a hurry.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest
from source_scan import WITHOUT_PIXELS, Violation, modules, reads, source_of

HOLDS_CLIPS = (*WITHOUT_PIXELS, "busyness/jailed_counter.py", "busyness/backgrounds.py", "ingest/file_reader.py")
"""What has whole clips in its hands as bytes: from these a picture can be made later, by anybody. They wait in memory,
go into the pipe of a worker, and nowhere else."""

CLIP_WRITING = (
    "write*", "save*", "dump", "dumps", "tofile", "send", "sendall", "sendto", "sendmsg", "sendfile", "fdopen",
    "truncate", "pwrite*", "copyfile*", "stdout", "stderr", "system", "popen", "Popen", "check_call",
    "check_output",
)  # fmt: skip
"""Names of whatever object, as patterns: they write to a file, a socket or a terminal, or begin a process."""

CLIP_WRITERS = {
    "dbm", "ftplib", "mmap", "multiprocessing", "pickle", "shelve", "shutil", "smtplib", "sqlite3", "subprocess",
    "tarfile", "tempfile", "zipfile", "duckdb", "pprint", "syslog",
}  # fmt: skip
"""Modules that put bytes somewhere: `ingest/jail/process.py` alone begins a process."""

CLIP_EXCEPTIONS = {
    "ingest/jail/process.py": {"subprocess", "Popen", "stdout", "write", "send"},  # the pipe into the worker
    "ingest/jail/inside.py": {"open", "fdopen", "write", "send"},  # the worker's end: jobs in, answers out
    "ingest/jail/limits.py": {"open"},  # how much memory it holds
    "ingest/jail/seccomp.py": {"write"},  # a number of a system call
    "ingest/fetch/pinned.py": {"write"},  # a request, to the server that was asked
    "ingest/lending/server.py": {"write"},  # to the worker that asked for it, and has the cluster's secret
    "ingest/stream/rtsp_wire.py": {"sendall"},  # the same of a stream
    "ingest/stream/rtsp_client.py": {"send", "answer"},  # an answer's words, before anything is played
    "ingest/fetch/guard.py": {"rest"},  # of an address
    "ingest/feeds/tfl_jamcam.py": {"media"},  # clips or stills, as the configuration says
}
"""What one part needs of these."""

CLIP_NAMES = {
    "answer", "answered", "body", "chunk", "clip_bytes", "content", "data", "media", "packet", "part", "parts",
    "payload", "pieces", "rest", "sample",
}  # fmt: skip
"""What these parts call a clip's bytes. None of them may stand in a message, except for its length."""

TELLERS = {"debug", "info", "warning", "error", "exception", "critical", "log", "warn"}


def clip_leaks(source: str, place: str) -> list[Violation]:
    """Where the source of `place` writes, sends or tells what could be a clip's bytes."""
    tree = ast.parse(source)
    excepted = CLIP_EXCEPTIONS.get(place, set())
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call) and reads(node)}

    def writing(name: str) -> bool:
        return name not in excepted and any(fnmatchcase(name, pattern) for pattern in CLIP_WRITING)

    def found(node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Import(names=aliases):
                yield from (f"imports {a.name}" for a in aliases if _writer(a.name) - excepted or a.asname)
            case ast.ImportFrom(module=str(module), names=aliases):
                if _writer(module) - excepted:
                    yield f"imports from {module}"
                yield from (f"imports {a.name} from {module}" for a in aliases if writing(a.name) or a.asname)
            case ast.Attribute(attr="open") if id(node) not in called and "open" not in excepted:
                yield f"opens with {ast.unparse(node)}"
            case ast.Attribute(attr=name) if writing(name):
                yield f"uses .{name}"
            case ast.Name(id="open" | "print" | "breakpoint" as name, ctx=ast.Load()):
                yield f"uses {name}"
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]) if writing(name):
                yield f"looks up {name}"
            case ast.Call(func=ast.Attribute(attr=name), args=told, keywords=more) if name in TELLERS:
                shown = [bare for part in (*told, *(one.value for one in more)) for bare in _clips_in(part)]
                yield from (f"tells {one}" for one in shown if one.rpartition(".")[2] not in excepted)
            case ast.FormattedValue(value=value):
                yield from (f"tells {one}" for one in _clips_in(value) if one.rpartition(".")[2] not in excepted)

    return [Violation(getattr(node, "lineno", 0), what) for node in ast.walk(tree) for what in found(node)]


def _writer(module: str) -> set[str]:
    return {module.partition(".")[0]} & CLIP_WRITERS


def _clips_in(told: ast.expr) -> Iterator[str]:
    """The clips' bytes, by their names, that a message is made of; lengths and other parts of records are none."""
    match told:
        case ast.Call(func=ast.Name(id="len")):
            return
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in CLIP_NAMES:
            yield ast.unparse(told)
        case ast.Attribute():
            return
        case ast.Call(func=ast.Attribute(value=owner), args=given):
            for part in (owner, *given):
                yield from _clips_in(part)
        case _:
            for part in ast.iter_child_nodes(told):
                if isinstance(part, ast.expr):
                    yield from _clips_in(part)


@pytest.mark.parametrize("place", modules(*WITHOUT_PIXELS) + [one for one in HOLDS_CLIPS if one.endswith(".py")])
def test_what_holds_clips_as_bytes_puts_them_nowhere_but_into_the_worker(place: str) -> None:
    assert clip_leaks(source_of(place), place) == []


CLIP_LINES = """
Path("/tmp/x.mp4").write_bytes(content)
Path("/tmp/x.mp4").open("wb").write(content)
path.open("ab")
path.open(mode)
open("/tmp/x.mp4", "wb")
opener = open
os.write(1, content)
os.open("/tmp/x", flags)
os.fdopen(1, "wb")
sys.stdout.buffer.write(content)
sys.stderr.flush()
print(content)
file.writelines(parts)
json.dump(content.hex(), file)
array.tofile(file)
connection.send(content)
connection.sendall(content)
connection.sendto(content, address)
connection.sendmsg([content])
connection.sendfile(file)
os.pwrite(1, content, 0)
os.truncate(path, 0)
os.copyfile(path)
os.system(command)
os.popen(command)
pickle.dumps(content)
store.save_clip(content)
subprocess.Popen(command)
subprocess.check_call(command)
subprocess.check_output(command)
import tempfile
import subprocess
import shutil as files
from os import write
from tempfile import NamedTemporaryFile
from pathlib import Path as Folder
getattr(path, "write_bytes")(content)
log.debug("%s", content)
log.warning("fetched %s", media.content[:1000])
log.info("%s", content.hex())
logging.error(base64.b64encode(content))
raise FetchFailed(f"{feed} gave {content!r}")
raise FetchFailed(f"{feed} gave {answer.content.hex()}")
warnings.warn(str(body))
"""


@pytest.mark.parametrize("line", [line for line in CLIP_LINES.splitlines() if line])
def test_a_line_that_puts_a_clip_somewhere_would_be_found(line: str) -> None:
    assert [at for at, _ in clip_leaks(f"import os\n\n{line}\n", "ingest/city/waiting.py")][:1] == [3]


@pytest.mark.parametrize(
    "line",
    [
        "log.info('%d bytes', len(content))", "raise FetchFailed(f'{len(media.content)} bytes of {media.name}')",
        "path.open('rb').read()", "log.warning('%s: %s', clip.content_type, answer.url)",
    ],
)  # fmt: skip
def test_a_length_a_name_and_what_is_read_are_no_leak(line: str) -> None:
    assert clip_leaks(line, "ingest/city/waiting.py") == []


def test_every_name_of_writing_is_shown_to_be_found() -> None:
    words = {node.attr for node in ast.walk(ast.parse(CLIP_LINES)) if isinstance(node, ast.Attribute)}
    assert [pattern for pattern in CLIP_WRITING if not any(fnmatchcase(word, pattern) for word in words)] == []


@pytest.mark.parametrize("place", CLIP_EXCEPTIONS)
def test_no_writing_is_excepted_that_is_not_used(place: str) -> None:
    nodes = list(ast.walk(ast.parse(source_of(place))))
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    used |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    used |= {node.id for node in nodes if isinstance(node, ast.Name)}
    assert CLIP_EXCEPTIONS[place] <= used
