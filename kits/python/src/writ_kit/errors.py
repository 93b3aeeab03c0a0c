"""What a decision, a question or a server can end in, when it does not end in a permit. Each says what to do next."""

from __future__ import annotations

import json

# As the answer of an API: status, registered code, and where the error names none, seconds for `Retry-After`.
_ANSWERS: dict[str, tuple[int, str, int | None]] = {
    "denied": (403, "access_denied", None),
    "arguments_invalid": (400, "invalid_request", None),
    "ask_later": (429, "temporarily_unavailable", None),
    "still_waiting": (409, "authorization_pending", 5),
    "expired": (403, "expired_token", None),
    "cancelled": (403, "access_denied", None),
    "unavailable": (503, "temporarily_unavailable", 1),
}

# So the server begins whatever it says of arguments; the place follows.
_OF_ARGUMENTS = "The arguments "
# And so, where they are outside the schema.
_OUTSIDE_SCHEMA = "The arguments are not those of this action:"


_DO_NOT_REPEAT = "do not repeat this call"
_ASKS_ANEW = "nothing was done, and a new call asks anew"
# Of a question that was cancelled: who ended it says whether it may be asked again.
_AFTER_CANCELLATION = {
    # A person stopped the agent, or wants no questions of the resource.
    "stopped": _DO_NOT_REPEAT,
    # A person declined the page.
    "declined": _DO_NOT_REPEAT,
    "superseded": _ASKS_ANEW,
}


class NotPermitted(Exception):
    """
    Nothing was permitted. `advice` is one sentence for the caller's developer or model; `status`, `headers` and `body` are the whole answer
    of an API.
    """

    code: str
    advice: str

    @property
    def sentence(self) -> str:
        """What happened and what to do next, for whoever reads one text alone, such as a model."""
        said = self._said
        return f"{said[:1].upper()}{said[1:]}."

    @property
    def _said(self) -> str:
        return f"{str(self).removesuffix('.')}; {self.advice}"

    @property
    def status(self) -> int:
        return _ANSWERS[self.code][0]

    @property
    def headers(self) -> list[tuple[str, str]]:
        headers = [("cache-control", "no-store"), ("content-type", "application/json")]
        after = self._after
        return headers if after is None else [*headers, ("retry-after", str(after))]

    @property
    def body(self) -> str:
        told: dict[str, object] = {"error": _ANSWERS[self.code][1], "error_description": self._said}
        after = self._after
        return json.dumps(told if after is None else {**told, "retry_after": after})

    @property
    def _after(self) -> int | None:
        return self.retry_after if isinstance(self, AskLater) else _ANSWERS[self.code][2]


class Denied(NotPermitted):
    """No: by the rules, or by a person (`reason` is `person` then)."""

    code = "denied"
    advice = _DO_NOT_REPEAT

    def __init__(self, reason: str, words: str = "") -> None:
        super().__init__(words or f"not permitted ({reason})")
        self.reason = reason
        self.words = words


class ArgumentsInvalid(NotPermitted):
    """The arguments are outside the schema, or cannot be judged or shown to a person; nobody was asked, and other ones may be permitted."""

    code = "arguments_invalid"
    advice = "correct them and call again"

    def __init__(self, words: str = "", of: str = "action") -> None:
        """`words`: as the server says it. `of`: whose schema it is, `action` or `tool`."""
        message = _of_arguments(words.strip().removesuffix("."), of)
        super().__init__(message)
        place = message.find("`/")
        self.where = "" if place < 0 else message[place:]
        """What does not fit, by a JSON pointer in backticks, and why; empty where no place is named."""

    @classmethod
    def not_judged(cls, pointer: str, why: str) -> ArgumentsInvalid:
        """Of arguments that are not sent: in the words that the server has for them."""
        return cls(f"{_OF_ARGUMENTS}cannot be judged: `{pointer}`: {why}")


def _of_arguments(said: str, of: str) -> str:
    if said.startswith(_OUTSIDE_SCHEMA):
        return f"the arguments do not fit the {of}'s schema:{said.removeprefix(_OUTSIDE_SCHEMA)}"
    if said.startswith(_OF_ARGUMENTS):
        return said
    return f"the arguments were refused: {said}" if said else "the arguments were refused"


class AskLater(NotPermitted):
    """Nobody was asked: people are asked too often, or said no just before."""

    code = "ask_later"

    def __init__(self, retry_after: int, message: str = "nobody was asked now") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds, as `Retry-After` said."""
        self.advice = f"the same may be asked again after {retry_after} s"


class StillWaiting(NotPermitted):
    """A person was asked and has not decided: the same call, made again, finds the answer."""

    code = "still_waiting"
    advice = "call again with the same arguments: the answer is found then"

    def __init__(self, task: str, review: str | None) -> None:
        super().__init__("a person was asked and has not decided yet")
        self.task = task
        self.review = review
        """Where the person can decide, if the server names it."""


class Expired(NotPermitted):
    """Nobody decided in time, or what was permitted did not begin in time: this means no."""

    code = "expired"
    advice = _ASKS_ANEW


class Cancelled(NotPermitted):
    """The question was taken back: by this call's end, by a newer question, or because the agent was stopped."""

    code = "cancelled"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the question was cancelled ({reason})")
        self.reason = reason
        self.advice = _AFTER_CANCELLATION.get(reason, "nothing was done, so ask again only if it is still wanted")


class Unavailable(NotPermitted):
    """No answer that can be relied upon, so nothing is permitted. `__cause__` is for your log."""

    code = "unavailable"
    advice = "nothing was done, so try again later"


class UsageError(Exception):
    """A call or a configuration of the kit that is wrong; nothing was sent."""


__all__ = [
    "NotPermitted",
    "Denied",
    "ArgumentsInvalid",
    "AskLater",
    "StillWaiting",
    "Expired",
    "Cancelled",
    "Unavailable",
    "UsageError",
]
