"""Who we are, as RTSP asks it: Digest (RFC 7616, of which RFC 2617 is a part) and Basic (RFC 7617)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_PARAMETER = re.compile(r'([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME = re.compile(r"(?:^|,)\s*(Digest|Basic)\b", re.IGNORECASE)
_HASHES: Mapping[str, Callable[[bytes], str]] = {
    "SHA-256": lambda content: hashlib.sha256(content).hexdigest(),
    "MD5": lambda content: hashlib.md5(content, usedforsecurity=False).hexdigest(),  # what cameras speak
}
"""By the name of a Digest's algorithm, the better ones first."""


@dataclass(frozen=True, repr=False)
class Credentials:
    """A user and a password. They are in no message and no log line, nor in what this prints as.

    `in_clear` says whether the password may be sent as it is (Basic): whoever stands between can ask for that.
    """

    user: str
    password: str
    in_clear: bool = False


@dataclass(frozen=True)
class Challenge:
    """One way to say who we are that a server accepts. `algorithm` is None for Basic."""

    algorithm: str | None
    realm: str = ""
    nonce: str = ""
    opaque: str | None = None
    with_quality: bool = False
    stale: bool = False


def challenges(headers: Sequence[str]) -> Sequence[Challenge]:
    """What `WWW-Authenticate` headers offer and we can do, the safest first. They may stand one in a header or many."""
    offered: list[Challenge] = []
    for header in headers:
        starts = [found.start() for found in _SCHEME.finditer(header)]
        for start, end in pairwise([*starts, len(header)]):
            challenge = _challenge(header[start:end].lstrip(", \t"))
            if challenge is not None:
                offered.append(challenge)
    order = [*_HASHES, None]
    return sorted(offered, key=lambda challenge: order.index(challenge.algorithm))


def authorization(challenge: Challenge, credentials: Credentials, method: str, uri: str, count: int) -> str:
    """The value of an `Authorization` header. `count` numbers the requests under one nonce, from 1."""
    user, password = credentials.user, credentials.password
    if challenge.algorithm is None:
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    hashed = _HASHES[challenge.algorithm]
    secret = hashed(f"{user}:{challenge.realm}:{password}".encode())
    request = hashed(f"{method}:{uri}".encode())
    fields = {"username": user, "realm": challenge.realm, "nonce": challenge.nonce, "uri": uri}
    bare = {"algorithm": challenge.algorithm}
    if challenge.with_quality:
        own, number = secrets.token_hex(8), f"{count:08x}"
        proof = hashed(f"{secret}:{challenge.nonce}:{number}:{own}:auth:{request}".encode())
        fields["cnonce"] = own
        bare |= {"qop": "auth", "nc": number}
    else:
        proof = hashed(f"{secret}:{challenge.nonce}:{request}".encode())
    fields["response"] = proof
    if challenge.opaque is not None:
        fields["opaque"] = challenge.opaque
    quoted = [f'{name}="{_quoted(value)}"' for name, value in fields.items()]
    return "Digest " + ", ".join([*quoted, *(f"{name}={value}" for name, value in bare.items())])


def _challenge(text: str) -> Challenge | None:
    """None for what we cannot answer: another algorithm, a session variant, protection of the body alone."""
    scheme, _, rest = text.partition(" ")
    if scheme.lower() == "basic":
        return Challenge(algorithm=None)
    fields = {name.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare for name, quoted, bare in _PARAMETER.findall(rest)}
    algorithm = fields.get("algorithm", "MD5").upper()
    quality = [option.strip() for option in fields.get("qop", "").split(",") if option.strip()]
    if algorithm not in _HASHES or "nonce" not in fields or (quality and "auth" not in quality):
        return None
    return Challenge(
        algorithm=algorithm,
        realm=fields.get("realm", ""),
        nonce=fields["nonce"],
        opaque=fields.get("opaque"),
        with_quality=bool(quality),
        stale=fields.get("stale", "").lower() == "true",
    )


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
