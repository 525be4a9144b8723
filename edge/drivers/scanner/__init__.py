"""Serial and USB-COM barcode scanners: bytes in, scanned texts out; and the bytes that make a scanner beep."""

from edge.drivers.scanner.feedback import MODELS, Model, Signals
from edge.drivers.scanner.parser import Counts, Frame, Framing, Parser

__all__ = ["MODELS", "Counts", "Frame", "Framing", "Model", "Parser", "Signals"]
