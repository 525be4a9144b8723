"""The ledger's second copy: made at once or kept up to date, read again before it is called good, and put back."""
