"""Install Distance to Care from this folder, without a network.

    python install.py FOLDER

makes FOLDER with the project and an environment of its own. It needs Python with `venv`, of the
version that made_for.json names, and nothing else. Nothing outside FOLDER is written.
"""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent


def stop(sentence):
    """End with a sentence."""
    print(sentence, file=sys.stderr)
    sys.exit(2)


def whole():
    """Compare every file with its checksum."""
    listed = (HERE / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    wrong = []
    for line in listed:
        digest, name = line.split("  ", 1)
        file = HERE / name
        if not file.is_file():
            wrong.append(f"{name} is missing")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            wrong.append(f"{name} is not as it was gathered")
    known = {line.split("  ", 1)[1] for line in listed} | {"SHA256SUMS"}
    for file in sorted(path for path in HERE.rglob("*") if path.is_file()):
        name = file.relative_to(HERE).as_posix()
        if name not in known and "__pycache__" not in name:
            wrong.append(f"{name} was not gathered")
    if wrong:
        stop("This folder is not whole:\n  - " + "\n  - ".join(wrong) + "\nCarry it in again.")


def pip(python, *arguments):
    """Run the new environment's pip, which may look at this folder only."""
    around = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    around |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_NO_INPUT": "1"}
    run = subprocess.run(
        [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments], env=around
    )
    if run.returncode:
        stop("pip stopped; its reason stands above. Nothing outside the folder was changed.")


def main():
    """Check, unpack, install, and say how to go on."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        stop(__doc__)
    made_for = json.loads((HERE / "made_for.json").read_text(encoding="utf-8"))
    here = "{}.{}".format(*sys.version_info[:2])
    if here != made_for["python"]:
        stop(
            f"These packages were gathered for Python {made_for['python']}, and this is {here}. "
            f"Run it with python{made_for['python']}, or gather again with --python {here}."
        )
    folder = Path(sys.argv[1]).resolve()
    if folder.exists() and any(folder.iterdir()):
        stop(f"{folder} holds something. Name an empty or a new folder.")
    print("Comparing every file with its checksum")
    whole()
    folder.mkdir(parents=True, exist_ok=True)
    archive = HERE / f"{made_for['project']}-{made_for['version']}.tar.gz"
    with tarfile.open(archive) as packed:
        if hasattr(tarfile, "data_filter"):
            packed.extractall(folder, filter="data")
        else:
            packed.extractall(folder)
    project = folder / made_for["project"]
    print("Making an environment")
    venv.create(project / ".venv", with_pip=True)
    python = project / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    print("Installing the packages")
    wheels = ["--no-index", "--find-links", str(HERE / "wheels")]
    pip(python, "install", *wheels, "--require-hashes", "-r", str(HERE / "requirements.txt"))
    pip(python, "install", "--no-deps", "--no-build-isolation", "--editable", str(project))
    command = python.with_name("distance-to-care")
    print(f"Installed. Look at the environment with: {command} doctor")


if __name__ == "__main__":
    main()
