"""設備の数字: what one station's machine and work come to, by ISO 22400-2, for firms that have turned it on.

The rules are `gateway.rules.work_unit`; here is where their data come from, and what is said of them.
"""
