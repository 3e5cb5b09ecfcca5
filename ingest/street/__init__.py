"""The scenery of the synthetic street: what is painted, who comes, how a camera sees it.

`ingest.synthetic` serves it.
"""
