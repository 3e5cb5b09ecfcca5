"""Where pictures come from: one adapter a file, safe decoding, and the `Frame` that never leaves memory."""
