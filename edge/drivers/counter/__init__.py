"""Pulse counters: an Arduino, or anything else that sends a cumulative count in a line with a checksum."""
