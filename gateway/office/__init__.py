"""The office's word on an order that exists: what it may ask, what would come of it, and having it written."""
