"""Tests, bench and chaos start hundreds of processes; each would compile our modules anew where bytecode is not kept.

A shop's machine keeps it, so what is measured here is measured with it too.
"""

import os
import sys

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
