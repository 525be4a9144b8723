"""Machines for the drivers' tests that the demo does not have; the others are in gateway/demo/machines."""
