"""Tonne's processes: three services, the gateway, and the words and plumbing they share."""
