"""A process that fetches clips lends their bytes to those that count: from memory, over HTTP, within the cluster."""
