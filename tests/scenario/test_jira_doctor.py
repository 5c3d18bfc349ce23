"""`sitrep doctor` on Jira: each thing that is broken there is named, and nothing else is."""

import socket

import pytest

SECRET = "It's a Secret to Everybody"
HOOK = {"url": "http://127.0.0.1:9/webhooks/jira", "secret": SECRET, "name": "incidents"}
# The sandbox's workflow has no Done straight from To Do; its Incident needs nothing beside the summary.
POLICY = """
url: {url}
flavour: {flavour}
user: {user}
project: {project}
projects: {{payments: PAY}}
type: {type}
fields: {fields}
priority: {{1: {worst}}}
status: {{monitoring: {monitoring}}}
statuses: {statuses}
people: {{'slack:U1': alice}}
relay_url: {relay}
poll: {poll}
"""
SAID = {"flavour": "cloud", "user": "sitrep@example.com", "project": "OPS", "type": "Incident", "fields": "{}",
        "worst": "Highest", "monitoring": "In Review", "statuses": "{}", "relay": "", "poll": "60s"}


@pytest.fixture
def doctor(make_bot, sandbox):
    """Asks the doctor; the policy may say other things. (exit code, lines about Jira)"""
    jira = sandbox.jira
    jira.settings(flavour="cloud", webhook=HOOK)
    bot = make_bot(env={"JIRA_TOKEN": "a-token", "JIRA_WEBHOOK_SECRET": "a-secret"})
    bot.settings = {**bot.settings, "http.listen": "127.0.0.1:8085"}

    def ask(env=None, settings=None, **said):
        words = {"url": jira.url, **SAID, **said}
        bot.policy("jira.yml", POLICY.format(**words))
        bot.env = {**bot.env, **(env or {})}
        bot.settings = {**bot.settings, **(settings or {})}
        done = bot.run("doctor", timeout=90)
        assert "a-token" not in done.stdout + done.stderr and "a-secret" not in done.stdout + done.stderr, done
        lines = [line for line in done.stdout.splitlines() if "Jira" in line or "jira." in line or "http.listen" in line]
        return done.returncode, lines
    return ask


def bad(answer):
    """What is broken, without the mark; the exit code agrees."""
    code, lines = answer
    found = [line[4:].strip() for line in lines if line.startswith("BAD")]
    assert code == (1 if found else 0), lines
    return found


def notes(answer):
    return [line[4:].strip() for line in answer[1] if line.startswith("note")]


def one(found, *words):
    assert len(found) == 1 and all(word in found[0] for word in words), found


def issue(jira, project, status, **more):
    made = jira.create(project=project, type="Incident", user="sitrep", labels=["sitrep"], **more)
    return jira.transition(made["key"], status, user="sitrep", force=True) if status != "To Do" else made


# ---- all well ----

@pytest.mark.parametrize("flavour,setting,user", [("cloud", "cloud", "sitrep@example.com"), ("datacenter", "dc", "")])
def test_all_is_there(doctor, sandbox, flavour, setting, user):
    sandbox.jira.settings(flavour=setting)
    for project in ("OPS", "PAY"):
        for status in ("To Do", "In Progress", "In Review", "Done"):
            issue(sandbox.jira, project, status)
    answer = doctor(flavour=flavour, user=user)
    assert not bad(answer) and not notes(answer), answer[1]
    text = "\n".join(answer[1])
    for words in ("Cloud" if flavour == "cloud" else "Data Center 9.12.2", "time zone America/Los_Angeles",
                  "the project \"Operations\"", "the project \"Payments\"", "PAY: the account has all permissions",
                  "all are there", "every required field", "every status of the states",
                  'paths lead to every status from "To Do", "In Progress", "In Review", "Done"', 'webhook "incidents"'):
        assert words in text, (words, text)


def test_without_a_tracker_nothing_is_asked(doctor, sandbox):
    sandbox.jira.settings(denied=["*.BROWSE_PROJECTS"])
    code, lines = doctor(url="")
    assert code == 0 and not lines and not sandbox.jira.calls()


# ---- the connection ----

def test_nobody_there(doctor):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        one(bad(doctor(url=url)), "jira.url: " + url, "cannot be reached")


def test_not_jira(doctor, sandbox):
    one(bad(doctor(url=sandbox.page)), "jira.url: ", "is jira.url right?")


def test_jira_is_down(doctor, sandbox):
    sandbox.jira.fault("down", how="status")
    one(bad(doctor()), "jira.url: ", "503")


def test_a_wrong_token(doctor, sandbox):
    sandbox.jira.settings(token="another")
    one(bad(doctor()), "jira.token: ", "make a new one", "e-mail of the account")


def test_no_token(doctor):
    one([line for line in bad(doctor(env={"JIRA_TOKEN": ""})) if "jira.token" in line], "jira.token: there is none")


@pytest.mark.parametrize("said,setting,words", [("cloud", "dc", "say flavour: datacenter"), ("datacenter", "cloud", "say flavour: cloud")])
def test_the_other_flavour(doctor, sandbox, said, setting, words):
    sandbox.jira.settings(flavour=setting)
    one(bad(doctor(flavour=said)), "jira.flavour: this is Jira", words)


# ---- projects, types, fields ----

def test_a_project_that_is_not_there(doctor):
    one(bad(doctor(project="NOPE")), "Jira NOPE: there is no such project")


def test_a_project_that_may_not_be_seen(doctor, sandbox):
    sandbox.jira.settings(denied=["PAY.BROWSE_PROJECTS"])
    one(bad(doctor()), "Jira PAY: there is no such project that the account can see", "Browse projects")


@pytest.mark.parametrize("permission,words", [
    ("EDIT_ISSUES", "Edit issues"), ("TRANSITION_ISSUES", "Transition issues"), ("ADD_COMMENTS", "Add comments"),
    ("ASSIGN_ISSUES", "Assign issues"), ("CREATE_ISSUES", "Create issues")])
def test_a_permission_is_missing(doctor, sandbox, permission, words):
    sandbox.jira.settings(denied=["PAY." + permission])
    one(bad(doctor()), f'Jira PAY: the account lacks the permission "{words}"')


def test_links_are_a_lesser_loss(doctor, sandbox):
    sandbox.jira.settings(denied=["OPS.LINK_ISSUES"])
    answer = doctor()
    assert not bad(answer)
    assert any('Jira OPS: the account lacks the permission "Link issues"' in note for note in notes(answer)), answer


def test_a_type_that_is_not_there(doctor):
    found = bad(doctor(type="Outage"))
    assert found == [f'jira.type: there is no issue type "Outage" in {project}; there are "Incident", "Task", "Sub-task"'
                     for project in ("OPS", "PAY")]


def test_a_type_of_sub_tasks(doctor):
    assert all("sub-tasks" in line for line in bad(doctor(type="Sub-task")))


def test_required_fields_are_named(doctor, sandbox):
    sandbox.jira.settings(required={"Incident": ["customfield_10010", "customfield_10013", "priority"]})
    found = bad(doctor(fields="{customfield_10013: 5}"))
    assert len(found) == 2 and all('must have "Customer impact" (customfield_10010)' in line for line in found), found
    assert not bad(doctor(fields="{customfield_10013: 5, customfield_10010: none yet}"))


def test_required_fields_of_an_old_data_center(doctor, sandbox):
    sandbox.jira.settings(flavour="dc", old_createmeta=True, required={"Incident": ["customfield_10010"]})
    sandbox.jira.fault("status", path="*/createmeta/*", status=404)
    found = bad(doctor(flavour="datacenter", user=""))
    assert len(found) == 2 and all('"Customer impact" (customfield_10010)' in line for line in found), found


def test_a_field_off_the_screen(doctor, sandbox):
    sandbox.jira.settings(hidden={"create": ["PAY.Incident.labels", "PAY.Incident.customfield_10010"]})
    answer = doctor(fields="{customfield_10010: x}")
    one(bad(answer), "jira.fields.customfield_10010: it is not on the screen for a new Incident in PAY")
    assert any('Jira PAY: "Labels" is not on the screen' in note for note in notes(answer)), answer


# ---- words ----

def test_a_priority_that_is_not_there(doctor):
    one(bad(doctor(worst="Blocker")), 'jira.priority.1: there is no priority "Blocker"; there are "Highest", "High"')


def test_a_status_that_is_not_there(doctor):
    answer = doctor(monitoring="Watching", statuses="{Blocked: investigating}")
    assert bad(answer) == [f'jira.status.monitoring: in {project} no Incident can have the status "Watching"; there are "To Do", '
                           '"In Progress", "In Review", "Done"' for project in ("OPS", "PAY")]
    assert sum('no Incident can have the status "Blocked"' in note for note in notes(answer)) == 2


def test_no_way_out_of_a_status(doctor, sandbox):
    flow = {"statuses": [{"name": "To Do", "category": "new"}, {"name": "In Progress", "category": "indeterminate"},
                         {"name": "In Review", "category": "indeterminate"}, {"name": "Done", "category": "done"}],
            "transitions": [{"id": "1", "name": "a", "from": ["To Do"], "to": "In Progress"},
                            {"id": "2", "name": "b", "from": ["In Progress"], "to": "In Review"},
                            {"id": "3", "name": "c", "from": ["In Review"], "to": "Done"}]}
    sandbox.jira.settings(workflow=flow)
    issue(sandbox.jira, "OPS", "Done")
    answer = doctor()
    one(bad(answer), 'Jira OPS: no Incident in "Done" can be moved to "To Do", "In Progress", "In Review"')
    # Of the others no issue is there: nothing is claimed.
    assert any('Jira OPS: whether paths lead to every status from "To Do", "In Progress", "In Review" cannot be seen' in n
               for n in notes(answer)), answer
    assert any("Jira PAY: whether paths" in n for n in notes(answer)), answer


# ---- how changes come in ----

def test_nobody_of_jira_may_write(doctor, tmp_path):
    assert not any("rbac.bindings" in n for n in notes(doctor()))
    (tmp_path / "bot" / "config" / "rbac.yml").write_text("bindings: {'slack:*': responder, 'unix:*': admin}\n")
    assert any("rbac.bindings: nobody of Jira may write here" in n for n in notes(doctor()))



def test_webhooks(doctor, sandbox):
    jira = sandbox.jira
    jira.settings(webhook={**HOOK, "secret": None})
    one(bad(doctor()), 'Jira webhook "incidents": it has no secret')
    jira.settings(webhook={**HOOK, "enabled": False})
    one(bad(doctor()), 'Jira webhook "incidents": it is switched off')
    jira.settings(webhook={**HOOK, "events": ["jira:issue_updated", "comment_created", "jira:issue_deleted", "comment_updated"]})
    assert any("does not tell jira:issue_created, comment_deleted" in n for n in notes(doctor()))
    jira.settings(webhook={**HOOK, "url": "http://127.0.0.1:9/other"})
    answer = doctor()
    assert not bad(answer) and any("none of Jira's leads here" in n and "comment_deleted" in n for n in notes(answer)), answer
    one(bad(doctor(poll="none")), "none of Jira's leads here")
    jira.settings(admin=False, webhook=HOOK)
    assert any("only administrators may see" in n for n in notes(doctor()))


def test_no_way_in(doctor):
    assert any(n.startswith("http.listen: it is empty") for n in notes(doctor(settings={"http.listen": ""})))
    one(bad(doctor(poll="none")), "http.listen: it is empty")
    one(bad(doctor(poll="none", env={"JIRA_WEBHOOK_SECRET": ""})), "changes in Jira are never seen")


def test_the_relay(doctor, sandbox):
    code, lines = doctor(relay=sandbox.jira.relay_url)
    assert code == 0 and any(line.startswith("ok") and "Jira relay: " in line for line in lines), lines
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{closed.getsockname()[1]}/"
        one(bad(doctor(relay=url)), "jira.relay_url: " + url)


# ---- an answer that makes no sense ----

def test_nonsense(doctor, sandbox):
    for path in ("/project/PAY", "/mypermissions", "/issuetypes/*", "/statuses", "/priority", "/search*"):
        fault = sandbox.jira.fault("garbage_body", path="*" + path)
        code, lines = doctor()
        assert code in (0, 1) and len(lines) > 4, (path, lines)
        assert any(line.startswith(("BAD", "note")) and "cannot be" in line for line in lines), (path, lines)
        sandbox.jira.clear_fault(fault)
