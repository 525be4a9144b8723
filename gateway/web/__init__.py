"""The pages: boards, order pages, one search box, a live stream and JSON. Reads ledger and state, writes nothing."""
