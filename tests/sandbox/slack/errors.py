"""The one exception of the Web API: its name is Slack's error string."""


class SlackError(Exception):
    def __init__(self, name, messages=None, status=200, headers=None, **more):
        super().__init__(name)
        self.name = name
        self.messages = messages
        self.status = status
        self.headers = headers or {}
        self.more = more

    def answer(self):
        said = {"ok": False, "error": self.name, **self.more}
        if self.messages:
            said["response_metadata"] = {"messages": self.messages}
        return said
