"""The scenarios' fixtures and helpers, and how long to go on."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

SCENARIO = Path(__file__).resolve().parent.parent / "scenario"
sys.path[:0] = [str(SCENARIO), str(Path(__file__).resolve().parent)]
# Both folders have a conftest: this is the other one, under a name of its own.
spec = importlib.util.spec_from_file_location("scenario_conftest", SCENARIO / "conftest.py")
shared = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = shared
spec.loader.exec_module(shared)
pytest_runtest_makereport = shared.pytest_runtest_makereport
_sandbox_process = shared._sandbox_process
sandbox = shared.sandbox
make_bot = shared.make_bot

import world  # noqa: E402 (the folders above had to be known first)
from network import Wired  # noqa: E402

ROUNDS = int(os.environ.get("SITREP_CHAOS_ROUNDS", "1"))
FIRST_SEED = int(os.environ.get("SITREP_CHAOS_SEED", "1"))


def pytest_configure(config):
    config.addinivalue_line("markers", "crash_points: for a binary with crash points (base/crash.h)")


def pytest_generate_tests(metafunc):
    """`seed`: as many as SITREP_CHAOS_ROUNDS says, from SITREP_CHAOS_SEED on."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(FIRST_SEED, FIRST_SEED + ROUNDS))


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """What a bot is given before its own libraries, so that tests can turn its clocks."""
    return world.build(tmp_path_factory.mktemp("world"))


@pytest.fixture
def make_wired(make_bot, sandbox, library, seed):
    made = []

    def make(**more):
        made.append(Wired(make_bot, sandbox, library, seed, **more))
        return made[-1]

    yield make
    for one in made:
        one.bot.kill()
        one.close()


@pytest.fixture
def wired(make_wired):
    """A bot, not started yet, whose connections all go through wires."""
    return make_wired()
