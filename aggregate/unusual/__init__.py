"""What is not usual: hotspots, clusters in space and time, lasting changes, and where to act first."""
