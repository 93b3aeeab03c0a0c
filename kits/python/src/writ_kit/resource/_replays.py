"""Which proofs were used. The memory is bounded: when it is full requests are rejected, because forgetting would allow a replay."""

from __future__ import annotations

from typing import Protocol

MAX_REMEMBERED_PROOFS = 500_000


class ReplayStore(Protocol):
    async def claim(self, digest: str, until: int, now: int) -> bool:
        """
        False if it was claimed before. `until`: when the proof is no longer accepted anyway. Raises where nothing can be
        remembered.
        """


class MemoryReplays:
    def __init__(self, limit: int = MAX_REMEMBERED_PROOFS) -> None:
        self._limit = limit
        self._ends: dict[str, int] = {}
        self._next_sweep = 0

    async def claim(self, digest: str, until: int, now: int) -> bool:
        end = self._ends.get(digest)
        if end is not None and end >= now:
            return False
        if len(self._ends) >= self._limit and now >= self._next_sweep:
            # At most once a second, so that a full memory costs no more than that.
            self._next_sweep = now + 1
            self._ends = {known: end for known, end in self._ends.items() if end >= now}
        if len(self._ends) >= self._limit:
            raise MemoryError(f"the memory holds {self._limit} proofs, which is its limit")
        self._ends[digest] = until
        return True
