"""The one exception of the REST API, in the shape in which Jira tells what is wrong."""


class JiraError(Exception):
    def __init__(self, status, message=None, errors=None, headers=None):
        super().__init__(message or str(errors))
        self.status = status
        self.messages = [message] if message else []
        self.errors = errors or {}
        self.headers = headers or {}

    def answer(self):
        return {"errorMessages": self.messages, "errors": self.errors}


def not_on_screen(field):
    return f"Field '{field}' cannot be set. It is not on the appropriate screen, or unknown."
