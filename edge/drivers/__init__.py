"""One folder a driver: a sans-io parser, the installer's README, a sample of settings. Ports are read elsewhere."""
