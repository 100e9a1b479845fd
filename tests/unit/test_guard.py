"""People of a registry stay in memory: what invented notebooks try, with and without the guard."""

import asyncio
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from distance_to_care import analyses, guard, people_flow, places, results
from distance_to_care.problems import Problem
from distance_to_care.publication import execution
from distance_to_care.publication.kernel_server import KernelServer, manager_class
from distance_to_care.publication.notebooks import Notebook

# The first cell of each; `row` is one planted person, another one in each notebook. The name is put
# together, since a kernel's history keeps the code.
FIRST = """
from distance_to_care import cohort, results
people = cohort.load().people
row = people[people["person_id"] == "_".join(["planted", "NAME", "person"])]
who = row["person_id"].iloc[0]
"""
LEAKS = {
    "print": "print(row.to_string())",
    "error_stream": "import sys\nsys.stderr.write(who)",
    "display": "from IPython.display import display\ndisplay(row[['person_id']])",
    "csv": "row.to_csv('leak.csv')",
    "pickle": "row.to_pickle('leak.pickle')",
    "pickle_module": "import pickle\npickle.dump(who, open('leak.bin', 'wb'))",
    "file": "with open('leak.txt', 'w') as file:\n    file.write(who)",
    "path": "from pathlib import Path\nPath('leak.text').write_text(who)",
    "parquet": "row.to_parquet('leak.parquet')",
    "figure": "import matplotlib\nmatplotlib.use('svg')\nimport matplotlib.pyplot as plt\n"
    "matplotlib.rcParams['svg.fonttype'] = 'none'\nplt.text(0, 0, who)\nplt.savefig('leak.svg')",
    "raise": "raise ValueError(f'look at {who}')",
    "problem": "from distance_to_care.problems import Problem\nraise Problem(f'look at {who}')",
    "warning": "import warnings\nwarnings.warn(who)",
    "logging": "import logging\nlogging.getLogger('chapter').warning(who)",
    "log_file": "import logging\nlogging.getLogger('a').addHandler(logging.FileHandler('leak.log'))"
    "\nlogging.getLogger('a').error(who)",
    "shell": "import os\nos.system(f'echo {who} > leak.shell')",
    "process": "import subprocess\nsubprocess.run(['sh', '-c', f'echo {who} > leak.process'])",
    "network": "import os, urllib.request\n"
    "urllib.request.urlopen(os.environ['LISTENER'] + who).read()",
    "socket": "import os, socket\nplace = os.environ['LISTENER'].split('/')[2].split(':')\n"
    "with socket.create_connection((place[0], int(place[1]))) as line:\n"
    "    line.sendall(f'GET /{who} HTTP/1.0\\r\\n\\r\\n'.encode())\n    line.recv(9)",
    "database": "import sqlite3\nwith sqlite3.connect('leak.db') as base:\n"
    "    base.execute('create table t (x)')\n    base.execute('insert into t values (?)', (who,))",
    "folder_name": "import os\nos.mkdir(who)",
    "system_exit": "raise SystemExit(who)",
    "system_exit_thrown": "(0 for i in range(1)).throw(SystemExit(row.to_string()))",
    "generator_exit": "raise GeneratorExit(who)",
    "interrupt": "raise KeyboardInterrupt(who)",
    "named_error": "raise type(who, (Exception,), {})()",
    "shelf": "import shelve\nwith shelve.open('leak.shelf') as shelf:\n    shelf['x'] = who",
}
# Whose only way out is the text of an error.
WITHHELD = {"raise", "problem", "system_exit", "system_exit_thrown"} | {
    "generator_exit", "interrupt", "named_error"
}  # fmt: skip
# What only a notebook's kernel does with the last line of a cell, magics and drawings.
IN_A_KERNEL = {
    "print": "print(who)",
    "last_line": "row[['person_id']]",
    "displayed": "display(row[['person_id']])",
    "html": "from IPython.display import HTML\nHTML(f'<b>{who}</b>')",
    "glue": "from myst_nb import glue\nglue('somebody', who)",
    "drawing": "from IPython.display import SVG\n"
    "SVG(f'<svg xmlns=\"http://www.w3.org/2000/svg\"><text>{who}</text></svg>')",
    "store": "%store who",
    "magic_file": "%%writefile {who}.txt\nsomebody",
    "raise": "raise ValueError(f'look at {who}')",
    "warning": "import warnings\nwarnings.warn(who)",
    "logging": "import logging\nlogging.warning(who)",
    "csv": "row.to_csv('leak.csv')",
    "shell": "!echo {who} > leak.shell",
}
DRIVER = """
import http.server, json, os, sys, threading
from pathlib import Path
from distance_to_care import analyses
from distance_to_care.problems import Problem

heard = []
class Listener(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        heard.append(self.path)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *words):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Listener)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["LISTENER"] = f"http://127.0.0.1:{server.server_port}/"
os.environ["no_proxy"] = "127.0.0.1"
for name, cells in json.loads(Path(sys.argv[1]).read_text()).items():
    try:
        analyses.execute(Path(f"{name}.ipynb"), cells, guarded=sys.argv[2] == "guarded")
        said = "finished"
    except Problem as problem:
        said = str(problem)
    print(f"OUTCOME {name}: {said}", flush=True)
Path("heard").write_text("\\n".join(heard))
"""


def cells_of(name: str, leak: str) -> list[str]:
    return [FIRST.replace("NAME", name), leak]


def planted(folder, names) -> dict[str, str]:
    """A registry extract in which each notebook has a person of its own, and what points to it."""
    people = pd.read_csv(places.DATA / "synthetic" / "synthetic_ipf.csv").head(80)
    ids = [f"planted_{name}_person" for name in names]
    people["person_id"] = ids + [f"other_{i}" for i in range(len(people) - len(ids))]
    file = folder / "extract.csv"
    people.drop(columns="record_kind").to_csv(file, index=False)
    return {
        places.COHORT_VARIABLE: str(file),
        places.KIND_VARIABLE: "registry",
        places.STUDY_VARIABLE: "ipf",
        places.RESULTS_VARIABLE: str(folder / "results"),
    }


def found_in(folder, *texts: str) -> set[str]:
    """Names of the notebooks whose person stands in any file, any name of a file, or any text."""
    files = list(folder.rglob("*"))
    content = b"\n".join(
        [*(p.read_bytes() for p in files if p.is_file()), *(p.name.encode() for p in files)]
        + [text.encode() for text in texts]
    )
    names = {*LEAKS, *IN_A_KERNEL}
    return {name for name in names if f"planted_{name}_person".encode() in content}


def analysed(folder, guarded: bool) -> tuple[set[str], dict[str, str]]:
    """Run the leaky notebooks as `analyse` does; say who came out, and how each run ended."""
    inputs, work = folder / "inputs", folder / "work"
    inputs.mkdir()
    work.mkdir()
    environment = planted(inputs, LEAKS) | {places.RESULTS_VARIABLE: str(work / "results")}
    notebooks = {name: cells_of(name, leak) for name, leak in LEAKS.items()}
    (inputs / "notebooks.json").write_text(json.dumps(notebooks))
    (inputs / "driver.py").write_text(DRIVER)
    done = subprocess.run(
        [sys.executable, inputs / "driver.py", inputs / "notebooks.json",
         "guarded" if guarded else "open"],
        cwd=work, capture_output=True, text=True, check=False,
        env=os.environ | environment | {"PYTHONPATH": str(places.ROOT)},
    )  # fmt: skip
    ends = dict(
        line.removeprefix("OUTCOME ").split(": ", 1)
        for line in done.stdout.splitlines()
        if line.startswith("OUTCOME ")
    )
    assert set(ends) == set(LEAKS), done.stderr
    return found_in(work, done.stdout, done.stderr), ends


@pytest.fixture(scope="module")
def under_guard(tmp_path_factory):
    return analysed(tmp_path_factory.mktemp("guarded"), guarded=True)


def test_nobody_comes_out_of_an_analysis(under_guard):
    assert under_guard[0] == set()


def test_without_the_guard_they_do(tmp_path):
    came_out, _ = analysed(tmp_path, guarded=False)
    # The texts of errors are withheld in either case.
    assert came_out == set(LEAKS) - WITHHELD


@pytest.mark.parametrize("name", sorted(set(LEAKS) - {"warning", "logging"}))
def test_whoever_tries_is_told(under_guard, name):
    said = under_guard[1][name]
    assert said.startswith(f"notebooks/{name}.ipynb, code cell 2: ")
    assert "withheld" in said or "while people of a registry are in memory" in said


@pytest.mark.parametrize("name", sorted(LEAKS))
def test_the_check_of_the_code_refuses_each_before_it_runs(name):
    found = people_flow.violations(cells_of(name, LEAKS[name]), name)
    assert any(line.startswith(f"notebooks/{name}.ipynb, code cell 2: ") for line in found)


@pytest.mark.parametrize("name", sorted(IN_A_KERNEL))
def test_the_check_of_the_code_refuses_what_a_kernel_would_show(name):
    found = people_flow.violations(cells_of(name, IN_A_KERNEL[name]), name)
    assert any(line.startswith(f"notebooks/{name}.ipynb, code cell 2: ") for line in found)


def test_what_the_package_writes_and_says_is_let_through(tmp_path):
    with guard.watching(tmp_path):
        (tmp_path / "table.csv").write_text("a table")
        with Path(os.devnull).open("w") as nowhere:
            nowhere.write("nothing")
        assert (places.ROOT / "pyproject.toml").read_text()
        with pytest.raises(guard.Refused, match="outside the folder of results"):
            (tmp_path.parent / "other.csv").write_text("a table")
        with pytest.raises(guard.Refused, match="outside the folder of results"):
            (tmp_path / ".." / "other.csv").write_text("a table")
        with pytest.raises(Problem, match="Its text is withheld"):
            print("somebody")
    (tmp_path.parent / "after.csv").write_text("a table")


def test_a_link_out_of_the_folder_of_results_is_refused(tmp_path):
    inside, outside = tmp_path / "results", tmp_path / "elsewhere"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    with guard.watching(inside), pytest.raises(guard.Refused):
        (inside / "link" / "leak.csv").write_text("somebody")
    assert not list(outside.iterdir())


# ------------------------------------------------------------------- another kind than people's


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setenv(places.KIND_VARIABLE, "registry")
    return results.Page("chapter", sources=["cohort"], kind="registry", root=tmp_path)


@pytest.mark.parametrize("kind", ["scenario", "published", "open", "modelled"])
@pytest.mark.parametrize("value", [93.7, "93.7", "died on day 417"])
def test_numbers_of_a_registry_are_not_published_as_anything_else(page, kind, value):
    rows = pd.DataFrame({"term": ["age", "time"], "note": ["", ""]})
    rows["estimate" if isinstance(value, float) else "note"] = value
    with pytest.raises(Problem, match="not the table of that name"):
        page.publish(rows, "rows", "Rows", ["published_estimates"], kind)
    assert not list(page.folder.glob("*.csv"))


def accepted(name):
    return results.read_published(places.ACCEPTED / f"{name}.csv", name).drop(columns="kind")


def test_the_book_s_own_table_is_and_a_changed_one_is_not(page):
    name, sources = "transplant_published", ["published_estimates"]
    changed = accepted(name)
    changed["estimate"] += 0.001
    with pytest.raises(Problem, match="not the table of that name"):
        page.publish(changed, name, "Deaths", sources, "published")
    page.publish(accepted(name), name, "Deaths", sources, "published")
    assert (page.folder / f"{name}.csv").exists()


def test_words_without_numbers_are(page):
    words = pd.DataFrame({"term": ["drawn", "not drawn"], "note": ["an arrow", "none"]})
    page.publish(words, "words", "Words", ["published_estimates"], "scenario")


@pytest.mark.parametrize(
    "form", ["{estimate.real}", "{study[0]}", "{study.__class__}", "{}", "{0}"]
)
def test_the_form_of_a_number_reaches_columns_only(page, form):
    name = "transplant_published"
    page.publish(accepted(name), name, "Deaths", ["published_estimates"], "published")
    with pytest.raises(Problem, match="names columns only"):
        page.number_each("a.{study}", name, form)
    with pytest.raises(Problem, match="names columns only"):
        page.number_each(form, name, "{estimate:.1f}")


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, Exception])
def test_no_text_of_an_error_is_handed_on(error):
    cell = f"(0 for i in (1, 2)).throw({error.__name__}('planted'))"
    with pytest.raises(Problem) as said:
        analyses.execute(Path("chapter.ipynb"), [cell], guarded=False)
    assert "planted" not in str(said.value)
    assert said.value.__cause__ is None
    assert said.value.__suppress_context__


def test_an_interruption_from_the_keyboard_stays_one():
    with pytest.raises(KeyboardInterrupt):
        analyses.execute(Path("chapter.ipynb"), ["raise KeyboardInterrupt"], guarded=False)


# ------------------------------------------------------------------------------ in a kernel

OURS = """
from distance_to_care.figures import ShownTable
import pandas as pd
ShownTable(pd.DataFrame({"group": ["all"], "people": [2355]}), "a_table", "A published table")
"""


@pytest.fixture(scope="module")
def kernels():
    server = KernelServer()
    yield manager_class(server)
    server.close()


def in_a_kernel(folder, manager, monkeypatch, guarded: bool):
    """Run one notebook with a leak in each cell; every cell runs, whatever became of the others."""
    environment = planted(folder, IN_A_KERNEL) | {"IPYTHONDIR": str(folder / "ipython")}
    if not guarded:
        environment[places.KIND_VARIABLE] = "open"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (folder / "work").mkdir()
    (folder / "work" / "of_a_cohort.ipynb").write_text(
        json.dumps(_notebook([FIRST.replace("NAME", "print"), OURS, *_leaking_cells()]))
    )
    notebook = Notebook(folder / "work" / "of_a_cohort.ipynb")
    if guarded:
        return asyncio.run(execution._run(notebook, folder / "results", manager))
    node = nbformat.read(notebook.path, as_version=4)
    environment = execution._environment(notebook, folder / "results")
    asyncio.run(execution._executed(node, notebook.path.parent, environment, manager))
    return [cell.outputs for cell in node.cells]


def _leaking_cells():
    for name, leak in IN_A_KERNEL.items():
        find = FIRST.replace("NAME", name).split("people\n", 1)[1]
        yield from [find, leak] if leak.startswith("%%") else [find + leak]


def _notebook(cells):
    # The tag lets a run go on after a cell that fails.
    about = {"distance_to_care": {"cohort": True, "study": "ipf"}}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(
        metadata=about | {"kernelspec": kernel},
        cells=[
            nbformat.v4.new_code_cell(cell, metadata={"tags": ["raises-exception"]})
            for cell in cells
        ],
    )


def test_an_executed_notebook_keeps_what_our_own_pages_show(tmp_path, kernels, monkeypatch):
    outputs = in_a_kernel(tmp_path, kernels, monkeypatch, guarded=True)
    (tmp_path / "extract.csv").unlink()
    (tmp_path / "work" / "of_a_cohort.ipynb").unlink()
    assert found_in(tmp_path, json.dumps(outputs)) == set()
    shown = [output for cell in outputs for output in cell]
    assert len(shown) == 1
    assert "A published table" in shown[0]["data"]["text/html"]


def test_without_the_guard_an_executed_notebook_keeps_everybody(tmp_path, kernels, monkeypatch):
    outputs = in_a_kernel(tmp_path, kernels, monkeypatch, guarded=False)
    (tmp_path / "extract.csv").unlink()
    (tmp_path / "work" / "of_a_cohort.ipynb").unlink()
    assert found_in(tmp_path, json.dumps(outputs)) == set(IN_A_KERNEL)


@pytest.mark.parametrize("error", ["ValueError", "Problem"])
def test_a_failed_cell_that_puts_its_own_words_together_is_not_quoted(
    tmp_path, kernels, monkeypatch, error
):
    for name, value in planted(tmp_path, ["raise"]).items():
        monkeypatch.setenv(name, value)
    leak = textwrap.dedent(f"""
        from distance_to_care.problems import Problem
        raise {error}(f"look at {{who}}")
    """)
    path = tmp_path / "failing.ipynb"
    content = _notebook([FIRST.replace("NAME", "raise"), leak])
    for cell in content.cells:
        cell.metadata = {}
    path.write_text(json.dumps(content))
    with pytest.raises(Problem) as said:
        asyncio.run(execution._run(Notebook(path), tmp_path / "results", kernels))
    assert "code cell 2" in str(said.value)
    assert "withheld" in str(said.value)
    assert "planted" not in str(said.value)


def test_a_kernel_of_another_page_is_not_told_where_the_people_are(tmp_path, monkeypatch):
    for name, value in planted(tmp_path, []).items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "elsewhere.ipynb"
    content = _notebook([])
    content.metadata = {}
    path.write_text(json.dumps(content))
    told = execution._environment(Notebook(path), tmp_path)
    assert not {places.COHORT_VARIABLE, places.KIND_VARIABLE, places.GUARDED_VARIABLE} & set(told)
