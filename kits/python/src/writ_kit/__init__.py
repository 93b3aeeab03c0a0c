"""For programs beside Writ. Three doors: `writ_kit.agent`, `writ_kit.resource` and `writ_kit.mcp`."""

__version__ = "0.1.0"
