"""Lines that a part program prints by DPRNT (Fanuc macro B, Haas and relatives): cycle start and end, and counts."""
