"""Benchmarks: figures beside a yardstick of the same run, on a stack of their own."""
