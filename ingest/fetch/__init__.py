"""A good guest that trusts nobody: asks a publisher politely, and connects only where it is allowed to."""
