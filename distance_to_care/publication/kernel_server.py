"""A process that imports the libraries once and forks a kernel for each notebook.

Starting a kernel and importing the libraries takes longer than most notebooks' own work. Each
notebook still runs in a process of its own, from a clean start. Where many run, most of them read
the same open tables, model the same drives and load the same compiled code: that is done once as
well, before the fork, and nothing of it is about people. Nothing here may start a thread before the
fork: a thread does not survive it, and a lock that it holds stays locked. Arrow alone may, which
reads files in threads of its own and starts them anew after a fork.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import uuid
import warnings
from pathlib import Path

from jupyter_client.manager import AsyncKernelManager, KernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from distance_to_care import places, tables
from distance_to_care.problems import Problem

# Kernels share the cores between them: a numerical library must not start a thread a core.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# The debugger's own advice to whoever debugs; nobody does here.
NO_ADVICE = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
# Who asks for so many kernels is about to run most of the book.
MANY = 4
# What many chapters read.
OPEN_TABLES = ("published_estimates", "areas", "area_coast", "care_boards", "atlas_assumptions",
               "scenario_assumptions", "hospitals", "hospital_names")  # fmt: skip


def preload() -> None:
    """Import what notebooks and their kernels import; nothing that starts a thread."""
    for name in (
        "ipykernel.kernelapp",
        "ipykernel.ipkernel",
        "ipykernel.debugger",
        "IPython.core.completerlib",
        "IPython.core.pylabtools",
        "IPython.extensions.storemagic",
        "matplotlib.backends.backend_svg",
        "matplotlib.pyplot",
        "matplotlib_inline.backend_inline",
        "seaborn",
        "distance_to_care.access",
        "distance_to_care.cohort",
        "distance_to_care.results",
        "distance_to_care.statistics.cohort_survival",
        "distance_to_care.synthetic",
    ):
        importlib.import_module(name)


def lists_of_centres() -> list[str]:
    """Names of the tables of centres that the descriptor has."""
    described = (entry["name"] for entry in tables.descriptor()["resources"])
    return [name for name in described if name.startswith("centres_")]


def prepare() -> None:
    """Do once what most chapters do: read open tables, model drives, draw, load compiled code."""
    import matplotlib as mpl
    import pandas as pd

    from distance_to_care import atlas, survival, travel
    from distance_to_care.figures import canvas, style

    # What is wrong with a table, the chapter that asks for it says.
    with contextlib.suppress(Problem):
        for name in OPEN_TABLES:
            tables.read(name)
        for name in atlas.NEEDED:
            tables.official(name)
        for name in lists_of_centres():
            travel.minutes_to(tables.read(name).drop_duplicates("site"))
    with mpl.rc_context(style.house()):
        drawn = canvas.canvas(2)
        drawn.subplots().set(title="Fonts", xlabel="and marks", xlim=(0, 1))
        drawn.savefig(io.BytesIO(), format="svg")
    years = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    died, group = [True, True, False] * 2, [0.0, 1.0] * 3
    people = pd.DataFrame({"years": years, "died": died, "group": group})
    survival.cox(people, "years", "died", ["group"], cluster="group")


def ready_for(count: int) -> None:
    """Get ready for one kernel more, of so many: one or two chapters pay for nobody else."""
    if count == MANY:
        prepare()
        gc.freeze()


def serve() -> None:
    """Fork a kernel for each request line on standard input, and answer with its process id."""
    # Python hides old names in imported modules; in this package they are a fault like any other.
    warnings.filterwarnings("error", module="distance_to_care")
    preload()
    warnings.filterwarnings("default", module="distance_to_care")
    # What stands here lasts: no kernel looks through it for rubbish, which would copy it.
    gc.freeze()
    # Kernels that end are forgotten at once; nobody waits for them but the build, by their id.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    print(json.dumps({"ready": True}), file=answers)
    for count, line in enumerate(sys.stdin, start=1):
        ready_for(count)
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            answers.close()
            _become_kernel(request)
        print(json.dumps({"pid": pid}), file=answers)


def _become_kernel(request: dict) -> None:
    import random

    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # What a kernel says while it starts is for nobody; what cells say comes through the client.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    # Two forks must not draw the same "random" numbers.
    random.seed()
    np.random.seed()  # noqa: NPY002
    try:
        # Without the flag figures vanish silently: pyplot was imported before the kernel began.
        arguments = ["-f", request["connection_file"], "--matplotlib=inline"]
        # Nobody looks back at what a kernel was asked, and the record is a file that all share.
        arguments.append("--HistoryManager.enabled=False")
        IPKernelApp.launch_instance(argv=arguments)
    finally:
        os._exit(0)


def environment() -> dict[str, str]:
    """The environment in which the libraries are imported before the forks."""
    return os.environ | ONE_THREAD | NO_ADVICE | {"PYTHONPATH": str(places.ROOT)}


class KernelServer:
    """The forking process, seen from the build."""

    def __init__(self) -> None:
        # Open as long as the process is, and closed with it.
        self._last_words = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "distance_to_care.publication.kernel_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._last_words,
            text=True,
            env=environment(),
        )
        self._ready = False

    def fork(self, connection_file: str, folder: str, environment: dict[str, str]) -> int:
        """Fork one kernel and return its process id."""
        if not self._ready:
            self._answer()
            self._ready = True
        request = {
            "connection_file": connection_file,
            "folder": folder,
            "environment": environment,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()["pid"]

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            self._last_words.seek(0)
            said = [line.strip() for line in self._last_words if line.strip()]
            places_named = [line for line in said if line.startswith("File ")]
            raise Problem(
                "The package cannot be imported, so no notebook can run: "
                f"{said[-1] if said else 'no reason was given'}"
                f" ({places_named[-1] if places_named else 'place unknown'})."
            )
        return json.loads(line)

    def close(self) -> None:
        """End the forking process; kernels that still run are not its business."""
        # It holds nothing that wants tidying, and tidying takes it most of a second.
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._last_words.close()


class ForkedProcess:
    """A forked kernel with the part of the interface of Popen that the kernel manager uses."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int):
        self.pid = pid

    def poll(self) -> int | None:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0
        return None

    def wait(self, timeout: float | None = None) -> int:
        return 0

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class ForkedProvisioner(LocalProvisioner):
    """Starts a kernel by asking the server to fork one."""

    async def launch_kernel(self, cmd: list[str], **kwargs):
        folder = kwargs.get("cwd") or str(Path.cwd())
        environment = dict(kwargs["env"])
        pid = self.parent.server.fork(cmd[cmd.index("-f") + 1], folder, environment)
        self.process = ForkedProcess(pid)
        self.pid = self.pgid = pid
        return self.connection_info


class _Forks:
    """The part of a kernel manager whose kernels come from the forking process."""

    server: KernelServer

    async def _async_pre_start_kernel(self, **kwargs):
        if self.provisioner is None:
            self.kernel_id = self.kernel_id or str(uuid.uuid4())
            self.provisioner = ForkedProvisioner(
                kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self
            )
        return await super()._async_pre_start_kernel(**kwargs)


class ForkedKernelManager(_Forks, AsyncKernelManager):
    """For a build, which waits for several kernels at once."""


class WaitingKernelManager(_Forks, KernelManager):
    """For nbval, which waits for one kernel at a time."""


def manager_class(
    server: KernelServer, of: type[KernelManager] = ForkedKernelManager
) -> type[KernelManager]:
    """Make a kernel manager class bound to one server."""
    return type("BoundKernelManager", (of,), {"server": server})


if __name__ == "__main__":
    serve()
