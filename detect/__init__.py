"""From frames to counts: picture quality, counting models, zones. No box, track or embedding leaves this package."""
