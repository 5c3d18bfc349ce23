"""A local Slack: Web API, Socket Mode, a page in the browser, and a control API for tests."""

from .service import SlackService

__all__ = ["SlackService"]
