"""The agent beside the machines: drivers, scan rules, outbox, uplink, panel."""
