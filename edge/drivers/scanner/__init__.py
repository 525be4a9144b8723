"""Serial and USB-COM barcode scanners: bytes in, scanned texts out; and the bytes that make a scanner beep."""
