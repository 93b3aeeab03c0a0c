"""The door of agents: authority from people, handed on, confirmed, and used."""

from ..errors import AskLater, Cancelled, Denied, Expired, NotPermitted, StillWaiting, Unavailable, UsageError
from ._agent import Agent, Grant, PendingAuthorization, PendingConfirmation
from ._errors import ProtocolError, Refused, ResourceRefused
from ._keys import Key

__all__ = [
    "Agent",
    "AskLater",
    "Cancelled",
    "Denied",
    "Expired",
    "Grant",
    "Key",
    "NotPermitted",
    "PendingAuthorization",
    "PendingConfirmation",
    "ProtocolError",
    "Refused",
    "ResourceRefused",
    "StillWaiting",
    "Unavailable",
    "UsageError",
]
