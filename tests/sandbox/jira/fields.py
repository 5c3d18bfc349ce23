"""Fields and screens: which may be set where, and what their values must look like."""

import fnmatch
import re

from .errors import JiraError, not_on_screen
from .text import Text, valid_adf

TEXT_MOST = 32767
SYSTEM_FIELDS = {"summary": ("Summary", "string"), "issuetype": ("Issue Type", "issuetype"),
                 "project": ("Project", "project"), "description": ("Description", "string"),
                 "priority": ("Priority", "priority"), "labels": ("Labels", "array"), "assignee": ("Assignee", "user"),
                 "reporter": ("Reporter", "user"), "parent": ("Parent", "issuelink")}
CREATE_ONLY = {"project", "parent"}


class Screens:
    """The part of the site that checks what is given to it."""

    def on_screen(self, screen, project, kind):
        """The ids of the fields that may be set there."""
        found = [name for name in SYSTEM_FIELDS if screen == "create" or name not in CREATE_ONLY]
        if screen == "create" and not self.is_subtask(kind):
            found.remove("parent")
        found += [name for name, row in self.settings["custom_fields"].items() if kind in row.get("types", [kind])]
        gone = self.settings["hidden"][screen]
        return [name for name in found
                if not any(fnmatch.fnmatchcase(text, rule) for rule in gone
                           for text in (name, f"{kind}.{name}", f"{project}.{kind}.{name}"))]

    def required(self, kind):
        return ["summary", *self.settings["required"].get(kind, [])]

    def field_name(self, field):
        return SYSTEM_FIELDS[field][0] if field in SYSTEM_FIELDS else self.settings["custom_fields"][field]["name"]

    def check_fields(self, screen, project, kind, given, version):
        """Values as they are kept, from values as they came; every trouble at once, as Jira tells it."""
        allowed = self.on_screen(screen, project, kind)
        values, errors = {}, {}
        for field, value in given.items():
            if field in ("project", "issuetype", "parent") and screen == "create":
                continue
            if field not in allowed:
                errors[field] = not_on_screen(field)
                continue
            try:
                values[field] = self.value(field, value, version)
            except ValueError as why:
                errors[field] = str(why)
        if screen == "create":
            for field in self.required(kind):
                if field not in errors and values.get(field) in (None, "", []):
                    errors[field] = ("You must specify a summary of the issue." if field == "summary"
                                     else f"{self.field_name(field)} is required.")
        else:
            for field in self.required(kind):
                if field in values and values[field] in (None, "", []):
                    errors[field] = ("You must specify a summary of the issue." if field == "summary"
                                     else f"{self.field_name(field)} is required.")
        if errors:
            raise JiraError(400, errors=errors)
        return values

    def value(self, field, value, version):
        """One field's value as it is kept; ValueError says what is wrong with it."""
        custom = self.settings["custom_fields"].get(field)
        kind = custom["type"] if custom else field
        return getattr(self, "_value_" + kind, self._value_string)(value, version)

    @staticmethod
    def _value_string(value, _):
        if value is not None and not isinstance(value, str):
            raise ValueError("Operation value must be a string")
        if value and len(value) > TEXT_MOST:
            raise ValueError("The entered text is too long. It exceeds the allowed limit of 32,767 characters.")
        return value

    @staticmethod
    def _value_summary(value, _):
        if value is not None and not isinstance(value, str):
            raise ValueError("Operation value must be a string")
        if value and ("\n" in value or "\r" in value):
            raise ValueError("The summary is invalid because it contains newline characters.")
        if value and len(value) > 255:
            raise ValueError("Summary must be less than 255 characters.")
        return (value or "").strip()

    @staticmethod
    def _value_description(value, version):
        return as_text(value, version)

    @staticmethod
    def _value_labels(value, _):
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ValueError("data was not an array" if not isinstance(value, list) else "string expected")
        for label in value:
            if re.search(r"\s", label):
                raise ValueError(f"The label '{label}' contains spaces which is invalid.")
            if len(label) > 255:
                raise ValueError("The label exceeds the maximum length of 255 characters.")
        return sorted(dict.fromkeys(label for label in value if label))

    def _value_priority(self, value, _):
        found = self.priority_of(value)
        if found is None:
            said = value.get("name", value.get("id")) if isinstance(value, dict) else value
            raise ValueError(f"Priority name '{said}' is not valid")
        return found

    def _value_assignee(self, value, version):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise ValueError("data was not an object")
        key = value.get("accountId", value.get("id")) if version == 3 else value.get("name", value.get("key"))
        if key is None and set(value) & {"accountId", "id", "name", "key"}:
            return None
        found = self.user(key)
        if found is None or (found.account if version == 3 else found.name) != key and found.key != key:
            raise ValueError(f"User '{key}' does not exist.")
        return found.name

    _value_reporter = _value_assignee

    def _value_issuetype(self, value, _):
        found = self.type_of(value)
        if found is None:
            raise ValueError("The issue type selected is invalid.")
        return found

    @staticmethod
    def _value_number(value, _):
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise ValueError("Operation value must be a number")
        return value

    @staticmethod
    def _value_datetime(value, _):
        if value is None:
            return None
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}", value):
            raise ValueError(f"Error parsing time: {value}")
        return value

    def _value_option(self, value, _):
        if value is None:
            return None
        options = {option for row in self.settings["custom_fields"].values() for option in row.get("options", [])}
        said = value.get("value") if isinstance(value, dict) else None
        if said not in options:
            raise ValueError(f"Option value '{said}' is not valid")
        return said


def as_text(value, version):
    """Rich text as the version of the API writes it."""
    if value is None:
        return Text()
    if version == 3:
        if not isinstance(value, dict):
            raise ValueError("Operation value must be an Atlassian Document (see the Atlassian Document Format)")
        if not valid_adf(value):
            raise JiraError(400, "INVALID_INPUT")
        text = Text(adf=value)
    else:
        if not isinstance(value, str):
            raise ValueError("Operation value must be a string")
        text = Text(value)
    if len(text.wiki) > TEXT_MOST:
        raise ValueError("The entered text is too long. It exceeds the allowed limit of 32,767 characters.")
    return text
