"""Issuance: verified reductions, and the credit batches issued from them."""
