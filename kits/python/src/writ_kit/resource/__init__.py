"""The door of resource servers: who calls, whether this may happen, and a person's yes where it takes one."""

from .._clock import Clock
from ..errors import ArgumentsInvalid, AskLater, Cancelled, Denied, Expired, NotPermitted, StillWaiting, Unavailable, UsageError
from ._action import Action
from ._asgi import Protect, caller_of, gone_of
from ._caller import Actor, Caller, Subject, Task
from ._decisions import Decisions, GateOptions, Looked
from ._live import LiveCheck
from ._permit import Outcome, Permit, RunOptions
from ._question import Question, WaitOptions
from ._rejection import Reason, Rejection
from ._replays import MAX_REMEMBERED_PROOFS, MemoryReplays, ReplayStore
from ._verifier import Verifier

__all__ = [
    "Action",
    "Actor",
    "ArgumentsInvalid",
    "AskLater",
    "Caller",
    "Cancelled",
    "Clock",
    "Decisions",
    "Denied",
    "Expired",
    "GateOptions",
    "LiveCheck",
    "Looked",
    "MAX_REMEMBERED_PROOFS",
    "MemoryReplays",
    "NotPermitted",
    "Outcome",
    "Permit",
    "Protect",
    "Question",
    "Reason",
    "Rejection",
    "ReplayStore",
    "RunOptions",
    "StillWaiting",
    "Subject",
    "Task",
    "Unavailable",
    "UsageError",
    "Verifier",
    "WaitOptions",
    "caller_of",
    "gone_of",
]
