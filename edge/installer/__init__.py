"""What whoever installs an edge asks it: `ports`, `listen`, `try`, `check`, `status`. The agent needs nothing of it."""
