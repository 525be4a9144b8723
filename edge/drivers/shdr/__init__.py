"""MTConnect adapters, read as an agent reads them (SHDR over TCP): states, part counts, alarms."""
