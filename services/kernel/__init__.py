"""Words that every service shares: pure, without I/O and without a clock."""
