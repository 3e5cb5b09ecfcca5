"""Publishers of camera clips and stills: one adapter of `ingest.feed.Feed` a file, with its configuration."""
