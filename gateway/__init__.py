"""The shared server: appender, ledger, projector and its rules, sinks, web."""
