"""MTConnect agents, read over HTTP as the standard says: states, part counts, alarms."""
