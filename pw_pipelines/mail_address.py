"""What a mail address of a person who orders, signs or sells for us may look like."""

from __future__ import annotations

import re

PATTERN = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}"
LONGEST = 254
_ADDRESS = re.compile(PATTERN, re.ASCII)


def is_mail_address(text: str) -> bool:
    """Whether the text is one address and nothing else."""
    return len(text) <= LONGEST and _ADDRESS.fullmatch(text) is not None
