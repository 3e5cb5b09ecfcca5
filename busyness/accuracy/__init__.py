"""What an evaluation shows its reader: the same tables on a terminal and on a page, and the page's plots."""
