"""Chaos: a market under load whose parts are killed, cut off and lied to, while an auditor of its own counts."""
