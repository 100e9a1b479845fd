"""While a registry's people are in memory: nothing is printed, saved elsewhere or sent.

The check of a notebook's code (people_flow) comes first; this is the second line, for what code
does when it runs. Writing outside the folder of results, talking to a network and starting a
process are refused by an audit hook of Python; what is printed, warned or logged goes nowhere. It
stops mistakes and what libraries do unasked. It is no prison for code that means harm.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from distance_to_care.problems import Problem

# Marks an output of a notebook that an object of our own pages made.
MARK = "distance_to_care"
# Modules whose objects may show themselves in a page.
SHOWING = (
    "distance_to_care.figures.pages",
    "distance_to_care.figures.tables",
    "distance_to_care.released",
)
NETWORK = (
    "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
    "socket.gethostbyname", "socket.gethostbyaddr", "urllib.Request", "http.client.connect",
    "ftplib.connect", "smtplib.connect", "imaplib.open", "poplib.connect", "telnetlib.Telnet.open",
)  # fmt: skip
PROCESSES = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork",
    "os.forkpty", "pty.spawn", "os.startfile",
)  # fmt: skip
# Events of Python that change files, and which of their arguments are paths.
CHANGES = {
    "os.mkdir": (0,), "os.rename": (0, 1), "os.remove": (0,), "os.rmdir": (0,), "os.link": (0, 1),
    "os.symlink": (1,), "os.truncate": (0,), "os.chmod": (0,), "os.chown": (0,), "os.utime": (0,),
    "shutil.copyfile": (1,), "shutil.copytree": (1,), "shutil.move": (0, 1), "shutil.rmtree": (0,),
    "shutil.make_archive": (0,), "tempfile.mkstemp": (0,), "tempfile.mkdtemp": (0,),
    "sqlite3.connect": (0,), "os.setxattr": (0,),
}  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
RULE = "people of a registry are in memory"


class Refused(Problem, PermissionError):
    """Something that code may not do while a registry's people are in memory."""


class _Watch:
    """What the audit hook knows: which folders may be written to; none while it is off."""

    def __init__(self) -> None:
        self.folders: tuple[str, ...] | None = None
        self.installed = False

    def hook(self, event: str, arguments: tuple) -> None:
        if self.folders is None:
            return
        if event == "open":
            path, mode, flags = (*arguments, None, None)[:3]
            changes = isinstance(flags, int) and bool(flags & WRITING)
            if changes or (isinstance(mode, str) and set(mode) & set("wax+")):
                self._within(path)
        elif event in CHANGES:
            for place in CHANGES[event]:
                self._within(arguments[place])
        elif event in NETWORK:
            raise Refused(f"The code talks to a network while {RULE}. Leave that out.")
        elif event in PROCESSES:
            raise Refused(f"The code starts another process while {RULE}. Leave that out.")

    def _within(self, path: object) -> None:
        # A number is a file that is open already, and was judged when it was opened.
        if isinstance(path, int) or path is None or path == os.devnull:
            return
        real = os.path.realpath(os.fsdecode(path))
        allowed = self.folders or ()
        if not any(real == folder or real.startswith(folder + os.sep) for folder in allowed):
            raise Refused(
                f"The code writes outside the folder of results while {RULE}. Publish a table "
                "with page.publish; nothing else is written."
            )

    def on(self, *folders: Path) -> None:
        if not self.installed:
            # Python has no way to take a hook away again, so one hook is switched on and off.
            sys.addaudithook(self.hook)
            self.installed = True
        for folder in folders:
            # A page makes its own folder in it, and nothing above it.
            Path(folder).mkdir(parents=True, exist_ok=True)
        self.folders = tuple(os.path.realpath(folder) for folder in folders)

    def off(self) -> None:
        self.folders = None


_watch = _Watch()


class Nowhere(io.TextIOBase):
    """A stream that refuses every word: `print` fails, a warning or a log message is lost."""

    encoding = "utf-8"
    errors = "strict"

    def writable(self) -> bool:
        """Say that it may be written to, as a stream must."""
        return True

    def write(self, text: str) -> int:
        """Refuse the text, which may quote a row."""
        raise Refused(
            f"The code prints, warns or logs while {RULE}. Its text is withheld. Publish the "
            "table with page.publish and show it with page.show."
        )


@contextmanager
def watching(*folders: Path) -> Iterator[None]:
    """Let nothing out of this process but files in the folder of results.

    Parameters
    ----------
    folders : where pages publish; and where a run keeps people of its own, in a private folder.
    """
    nowhere, before = Nowhere(), (sys.stdout, sys.stderr, sys.displayhook, sys.dont_write_bytecode)
    sys.stdout = sys.stderr = nowhere
    sys.displayhook, sys.dont_write_bytecode = _show_nothing, True
    _watch.on(*folders)
    try:
        yield
    finally:
        _watch.off()
        sys.stdout, sys.stderr, sys.displayhook, sys.dont_write_bytecode = before


def _show_nothing(value: object) -> None:
    """Show nothing of the value of a line."""


def watch_kernel(folder: Path) -> None:
    """Do the same in a notebook's kernel, from now on, where only our own pages show something.

    Parameters
    ----------
    folder : where pages publish.
    """
    if _watch.folders is not None:
        return
    sys.stdout = sys.stderr = Nowhere()
    sys.dont_write_bytecode = True
    shell = _shell()
    if shell is not None:
        _show_own_objects_only(shell)
    _watch.on(folder)


def _shell():
    """Return the shell of a notebook's kernel, where this is one."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module else None


def _show_own_objects_only(shell) -> None:
    formatted = shell.display_formatter.format

    def own_objects(value, *arguments, **options):
        if type(value).__module__ not in SHOWING:
            return {}, {}
        data, about = formatted(value, include={"text/html"})
        return data, about | {MARK: type(value).__name__}

    shell.display_formatter.format = own_objects
    published: Callable = shell.display_pub.publish

    def own_data(data, metadata=None, *arguments, **options):
        if MARK in (metadata or {}):
            published(data, metadata, *arguments, **options)

    shell.display_pub.publish = own_data
