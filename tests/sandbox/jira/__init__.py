"""A local Jira: REST as Cloud and as Data Center, webhooks, a relay, and a control API for tests."""

from .service import JiraService

__all__ = ["JiraService"]
