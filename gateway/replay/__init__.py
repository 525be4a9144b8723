"""A shop's history, played through the very path a scan takes, and compared with what came of it."""
