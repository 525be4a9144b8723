"""The wire contract: topics, messages, printed codes, and the MQTT client both sides use."""
