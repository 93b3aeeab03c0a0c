"""Time as the kit sees it: an argument, so that tests move it."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import datetime
from typing import Any, Protocol

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Clock(Protocol):
    def now(self) -> int:
        """Seconds since 1970, whole."""

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> int:
        return int(time.time())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def seconds_of(text: Any) -> float | None:
    """Seconds of an RFC 3339 time; None for anything else."""
    if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except ValueError:
        return None
