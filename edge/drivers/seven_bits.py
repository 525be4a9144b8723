"""Characters of seven bits, as older controls send them: the parity that a port set to 8N1 leaves in the eighth bit."""

_PARITY = bytes(byte for byte in range(0x80, 0x100) if byte.bit_count() % 2 == 0)
"""Bytes with the eighth bit set as even parity sets it. Others above 0x7F are noise, and stay what they are."""
_UNMASKED = bytes.maketrans(_PARITY, bytes(byte & 0x7F for byte in _PARITY))


def seven_bits(data: bytes, dropped: bytes = b"") -> tuple[bytes, int]:
    r"""Return the characters, without those in `dropped`, and how many carried even parity.

    >>> seven_bits(b"\xc3\x8d\x12", dropped=b"\x12")
    (b'C\r', 2)
    """
    parity = len(data) - len(data.translate(None, _PARITY))
    return data.translate(_UNMASKED).translate(None, dropped), parity
