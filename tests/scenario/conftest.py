"""What every scenario gets: a sandbox process, and the bot running against it."""

import pytest

from bot import Bot
from jira_steps import free_port
from sandbox import Sandbox
from steps import SOON


def pytest_configure(config):
    config.addinivalue_line("markers", "threads: both threads at their busiest, for the thread sanitizer")
    config.addinivalue_line("markers", "valgrind: for a binary without sanitizers, under valgrind")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Keeps the outcome where fixtures can see it, so that a failure shows the bot's log."""
    outcome = yield
    setattr(item, f"report_{call.when}", outcome.get_result())


@pytest.fixture(scope="session")
def _sandbox_process():
    with Sandbox() as running:
        yield running


@pytest.fixture
def sandbox(_sandbox_process):
    """The session's sandbox, on its first day again."""
    _sandbox_process.clear_fault()
    _sandbox_process.reset()
    yield _sandbox_process
    # Whatever a fault left half dead lets go now, so that the bot under test can end.
    _sandbox_process.clear_fault()


@pytest.fixture
def make_bot(sandbox, tmp_path, request):
    """Makes bots that are not yet started: `make_bot(settings={…}).fast().start()`."""
    made = []

    def make(**more):
        bot = Bot(sandbox, tmp_path / f"bot{len(made)}" if made else tmp_path / "bot", **more)
        made.append(bot)
        return bot

    yield make
    failed = getattr(request.node, "report_call", None) is not None and request.node.report_call.failed
    for bot in made:
        bot.cleanup()
        if failed:
            print(f"\n---- log of the bot in {bot.folder} ----\n{bot.log()[-20000:]}")


@pytest.fixture
def bot(make_bot):
    """The bot with the shipped config, connected."""
    return make_bot().start()


@pytest.fixture
def flavour():
    """Of the Jira behind `tracked`; a test may be parametrized by it."""
    return "cloud"


@pytest.fixture
def tracked(make_bot, sandbox, flavour):
    """Starts a bot with the sandbox's Jira behind it; `way`: how it learns of changes there."""
    def make(way="webhook", settings=None, wrap=(), env=None, **keys):
        bot = make_bot(settings={**SOON, **(settings or {})}, wrap=wrap)
        bot.with_jira(way, listen=f"127.0.0.1:{free_port()}", flavour=flavour, **keys)
        sandbox.jira.settings(retry_scale=0.001, flavour={"cloud": "cloud", "datacenter": "dc"}[flavour])
        if flavour == "datacenter":
            bot.env["JIRA_USER"] = ""
        bot.env.update(env or {})
        return bot.start()

    return make
