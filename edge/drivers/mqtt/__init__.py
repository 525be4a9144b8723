"""Anything that publishes JSON or plain text to an MQTT broker beside it: plugs, clamps, boards of one's own."""
