"""Plumbing that every process shares: it knows messages, transactions and brokers, and no word of the market."""
