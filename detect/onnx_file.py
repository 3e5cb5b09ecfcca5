"""ONNX files: read once, checked, and run from the very bytes that were checked. No pickle is ever opened.

ONNX Runtime is imported here and nowhere else: its builds for Linux tell Microsoft of every model and session since
1.29, unless they are told not to before they are loaded.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from core.errors import ModelError

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

_ZIP_OR_PICKLE = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How checkpoints of PyTorch begin, whatever their suffix: a zip with a pickle in it, or a bare pickle."""


def read_onnx(path: Path) -> bytes:
    """The bytes of an ONNX file. Raises `ModelError` where there is none, or a pickle."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"the model file {path} cannot be read: {error.strerror}", remedy="check the path, or restore models/"
        ) from error
    if content.startswith(_ZIP_OR_PICKLE) or path.suffix.lower() in (".pt", ".pth", ".pkl"):
        raise ModelError(
            f"{path} is a pickle (a PyTorch checkpoint), and loading a pickle runs the code in it",
            remedy="export it to ONNX, or say ultralytics:PATH if it is YOLO weights that you trust",
        )
    return content


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def open_session(content: bytes, path: Path, threads: int) -> onnxruntime.InferenceSession:
    """A session on the CPU with `threads` threads of its own, which sleep between runs: workers share the cores.

    Loaded from memory, so the bytes that ran are the bytes that were hashed. `path` is for messages.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base but Exception
        raise ModelError(
            f"{path} is not a model that ONNX Runtime can run: {str(error)[:300]}", remedy="give an ONNX file"
        ) from error
