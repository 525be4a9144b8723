"""Sparkplug B: gateways and machines that publish their metrics by MQTT in the form of the Eclipse specification."""
