"""Rich text in its two forms: Atlassian documents (Cloud, v3) and wiki markup (Data Center, v2).

What came in as a document is kept and given back as it came; the other form is made from it. The conversion knows
what tickets and comments use, not all of either language.
"""

import json
import re

BLOCKS = {"paragraph", "bulletList", "orderedList", "listItem", "heading", "codeBlock", "blockquote", "rule", "panel",
          "table", "tableRow", "tableCell", "tableHeader", "mediaSingle", "mediaGroup", "expand",
          "taskList", "taskItem"}
INLINES = {"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status", "media"}
MARKS = {"strong": "*", "em": "_", "strike": "-", "underline": "+"}
LEVELS_MOST = 40


class Text:
    """One rich text. Empty is false."""

    def __init__(self, wiki="", adf=None):
        self.wiki = wiki if adf is None else to_wiki(adf)
        self._adf = adf

    def adf(self):
        return self._adf if self._adf is not None else to_adf(self.wiki)

    def __bool__(self):
        return bool(self.wiki)

    def __eq__(self, other):
        return isinstance(other, Text) and json.dumps(self.adf()) == json.dumps(other.adf())

    __hash__ = None


def valid_adf(doc):
    """Whether Jira would take this document."""
    return (isinstance(doc, dict) and doc.get("type") == "doc" and doc.get("version") == 1
            and isinstance(doc.get("content"), list) and all(_valid_node(node, 0) for node in doc["content"])
            and all(node["type"] in BLOCKS for node in doc["content"]))


def _valid_node(node, level):
    if not isinstance(node, dict) or node.get("type") not in BLOCKS | INLINES or level > LEVELS_MOST:
        return False
    if not isinstance(node.get("attrs") or {}, dict):
        return False
    if node["type"] == "text":
        # An empty text is what refuses most documents that were made by a program.
        return isinstance(node.get("text"), str) and node["text"] != "" and _valid_marks(node.get("marks", []))
    content = node.get("content", [])
    return isinstance(content, list) and all(_valid_node(each, level + 1) for each in content)


def _valid_marks(marks):
    return isinstance(marks, list) and all(
        isinstance(mark, dict) and isinstance(mark.get("type"), str) and isinstance(mark.get("attrs") or {}, dict)
        for mark in marks)


def _inline(nodes):
    return "".join(_inline_node(node) for node in nodes or [])


def _inline_node(node):
    kind, attrs = node["type"], node.get("attrs") or {}
    if kind == "hardBreak":
        return "\n"
    if kind == "mention":
        return f"[~accountid:{attrs.get('id', '')}]"
    if kind == "emoji":
        return attrs.get("text") or attrs.get("shortName", "")
    if kind == "inlineCard":
        return f"[{attrs.get('url', '')}]"
    if kind != "text":
        return str(attrs.get("text", ""))
    text = node["text"]
    for mark in node.get("marks", []):
        name = mark.get("type")
        if name == "link":
            href = (mark.get("attrs") or {}).get("href", "")
            text = f"[{href}]" if text == href else f"[{text}|{href}]"
        elif name == "code":
            text = "{{" + text + "}}"
        elif name in MARKS:
            text = MARKS[name] + text + MARKS[name]
    return text


def _list_lines(node, prefix):
    mark = prefix + ("*" if node["type"] == "bulletList" else "#")
    for item in node.get("content", []):
        for child in item.get("content", []):
            if child["type"] in ("bulletList", "orderedList"):
                yield from _list_lines(child, mark)
            else:
                yield f"{mark} {_inline(child.get('content'))}"


def _block(node):
    kind, content = node["type"], node.get("content") or []
    if kind in ("bulletList", "orderedList"):
        return "\n".join(_list_lines(node, ""))
    if kind == "heading":
        return f"h{(node.get('attrs') or {}).get('level', 1)}. {_inline(content)}"
    if kind == "codeBlock":
        return "{code}\n" + _inline(content) + "\n{code}"
    if kind == "rule":
        return "----"
    if kind == "blockquote":
        return "{quote}\n" + "\n\n".join(map(_block, content)) + "\n{quote}"
    if kind == "paragraph":
        return _inline(content)
    return "\n".join(_block(each) if each["type"] in BLOCKS else _inline([each]) for each in content)


def to_wiki(doc):
    return "\n\n".join(_block(node) for node in doc.get("content", []))


LINK = re.compile(r"\[(?:([^|\]\n]+)\|)?((?:https?://|mailto:)[^\]\s]+)\]|(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])"
                  r"|\{\{([^}\n]+)\}\}")


def _text_node(text, *marks):
    return {"type": "text", "text": text, **({"marks": list(marks)} if marks else {})}


def _line_nodes(line):
    nodes, at = [], 0
    for found in LINK.finditer(line):
        if found.start() > at:
            nodes.append(_text_node(line[at:found.start()]))
        label, href, bold, code = found.groups()
        if href:
            nodes.append(_text_node(label or href, {"type": "link", "attrs": {"href": href}}))
        elif bold:
            nodes.append(_text_node(bold, {"type": "strong"}))
        else:
            nodes.append(_text_node(code, {"type": "code"}))
        at = found.end()
    if at < len(line):
        nodes.append(_text_node(line[at:]))
    return nodes


def _paragraph(lines):
    content = []
    for line in lines:
        if content:
            content.append({"type": "hardBreak"})
        content += _line_nodes(line)
    return {"type": "paragraph", "content": content}


def _part(part):
    lines = part.split("\n")
    heading = re.match(r"h([1-6])\. (.*)", lines[0])
    if heading and len(lines) == 1 and heading[2]:
        return {"type": "heading", "attrs": {"level": int(heading[1])}, "content": _line_nodes(heading[2])}
    for mark, kind in (("* ", "bulletList"), ("# ", "orderedList")):
        if all(line.startswith(mark) for line in lines):
            return {"type": kind, "content": [{"type": "listItem", "content": [_paragraph([line[2:]])]}
                                              for line in lines]}
    if part == "----":
        return {"type": "rule"}
    return _paragraph(lines)


def to_adf(wiki):
    content = []
    for at, piece in enumerate(re.split(r"\{(?:code|noformat)(?::[^}]*)?\}\n?", wiki)):
        if at % 2:
            code = piece.rstrip("\n")
            content.append({"type": "codeBlock", "content": [_text_node(code)] if code else []})
        else:
            content += [_part(part) for part in re.split(r"\n{2,}", piece.strip("\n")) if part]
    return {"type": "doc", "version": 1, "content": content}
