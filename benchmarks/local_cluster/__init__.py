"""A cluster on this machine, for the benchmarks: a real broker, a real PostgreSQL, every worker a process."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
