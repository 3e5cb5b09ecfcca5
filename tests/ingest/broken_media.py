"""Media as nobody should send them: seeded mutations of clips and stills, and bombs made by hand.

`broken(seeds, seed, number)` is the same bytes for the same arguments, on every machine.
"""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np

Mutation = Callable[[random.Random, Sequence[bytes]], bytes]

MAX_BYTES = 4 * 1024 * 1024
EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 12_000, 65_535)
FIELDS = (b"mvhd", b"tkhd", b"mdhd", b"stts", b"stsz", b"stsc", b"stco", b"ctts", b"elst", b"avc1", b"avcC", b"mp4v",
          b"esds", b"stsd", b"hdlr", b"moov", b"trak", b"mdat", b"avih", b"strh", b"strf", b"idx1", b"LIST", b"IHDR",
          b"IDAT", b"\xff\xc0", b"\xff\xc2", b"\xff\xc4", b"\xff\xda", b"\xff\xdb")  # fmt: skip
"""Words after which containers and stills state lengths, sizes, times and numbers of things."""


def synthetic_seeds(folder: Path) -> list[bytes]:
    """Sound clips and stills of every format, small, of moving noise."""
    base = np.random.default_rng(7).integers(0, 255, (36, 44, 3), np.uint8)
    seeds = []
    for suffix, code in (("mp4", "mp4v"), ("mov", "mp4v"), ("mkv", "mp4v"), ("avi", "MJPG"), ("ts", "mp4v")):
        path = folder / f"seed.{suffix}"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), 25.0, (352, 288))
        for shift in range(25):
            writer.write(cv2.resize(np.roll(base, shift, 1), (352, 288)))
        writer.release()
        seeds.append(path.read_bytes())
    picture = cv2.resize(base, (352, 288))
    for suffix, options in ((".jpg", []), (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]), (".png", [])):
        seeds.append(cv2.imencode(suffix, picture, options)[1].tobytes())
    return seeds


def broken(seeds: Sequence[bytes], seed: int, number: int) -> bytes:
    """File `number` of the run `seed`: one to three mutations of one of `seeds`, or a bomb."""
    chance = random.Random(f"{seed}:{number}")
    if number % 8 == 7:
        return chance.choice(BOMBS)(chance, seeds)[:MAX_BYTES]
    content = chance.choice(seeds)
    for _ in range(chance.choice((1, 1, 2, 3))):
        content = chance.choice(MUTATIONS)(chance, (content, *seeds))[:MAX_BYTES]
    return content


def _bits(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    content = bytearray(seeds[0])
    for _ in range(chance.choice((1, 8, 64, 500)) if content else 0):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


def _bits_of_the_head(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    head = chance.choice((64, 512, 4096))
    return _bits(chance, (seeds[0][:head],)) + seeds[0][head:]


def _bits_of_the_tail(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """MP4 written in one pass has its index at the end."""
    return seeds[0][:-4096] + _bits(chance, (seeds[0][-4096:],))


def _truncated(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    return seeds[0][: int(len(seeds[0]) * chance.random())]


def _hole(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    content = bytearray(seeds[0])
    start, length = chance.randrange(len(content) + 1), chance.choice((16, 1024, 65_536))
    filling = chance.choice((bytes(length), b"\xff" * length, chance.randbytes(length)))
    content[start : start + length] = filling[: len(content[start : start + length])]
    return bytes(content)


def _spliced(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    other = chance.choice(seeds)
    return seeds[0][: int(len(seeds[0]) * chance.random())] + other[int(len(other) * chance.random()) :]


def _another_head(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    length = chance.choice((4, 8, 12, 32, 188, 512))
    return chance.choice(seeds)[:length] + seeds[0][length:]


def _lie(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Extreme numbers where sizes, dimensions and durations stand."""
    content = bytearray(seeds[0])
    for _ in range(chance.choice((1, 2, 5))):
        places = [at for field in FIELDS if (at := content.find(field)) >= 0]
        if not places:
            break
        at = chance.choice(places) + chance.randrange(-4, 96)
        value = chance.choice(EXTREMES)
        form = chance.choice((">I", "<I", ">H", "<H"))
        written = struct.pack(form, value & (0xFFFF if form[1] == "H" else 0xFFFFFFFF))
        if 0 <= at <= len(content) - len(written):
            content[at : at + len(written)] = written
    return bytes(content)


def _boxes(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A box (or whatever begins with a known word) taken out, doubled, put elsewhere or renamed."""
    content = seeds[0]
    places = [at for field in FIELDS if (at := content.find(field)) >= 4]
    if not places:
        return content
    start = chance.choice(places) - 4
    (size,) = struct.unpack_from(">I", content, start)
    end = min(len(content), start + max(8, min(size, 1 << 20)))
    box, rest = content[start:end], content[:start] + content[end:]
    match chance.randrange(4):
        case 0:
            return rest
        case 1:
            return content[:start] + box * chance.choice((2, 50)) + content[end:]
        case 2:
            elsewhere = chance.randrange(len(rest) + 1)
            return rest[:elsewhere] + box + rest[elsewhere:]
        case _:
            return content[: start + 4] + chance.choice(FIELDS)[:4].ljust(4, b"\0") + content[start + 8 :]


def _again_and_again(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    return seeds[0] * chance.choice((2, 5, 20))


MUTATIONS: tuple[Mutation, ...] = (
    _bits, _bits, _bits_of_the_head, _bits_of_the_tail, _truncated, _hole, _spliced, _another_head, _lie, _lie, _lie,
    _boxes, _boxes, _again_and_again,
)  # fmt: skip


def _png(width_px: int, height_px: int, data: bytes, *extra: tuple[bytes, bytes]) -> bytes:
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)), *extra]
    chunks += [(b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


@cache
def _zeros(mebibytes: int) -> bytes:
    """Zeros in the format of zlib (RFC 1950): one compressed block of a MiB again and again, made in no time."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflate.compress(bytes(1024 * 1024)) + deflate.flush(zlib.Z_FULL_FLUSH)
    adler = (mebibytes * 1024 * 1024 % 65_521) << 16 | 1
    return b"\x78\xda" + block * mebibytes + b"\x03\x00" + struct.pack(">I", adler)


def _png_of_many_pixels(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    width_px, height_px = chance.choice(((60_000, 60_000), (3840, 2160), (1, 8_000_000), (65_535, 126), (0, 10)))
    return _png(width_px, height_px, _zeros(25))


def _png_of_more_data_than_pixels(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    return _png(352, 288, _zeros(1000))


def _png_with_a_swollen_profile(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    name = chance.choice((b"iCCP", b"zTXt"))
    return _png(352, 288, _zeros(1), (name, b"a\0\0" + _zeros(1000)))


def _png_of_many_chunks(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    return _png(352, 288, _zeros(1), *[(b"tEXt", b"a\0b")] * 60_000)


def _jpeg_of_many_scans(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A progressive picture whose refining scans are repeated: each is little to send and much to decode."""
    picture = next((one for one in seeds if one[:3] == b"\xff\xd8\xff" and b"\xff\xc2" in one), seeds[-1])
    last = picture.rfind(b"\xff\xda")
    return picture[:last] + picture[last:-2] * chance.choice((100, 2000)) + picture[-2:]


def _jpeg_of_many_pixels(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    picture = bytearray(next((one for one in seeds if one[:3] == b"\xff\xd8\xff"), seeds[-1]))
    frame = max(picture.find(b"\xff\xc0"), picture.find(b"\xff\xc2"))
    picture[frame + 5 : frame + 9] = struct.pack(
        ">HH", *chance.choice(((65_500, 65_500), (2160, 3840), (0, 0), (1, 1)))
    )
    return bytes(picture)


def _playlist(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """What names other files and addresses, bare and behind the beginning of a clip."""
    target = chance.choice(
        ("file:///etc/passwd", "http://169.254.169.254/latest", "/etc/hostname", "concat:a|b", "fd:0")
    )
    text = chance.choice(
        (
            f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n",
            f"ffconcat version 1.0\nfile {target}\n",
            f'<?xml version="1.0"?><MPD><Period><BaseURL>{target}</BaseURL></Period></MPD>',
            f"v=0\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\na=control:{target}\n",
            f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{target}"/></svg>',
        )
    ).encode()
    start = chance.choice((b"", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", b"\x1a\x45\xdf\xa3", b"RIFF\0\0\0\0AVI LIST"))
    return start + text


def _reference(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A clip whose samples are said to lie in another file (`dref` with an alias or an address)."""
    content = bytearray(next((one for one in seeds if b"dref" in one), seeds[0]))
    at = content.find(b"dref")
    if at >= 0:
        target = chance.choice((b"/etc/passwd\0", b"http://127.0.0.1:9/x\0", b"file:///etc/hostname\0"))
        entry = chance.choice((b"alis", b"url ", b"rsrc")) + bytes(4) + target
        content[at + 4 : at + 16 + len(entry)] = struct.pack(">III", 0, 1, 8 + len(entry)) + entry
    return bytes(content)


def _archive(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    if chance.randrange(2):
        return gzip.compress(bytes(64 * 1024 * 1024), mtime=0)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:  # a ZipInfo has a time of its own: 1980
        archive.writestr(zipfile.ZipInfo("clip.mp4"), bytes(64 * 1024 * 1024), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _noise(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    starts = (
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"\0\0\0\x20ftypisom",
        b"\x1a\x45\xdf\xa3",
        b"RIFF\0\0\0\0AVI LIST",
    )
    start = chance.choice(starts)
    if chance.randrange(4) == 0:  # a transport stream of nothing
        return b"".join(b"\x47" + chance.randbytes(187) for _ in range(chance.choice((2, 500, 5000))))
    return start + chance.randbytes(chance.choice((0, 1, 100, 100_000)))


def _mp4_that_promises(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """An index with millions of samples: little to send, much to allocate."""
    content = bytearray(next((one for one in seeds if b"stsz" in one), seeds[0]))
    for field, at in ((b"stsz", 12), (b"stts", 8), (b"stsc", 8), (b"stco", 8)):
        place = content.find(field)
        if place >= 0 and chance.randrange(2):
            struct.pack_into(">I", content, place + at, chance.choice((0x0FFFFFFF, 0x3FFFFFFF, 10_000, 9_000_000)))
    return bytes(content)


def _large_frames(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """A sound clip of pictures at the limit, or twice that."""
    return _large_clip(*chance.choice(((3840, 2160, 60), (1920, 1080, 120), (4096, 4096, 10), (352, 288, 2000))))


@cache
def _large_clip(width_px: int, height_px: int, frames: int) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.avi"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (width_px, height_px))
        picture = np.zeros((height_px, width_px, 3), np.uint8)
        for _ in range(frames):
            writer.write(picture)
        writer.release()
        return path.read_bytes()


BOMBS: tuple[Mutation, ...] = (
    _png_of_many_pixels, _png_of_more_data_than_pixels, _png_with_a_swollen_profile, _png_of_many_chunks,
    _jpeg_of_many_scans, _jpeg_of_many_pixels, _playlist, _reference, _archive, _noise, _mp4_that_promises,
    _large_frames,
)  # fmt: skip
