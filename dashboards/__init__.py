"""Grafana boards as code, and the JSON they generate."""
