"""Modbus, RTU and TCP: counters and bits of a PLC, lamps of a signal tower. Only ever read."""
