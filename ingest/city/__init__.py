"""All feeds of a city as one source of clips: when to ask, what is new, which clip first, and how each camera is."""
