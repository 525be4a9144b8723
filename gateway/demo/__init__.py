"""`mawashi demo`: a small cluster of firms on one machine, from scanners to the board, faster than life."""
