"""The clocks, the names and the disk that a bot under test sees, turned while it runs (world.c says how)."""

import mmap
import struct
import subprocess
from pathlib import Path

from steps import Shell

SOURCE = Path(__file__).resolve().parent / "world.c"
SIZE = 40


def build(folder):
    """The shared object; compiled once for each folder."""
    made = Path(folder) / "world.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(made), str(SOURCE), "-ldl", "-lpthread"], check=True)
    return made


class World:
    """`bot` is not started yet; from then on it lives in this world."""

    def __init__(self, bot, library):
        path = bot.folder / "world"
        path.write_bytes(bytes(SIZE))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), SIZE)
        self.bot = bot
        options = bot.environment().get("ASAN_OPTIONS", "")
        bot.env.update(LD_PRELOAD=str(library), SITREP_TEST_WORLD=str(path),
                       ASAN_OPTIONS=":".join(filter(None, [options, "verify_asan_link_order=0"])))

    def _set(self, at, value):
        struct.pack_into("=q", self.map, at * 8, int(value))

    def _get(self, at):
        return struct.unpack_from("=q", self.map, at * 8)[0]

    def later(self, seconds, wall=True, monotonic=True):
        """So much time passes at once; negative: the wall clock is set back. The bot notices by what it is asked."""
        for at, moves in ((0, wall), (1, monotonic)):
            self._set(at, self._get(at) + seconds * 1000 * moves)
        if self.bot.running:
            with Shell(self.bot) as shell:
                shell("whoami")

    def step(self, seconds):
        """From now on the wall clock alone is off by so much; the bot is not told."""
        self._set(0, seconds * 1000)

    def names(self, there):
        """Whether names that end in .test resolve."""
        self._set(2, not there)

    def stall(self, stalled=True):
        """No sync of the disk comes back until it is over."""
        self._set(3, stalled)

    @property
    def hanging(self):
        """So many syncs wait for that."""
        return self._get(4)
