"""Did it work: what an intervention changed, against what would have been without it."""
