"""The part of JQL that is spoken here: comparisons, lists, AND, OR, NOT, brackets, ORDER BY. Bad queries say why."""

import datetime
import re

from .errors import JiraError

TOKEN = re.compile(r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')|(?P<op>>=|<=|!=|!~|[=<>~(),])'
                   r'|(?P<word>[^\s"\'=<>!~(),]+))')
RELATIVE = re.compile(r"([+-]?)(\d+)([mhdwMy])")
UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 30 * 86400, "y": 365 * 86400}
FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
RESERVED = {"and", "or", "not", "in", "is", "order", "by", "asc", "desc", "empty", "null"}
DEPTH_MOST = 50
ORDERS = {"updated", "created", "key", "id", "priority", "summary", "status"}


def bad(text):
    return JiraError(400, text)


class Query:
    def __init__(self, text, site, user):
        self.site, self.user = site, user
        self.tokens = self._split(str(text or ""))
        self.at = 0
        self.depth = 0
        self.where = None
        self.orders = []
        if self._peek() not in (None, "order"):
            self.where = self._or()
        if self._peek() == "order":
            self._order()
        if self._peek() is not None:
            raise bad(f"Error in the JQL Query: Expecting either 'OR' or 'AND' but got '{self.tokens[self.at][1]}'. "
                      f"(line 1, character {self.tokens[self.at][2] + 1})")

    @staticmethod
    def _split(text):
        found, at = [], 0
        text = text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise bad(f"Error in the JQL Query: the character '{text[at]}' is not understood here. "
                          f"(line 1, character {at + 1})")
            kind = match.lastgroup
            value = match[kind]
            if kind == "string":
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            found.append((kind, value, match.start(kind)))
            at = match.end()
        return found

    # ---- reading ----

    def _peek(self, ahead=0):
        """The next token, lower case if it is a word; None at the end."""
        if self.at + ahead >= len(self.tokens):
            return None
        kind, value, _ = self.tokens[self.at + ahead]
        return value.lower() if kind == "word" else value if kind == "op" else '"'

    def _take(self, what):
        if self.at >= len(self.tokens):
            raise bad(f"Error in the JQL Query: Expecting {what} before the end of the query.")
        token = self.tokens[self.at]
        self.at += 1
        return token

    def _or(self):
        parts = [self._and()]
        while self._peek() == "or":
            self.at += 1
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else lambda issue: any(part(issue) for part in parts)

    def _and(self):
        parts = [self._not()]
        while self._peek() == "and":
            self.at += 1
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else lambda issue: all(part(issue) for part in parts)

    def _not(self):
        self.depth += 1
        if self.depth > DEPTH_MOST:
            raise bad("The JQL query is too complex: it is nested too deeply.")
        part = self._part()
        self.depth -= 1
        return part

    def _part(self):
        if self._peek() == "not":
            self.at += 1
            part = self._not()
            return lambda issue: not part(issue)
        if self._peek() == "(":
            self.at += 1
            part = self._or()
            if self._take("')'")[1] != ")":
                raise bad("Error in the JQL Query: Expecting ')'.")
            return part
        return self._clause()

    def _value(self):
        kind, value, at = self._take("a value")
        if kind == "op" or kind == "word" and value.lower() in RESERVED - {"empty", "null"}:
            raise bad(f"Error in the JQL Query: Expecting a value but got '{value}'. (line 1, character {at + 1})")
        if kind == "word" and self._peek() == "(":
            if value.lower() != "currentuser":
                raise bad(f"Unable to find JQL function '{value}()'.")
            self.at += 1
            self._take("')'")
            return self.user.name
        return None if kind == "word" and value.lower() in ("empty", "null") else value

    def _clause(self):
        kind, field, at = self._take("a field name")
        if kind == "op" or kind == "word" and field.lower() in RESERVED:
            raise bad(f"Error in the JQL Query: '{field}' is a reserved JQL word or character. "
                      f"(line 1, character {at + 1})")
        field = {"issuekey": "key", "issue": "key", "id": "key", "type": "issuetype", "label": "labels"}.get(
            field.lower(), field.lower())
        if not hasattr(self, "_get_" + field) and field not in ("updated", "created"):
            raise bad(f"Field '{field}' does not exist or you do not have permission to view it.")
        operator = self._take("an operator")[1].lower()
        if operator == "not" and self._peek() == "in":
            self.at += 1
            operator = "not in"
        if operator == "is":
            operator = "="
            if self._peek() == "not":
                self.at += 1
                operator = "!="
        if operator in ("in", "not in"):
            if self._take("'('")[1] != "(":
                raise bad("Error in the JQL Query: Expecting '(' after 'in'.")
            values = [self._value()]
            while self._take("')'")[1] == ",":
                values.append(self._value())
        else:
            values = [self._value()]
        if field in ("updated", "created"):
            return self._date(field, operator, values[0])
        return self._match(field, operator, values)

    def _date(self, field, operator, value):
        compare = {">=": lambda a, b: a >= b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b,
                   "<": lambda a, b: a < b, "=": lambda a, b: a // 60000 == b // 60000}.get(operator)
        if compare is None:
            raise bad(f"The operator '{operator}' is not supported by the '{field}' field.")
        limit = self._moment(field, str(value))
        return lambda issue: compare(getattr(issue, field), limit)

    def _moment(self, field, text):
        """Milliseconds; a date is read in the caller's zone and is never finer than a minute."""
        relative = RELATIVE.fullmatch(text.strip())
        if relative:
            seconds = int(relative[2]) * UNITS[relative[3]]
            return self.site.clock() + (seconds if relative[1] == "+" else -seconds) * 1000
        for form in FORMATS:
            try:
                at = datetime.datetime.strptime(text.strip(), form).replace(tzinfo=self.site.zone(self.user))
                return int(at.timestamp()) * 1000
            except ValueError:
                continue
        raise bad(f"Date value '{text}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
                  "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.")

    def _match(self, field, operator, values):
        get = getattr(self, "_get_" + field)
        if field == "key":
            values = [self._issue_id(value) for value in values]
        elif field == "project":
            for value in values:
                if self._project(value) is None:
                    raise bad(f"The value '{value}' does not exist for the field 'project'.")
            values = [self._project(value) for value in values]
        if operator in ("~", "!~") and field == "summary":
            words = str(values[0]).lower().split()
            return lambda issue: all(word in get(issue)[0].lower() for word in words) == (operator == "~")
        if operator not in ("=", "!=", "in", "not in"):
            raise bad(f"The operator '{operator}' is not supported by the '{field}' field.")
        wanted = {None if value is None else str(value).lower() for value in values}
        positive = operator in ("=", "in")

        def hits(issue):
            # As in Jira: what has no value matches no "is not this" either, unless EMPTY is asked for.
            have = {str(value).lower() for value in get(issue) if value is not None} or {None}
            if not positive and have == {None} and None not in wanted:
                return False
            return bool(have & wanted) == positive
        return hits

    def _issue_id(self, value):
        try:
            return self.site.issue(value).id
        except JiraError:
            if str(value) in self.site.index:
                return str(value)
            raise bad(f"An issue with key '{value}' does not exist for field 'key'.") from None

    def _project(self, value):
        names = self.site.settings["projects"]
        return self.site.project_of(value) or self.site.project_of(str(value).upper()) \
            or next((key for key, name in names.items() if name == value), None)

    # ---- what issues have ----

    @staticmethod
    def _get_key(issue):
        return [issue.id]

    @staticmethod
    def _get_project(issue):
        return [issue.project]

    @staticmethod
    def _get_labels(issue):
        return issue.fields["labels"]

    def _get_status(self, issue):
        return [issue.fields["status"], self.site.status(issue.fields["status"])["id"]]

    @staticmethod
    def _get_issuetype(issue):
        return [issue.kind]

    @staticmethod
    def _get_priority(issue):
        return [issue.fields["priority"]]

    @staticmethod
    def _get_summary(issue):
        return [issue.fields["summary"]]

    def _get_reporter(self, issue):
        return self._person(issue.fields["reporter"])

    def _get_assignee(self, issue):
        return self._person(issue.fields["assignee"])

    def _get_parent(self, issue):
        return [issue.parent, self.site.issues[issue.parent].key if issue.parent in self.site.issues else None]

    def _person(self, name):
        user = self.site.users.get(name)
        return [user.name, user.account, user.key] if user else [None]

    # ---- order ----

    def _order(self):
        self.at += 1
        if self._take("'by'")[1].lower() != "by":
            raise bad("Error in the JQL Query: Expecting 'by' after 'order'.")
        while True:
            field = self._take("a field to order by")[1].lower()
            field = {"issuekey": "key"}.get(field, field)
            if field not in ORDERS:
                raise bad(f"Field '{field}' does not exist or you do not have permission to view it.")
            down = False
            if self._peek() in ("asc", "desc"):
                down = self._take("")[1].lower() == "desc"
            self.orders.append((field, down))
            if self._peek() != ",":
                return
            self.at += 1

    def run(self, issues):
        found = [issue for issue in issues if self.where is None or self.where(issue)]
        found.sort(key=lambda issue: int(issue.id), reverse=True)
        for field, down in reversed(self.orders):
            found.sort(key=lambda issue, field=field: self._sort_key(issue, field), reverse=down)
        return found

    def _sort_key(self, issue, field):
        if field in ("updated", "created"):
            return getattr(issue, field)
        if field == "id":
            return int(issue.id)
        if field == "key":
            return issue.project, int(issue.key.rsplit("-", 1)[1])
        if field == "priority":
            names = self.site.settings["priorities"]
            return -names.index(issue.fields["priority"]) if issue.fields["priority"] in names else -99
        return str(issue.fields[field])
