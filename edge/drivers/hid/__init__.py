"""Keyboard scanners and ten-key pads: key events of Linux's evdev in, what they typed out."""
