"""The roof: configuration, the wiring of the stages, and the command."""

import os

DEFAULT_MODEL = "lowres-2"
"""What is counted with unless a configuration or a command names another model."""

# Read when Arrow is imported, whose own allocator keeps pages for every thread: of a city 50 MB, to hold half a one.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
