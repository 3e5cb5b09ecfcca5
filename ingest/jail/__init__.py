"""The process in which bytes from outside are opened: little memory, little time, no files and no network."""
