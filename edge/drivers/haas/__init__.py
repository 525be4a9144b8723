"""Haas controls, asked by the questions of their Machine Data Collection (MDC): states and part counts."""
