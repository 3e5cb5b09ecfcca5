"""Publishers of loops and counters beside the cameras: one adapter a file, with its configuration."""
