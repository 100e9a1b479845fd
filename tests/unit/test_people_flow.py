"""What each name of a notebook is about, what is left of it without people, and what is refused."""

import ast
import importlib

import nbformat
import pytest

from distance_to_care import cohort, places
from distance_to_care.people_flow import About, Flow, made_tables, violations, without_people
from distance_to_care.people_flow.rows import ROWS_AGAIN
from distance_to_care.problems import Problem
from distance_to_care.publication.notebooks import Notebook, refuse_to_show_people

NOTEBOOKS = [Notebook(path) for path in sorted(places.NOTEBOOKS.glob("*.ipynb"))]
OF_COHORTS = [notebook for notebook in NOTEBOOKS if notebook.of_a_cohort]
FIRST = """
import numpy as np
import pandas as pd
from distance_to_care import cohort, figures, results, tables
from distance_to_care.statistics import cohort_people, cohort_survival, severity, treatment
read = cohort.load()
people = read.people
page = results.Page("chapter", sources=["cohort"], kind=read.kind)
"""


def about(code: str) -> dict[str, About]:
    flow = Flow()
    flow.follow(ast.parse(FIRST + code).body)
    return flow.names


@pytest.mark.parametrize(
    "code",
    [
        "x = read.people",
        "x = people.copy()",
        "x = len(people)",
        "x = severity.models(people, 'a', [])",
        "x = f'{people}'",
        "x, y = people, 1",
        "y, *x = 1, people, 2",
        "x = [p for p in people]",
        "x = [severity.models(people, e, []) for e in ('a', 'b')]",
        "x, y = (severity.models(people, e, []) for e in ('a', 'b'))",
        "x = {'a': people}['a']",
        "for _, x in {'a': people}.items(): pass",
        "for x in {'a': people}.values(): pass",
        "for x, _ in zip([people], 'a'): pass",
        "with people as x: pass",
        "x = 1\nif people.empty: x = 2",
        "x = 1\nfor _ in people: x = 2",
        "x = 1\nfor i in (1, 2):\n    x = y\n    y = people",
        "x = []\nx.append(people)",
        "x = []\nx += [people]",
        "x = [0]\nx[0] = people",
        "x = (lambda: people)()",
        "x = severity.models(read, 'a', [])",
        "x = page.publish if people.empty else 1",
        "y = (x := people)",
        "x = str({'a': people})",
        "x = {people.name: 1}",
        "x = [*read.people]",
        "x = not people",
        "x = cohort.prepare(1, 2)",
        "x = tables.read_cohort('a')",
    ],
)
def test_what_is_made_from_people_is_about_people(code):
    assert about(code)["x"] is About.PEOPLE


@pytest.mark.parametrize(
    "code",
    [
        "x = read.study.score('a')",
        "x = read.kind",
        "x = read.adjustments('a')",
        "x = read.references",
        "x, y = 1, people",
        "x = page.publish(severity.models(people, 'a', []), 't', 'T')",
        "x = page.read('t')",
        "ways = {'a': people}\nfor x in ways: pass",
        "ways = {'a': people}\nfor x, _ in ways.items(): pass",
        "ways = {'a': people}\nfor _, x in zip((1,), ways, strict=True): pass",
        "ways = {'a': people}\nx = list(ways)",
        "ways = {'a': people}\nx = [*ways]",
        "x = people\nx = page.publish(x, 't', 'T')",
        "y = [x for x in people]\nx = 1",
    ],
)
def test_what_a_page_gives_back_and_what_a_cohort_says_of_itself_is_not(code):
    assert about(code)["x"] is About.NOTHING


@pytest.mark.parametrize("notebook", OF_COHORTS, ids=lambda n: n.name)
def test_no_chapter_shows_or_saves_people(notebook):
    assert violations(notebook.code, notebook.name) == []


@pytest.mark.parametrize("notebook", OF_COHORTS, ids=lambda n: n.name)
def test_what_is_left_of_a_chapter_needs_nobody_and_publishes_every_table(notebook):
    left = "\n".join(without_people(notebook.code))
    tree = ast.parse(left)
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "people" not in used

    def acts(text, *names):
        calls = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]
        return sorted(
            ast.unparse(c.args[1 if c.func.attr == "publish" else 0])
            for c in calls
            if getattr(c.func, "attr", "") in names and c.args
        )

    whole = "\n".join(notebook.code)
    for act in ("publish", "show", "number"):
        assert acts(left, act) == acts(whole, act)
    figures = [n for n in ast.walk(tree) if getattr(n, "attr", "") == "figure"]
    assert len(figures) == whole.count("page.figure(")


def test_only_marked_notebooks_load_a_cohort():
    for notebook in NOTEBOOKS:
        if "cohort.load(" in "\n".join(notebook.code):
            assert notebook.of_a_cohort or notebook.synthetic_only, notebook.name


def left(code: str) -> list[str]:
    return [line.strip() for line in without_people([FIRST, code])[1].splitlines()]


def test_people_that_are_published_become_nothing():
    assert "x = page.publish(None, 't', 'T')" in left("x = page.publish(people, 't', 'T')")


def test_what_is_published_and_not_about_people_is_worked_out_when_it_is_asked_for():
    code = "y = page.read('u')\nx = page.publish(y.head(), 't', 'T')"
    assert "x = page.publish(lambda: y.head(), 't', 'T')" in left(code)


def test_people_among_other_things_become_nothing():
    assert "x, y = (None, read.study)" in left("x, y = people, read.study")
    lines = left("ways = {'a': people, 'b': 1}\nfor w in ways:\n    page.number(w, 't', 'f')")
    assert "ways = {'a': None, 'b': 1}" in lines
    assert "page.number(w, 't', 'f')" in lines


def test_a_loop_over_people_goes_with_what_is_in_it():
    lines = left("for w in people:\n    page.number(w, 't', 'f')\nx = 1")
    assert not [line for line in lines if "page.number" in line]
    assert "x = 1" in lines


def test_a_last_line_stays_the_last_and_no_other_becomes_it():
    assert left("page.show('t')")[-1] == "_shown"
    assert left("page.show('t')\nx = people")[-1] == "pass"


def test_a_table_that_was_not_released_stops_what_needs_it_and_nothing_else(monkeypatch):
    from distance_to_care import released

    class Page:
        def publish(self, table, name, title):
            return released.Absent(name)

        def show(self, table):
            return table

    code = """
x = page.publish(None, 't', 'T')
y = x.query('a')
z, other = [row for row in y], 2
kept = 3
page.show(y)
"""
    names = {"page": Page()}
    exec(without_people([code])[0], names)
    assert names["kept"] == 3
    assert all(isinstance(names[name], released.Absent) for name in "xyz")
    assert "The table t" not in names["_shown"]._repr_html_()
    assert "Not released: the table t " in names["_shown"]._repr_html_()


def test_an_error_of_another_cause_is_still_an_error():
    with pytest.raises(ZeroDivisionError):
        exec(without_people(["x = 1 / 0"])[0], {})


def test_a_cell_that_is_not_python_is_refused():
    with pytest.raises(Problem, match="code cell 2: it is not plain Python"):
        without_people(["x = 1", "%store x"])


# What a chapter might try beside what tests/unit/test_guard.py runs.
REFUSED = {
    "a title": "page.publish(people, 't', f'{people}')",
    "a key": "page.number(people.index[0], 't', 'f')",
    "a form": "page.number('k', 't', people.name)",
    "a figure": "page.figure(figures.bars(people, 'a', {}, 'b'), 'f', 'F')",
    "columns shown": "page.show('t', columns=list(people))",
    "how often": "for _ in people: page.number('k', 't', 'f')",
    "whether": "if people.empty: page.number('k', 't', 'f')",
    "a list": "found = []\nfound.append(people)\npage.number('k', found[0], 'f')",
    "a folder": "page.folder.joinpath('x')",
    "a hidden method": "page._file_number('k', {}, 't', 'f')",
    "a module's module": "cohort.os.remove('x')",
    "a module's path": "results.Path('x')",
    "a writer": "results.merge([])",
    "another reader": "tables.read_cohort('x')",
    "a read file": "x = pd.read_csv('x')",
    "an array file": "np.save('x', people)",
    "a query": "x = people.query('@who')",
    "a built query": "text = 'a'\nx = people.query(text)",
    "an evaluation": "x = people.eval('a')",
    "a plot": "people.plot()",
    "a summary": "people.info()",
    "a mark": "people.attrs['published'] = 't'",
    "mapped": "x = list(map(print, people))",
    "an alias of a name": "show = print",
    "an alias of a module": "c = cohort\nx = c.load()",
    "an alias of a function": "load = cohort.load\nx = load()",
    "an alias of a page": "p = page\np.number(people, 't', 'f')",
    "a page in a list": "p = [page]\np[0].number(people, 't', 'f')",
    "an alias of a method": "n = page.number\nn(people, 't', 'f')",
    "another page": "P = results.Page\nP('x').number(people, 't', 'f')",
    "a cohort shown": "read",
    "a class": "x = people.__class__",
    "a builtin": "__builtins__['print'](people)",
    "an attribute by name": "x = getattr(people, 'to_csv')",
    "a function": "def f(): return people",
    "a class of its own": "class A: pass",
    "a caught error": "try:\n    x = 1\nexcept ValueError:\n    pass",
    "an assertion": "assert people.empty, people",
    "a module": "import os",
    "part of a module": "from numpy import save",
    "a submodule": "import pandas.io.common",
    "a room of the package": "from distance_to_care.publication import build",
    "a module of paths": "from distance_to_care import places",
    "everything": "from distance_to_care.cohort import *",
    "help": "people?",
    "a cell magic": "%%bash\necho x",
    "an attribute set": "page.name = 'x'",
    # Rows under another kind, or from other sources.
    "people as a scenario": "page.publish(people, 't', 'T', sources=['cohort'], kind='scenario')",
    "people as published": "page.publish(people, 't', 'T', sources=['published_estimates'])",
    "another kind by place": "page.publish(people, 't', 'T', ['cohort'], 'published')",
    "a kind in a dictionary": "k = {'kind': 'open'}\npage.publish(people, 't', 'T', **k)",
    "a kind in a list": "k = [['cohort'], 'open']\npage.publish(people, 't', 'T', *k)",
    "a page of another kind": "p = results.Page('x', sources=['cohort'], kind='scenario')",
    "a page about nobody": "p = results.Page('x', sources=['areas'], kind=read.kind)",
    "a page without sources": "p = results.Page('x')",
    "a page in a dictionary": "k = {'sources': ['cohort'], 'kind': 'open'}\n"
    "p = results.Page('x', **k)",
    "a table by hand": "t = pd.DataFrame({'value': people['age_years']})",
    "counts by hand": "t = pd.DataFrame({'people': [len(people)]})",
    "a cross table": "t = pd.crosstab(people['sex'], people['age_years'])",
    "a pivot": "t = people.pivot_table(index='sex', columns='person_id')",
    "groups by hand": "t = people.groupby('centre').size()",
    # People's own rows, however they are dressed.
    "rows": "page.publish(people[['age_years']], 't', 'T')",
    "rows assigned": "t = people.assign(value=1)\npage.publish(t, 't', 'T')",
    "rows together": "t = pd.concat([people, people])\npage.publish(t, 't', 'T')",
    "rows in a list": "t = [p.head() for p in (people, people)]\npage.publish(t[0], 't', 'T')",
    "rows in a dictionary": "w = {'a': people}\nfor n, t in w.items(): page.publish(t, n, 'T')",
    "rows in pairs": "for n, t in zip(('a', 'b'), (people, people)): page.publish(t, n, 'T')",
    "rows of a cohort": "page.publish(cohort.load().people, 't', 'T')",
    "rows beside estimates": "t = severity.models(people, 'a', []).assign(value=people['a'])\n"
    "page.publish(t, 't', 'T')",
    "rows by another method": "f = people\ng = f.where(f['a'] > 1)\npage.publish(g, 't', 'T')",
    "merged rows": "from distance_to_care import disclosure\n"
    "page.publish(disclosure.merge_steps(people), 't', 'T')",
    # What forgets who is people.
    "match": "match people:\n    case x:\n        pass\npage.number('k', 't', x)",
    "a walrus": "[(s := people) for i in (1, 2)]\npage.number('k', 't', s['a'])",
    "a default": "f = lambda x=people: x\npage.number('k', 't', f())",
    "a lambda before people": "p = []\nf = lambda: p\np = people\npage.number('k', 't', f())",
    "a method handed on": "box = []\npeople['a'].map(box.append)",
    "a method in a list": "box = []\nfor m in [box.append]:\n    m(people)",
    "a method in map": "box = []\nx = list(map(box.extend, [people]))",
    "an alias of a list": "box = []\nsame = box\nbox.append(people)",
    "an alias of a table": "t = tables.read('a')\nu = t\nt['a'] = people['b']",
    "an alias added to": "box = []\nsame = box\nbox += [people]",
    "an alias in a loop": "box = []\nfor i, p in zip((1, 2), people): box.append(i)",
    "how many rows": "n = [1 for a, b in zip(people, people)]\npage.show(str(n))",
    "a buffer": "b = np.zeros(9)\nnp.add(people['a'], 0, out=b)",
    "a buffer by place": "b = np.array([0])\nnp.exp(people['a'], b)",
    "in place": "people.fillna(0, inplace=True)",
    "a row set by a loop": "box = [0]\nfor box[0] in people: pass",
    "tables by people": "[page.publish(None, f't{i}', 'T') for i in range(len(people))]",
    "a table if": "x = page.publish(None, 't', 'T') if people.empty else 1",
    "a table and": "x = people.empty and page.publish(None, 't', 'T')",
    "a short key": "box = []\npeople['a'].map(box.append)\npage.number('k.' + box[0], 't', 'f')",
    # Forms and what they reach.
    "a form of attributes": "x = '{0.__globals__}'.format(figures.forest)",
    "a form of an item": "x = '{0[os]}'.format(1)",
    "a form of a form": "x = '{0:{1.a}}'.format(1, 2)",
    "a built form": "f = '{0}'\nx = f.format(1)",
    "a form by another name": "f = '{0}'.format\nx = f(1)",
    "a function handed on": "x = [severity.models]",
    "a hidden attribute": "x = '_'.__class__",
    "a target of a comprehension": "[0 for severity.models in [1]]",
    "a target of a loop": "for page.kind in ['open']: pass",
    "an item of a module": "from distance_to_care import disclosure\ndisclosure.PROFILES['a'] = 1",
    "a part of the gate": "from distance_to_care import disclosure\nx = disclosure.PROFILES",
    "the gate told of nobody": "from distance_to_care import disclosure\n"
    "disclosure.analysing(1, read.study)",
    "an item of what is imported": "from distance_to_care.cohort import FIFTHS\nFIFTHS['a'] = 1",
    "a name of an import": "severity = 1",
    "a name of Python": "len = 1",
    # Queries.
    "a query that calls": "x = people.query('age_years.to_frame() == 0')",
    "a query of a file": "x = people.query(\"a.to_parquet('x', partition_cols=['a']) == 0\")",
    "a query of hidden parts": 'x = people.query("a.__class__.__init__ == 0")',
    "a query by item": "x = people.query('a[0] == 0')",
    "a query in quotes": "x = people.query('`a b` == 0')",
    "a query of an engine": "x = people.query('a == 0', engine='python')",
    "a written text": "x = people.to_string('x.txt')",
    # The rest of Python.
    "thrown": "x = (0 for i in (1, 2)).throw(SystemExit(people))",
    "an end": "x = SystemExit(people)",
    "deleted": "del people",
    "a typed name": "x: int = people",
    "the rest": "a, *b = people",
    "a with": "with people as x: pass",
    "a decorator of its own": "@page.number\nclass A: pass",
    "options": "np.set_printoptions(precision=3)",
    "a part of a library": "x = np.lib",
}


@pytest.mark.parametrize("code", REFUSED.values(), ids=REFUSED)
def test_what_could_let_people_out_is_refused_with_a_sentence(code):
    found = violations([FIRST, code], "chapter")
    assert found
    for line in found:
        assert line.startswith("notebooks/chapter.ipynb, code cell 2: ")
        assert line.endswith(".")


def test_an_honest_chapter_is_not():
    code = """
held, asked = ["age_years"], {}
asked["a"] = 1
answers = []
answers.append(1)
rows = people[["age_years", "sex"]].copy().assign(old=lambda r: r["age_years"] > 70)
rows = rows.assign(late=people["follow_up_years"].notna(), log_a=np.log1p(people["a"]))
start = people["start_years"]
rows = rows.assign(at_first=start <= 0, old=people["age_years"].between(-5, 70), one=1)
rows = rows.assign(stage=lambda r: read.study.score("gap_index").stage(r["gap_index"]))
first = severity.models(rows, "a", []).query("model in ('a', 'b') and time_years == 1")
page.publish(first, "first", "T")
ways = {"all": people, "later": treatment.not_yet_treated(people, "start_years")}
found = [
    treatment.hazard_ratio(who, "died", held).assign(model=m) for m, who in ways.items()
]
found = pd.concat(found).assign(measure="hazard ratio")
found = page.publish(found, "t", "T")
found = found.query("estimate > 0").dropna(subset=held).assign(outcome="died").head()
for model in ways:
    filed = held[model] if model in held else model.replace("_", " ")
    page.number(f"k.{model}", "t", "{estimate:.1f}", model=model)
    page.number("k.{model}".format(model=model), "t", "{estimate:.1f}", model=model)
old = found.query("model in ('joint', 'all') and estimate > 0.5")
page.publish(tables.read("x"), "u", "U", ["published_estimates"], "published")
page.publish(severity.missed, "v", "V", made_from=["t"])
page.figure(figures.forest(found, [], "what"), "f", "F")
"""
    assert violations([FIRST, code], "chapter") == []


# The first of them gave a person's time of death in a release: two tables, with and without.
CHOSEN = {
    "a query": "few = people.query('age_years < 98')",
    "rows by place": "few = people.iloc[1:]",
    "rows by label": "few = people.loc[people['age_years'] < 98]",
    "the first rows": "few = people.head(100)",
    "rows without a value": "few = people.dropna(subset=['fvc_percent'])",
    "a mask": "few = people[people['age_years'] < 98]",
    "a mask by name": "keep = people['age_years'] < 98\nfew = people[keep]",
    "a mask by hand": "few = people[[i > 0 for i in range(200)]]",
    "a slice": "few = people[1:]",
    "values hidden": "few = people.where(people['age_years'] < 98)",
    "by an index": "few = people.set_index('person_id').loc['a']",
    "one centre": "few = people.query('centre != \"a\"')",
    "out of a copy": "few = people.copy().query('age_years < 98')",
    "out of a dictionary": "ways = {'a': people}\nfew = ways['a'].query('age_years < 98')",
    "out of pairs": "for n, p in {'a': people}.items(): few = p.head()",
    "out of a list": "few = [p.iloc[1:] for p in [people]]",
    "out of a loop": "for p in (people, people): few = p.iloc[1:]",
    "out of a cohort in a list": "both = [read]\nfew = both[0].people.head()",
    "out of what a function hands back": "from distance_to_care.statistics import treatment\n"
    "few = treatment.landmark(people, 'follow_up_years', 'died', 'start', 1).iloc[1:]",
    "everybody twice": "few = pd.concat([people, people])",
    "an outcome": "few = people.assign(outcome=lambda r: r['sex'])",
    "a time": "few = people.assign(follow_up_years=lambda rows: rows['age_years'] / 20)",
    "a fifth": "few = people.assign(deprivation_quintile=1)",
    "a death": "few = people.assign(died=people['age_years'] > 98)",
    "a score": "few = people.assign(gap_index=1)",
    "a column of the study": "few = people.assign(fvc_percent=1)",
    "a column by hand": "people['outcome'] = 'died'",
    "a column in a dictionary": "few = people.assign(**{'outcome': 1})",
    "a time under another name": "few = people.assign(time=lambda rows: rows['age_years'] / 20)",
    "a time turned round": "few = people.assign(x=lambda r: -r['age_years'])",
    "a table reckoned with": "people &= 1",
    "missing for some": "few = people.assign(x=np.sqrt(98 - people['age_years']))",
    "a new column without some": "few = people.assign(\n"
    "    fifth=lambda r: r['deprivation_quintile'].where(r['age_years'] < 98, 1))",
    "a new column with others": "few = people.assign(known=people['fvc_percent'].fillna(0))",
    "a new column of other words": "few = people.assign(new=people['sex'].replace('a', 'b'))",
}
# Exact values of one named person came out of a release in most of these ways.
CHANGED = {
    "counts": "assign(people=800)",
    "an estimate": "assign(estimate=1)",
    "groups": "assign(group_by='sex', group='male')",
    "a scenario": "assign(scenario='richer')",
    "a label of another's": "assign(model='a')",
    "a column worked out": "assign(measure=lambda t: t['group'])",
    "a name of a measure": "replace({'measure': {'a': 'b'}})",
    "a count replaced": "replace({'deaths': {1: 130}})",
    "an estimate filled in": "fillna(0)",
    "rows without a value": "dropna(subset=['estimate'])",
    "rows where": "where(True)",
    "rows of a count": "query('deaths == 1')",
    "rows of an estimate": "query('estimate > 70')",
    "rows of what is withheld": "query('group == 1 and people < 10')",
    "the first rows": "head(3)",
    "a row by place": "iloc[0]",
    "a column": "get('people')['a']",
}


@pytest.mark.parametrize("code", CHANGED.values(), ids=CHANGED)
def test_a_table_about_people_is_published_as_it_was_made(code):
    made = "made = cohort_survival.summary(people, 'sex')\nmade = made."
    found = violations([FIRST, f"{made}{code}\npage.publish(made, 't', 'T')"], "chapter")
    assert [line for line in found if "page.publish hands back" in line or "Pick rows" in line]
    # Of what was published anything may be picked.
    made = "made = page.publish(cohort_survival.summary(people, 'sex'), 't', 'T')\nmade = made."
    assert violations([FIRST, made + code], "chapter") == []


GIVEN = {
    "rows by groups": "x = cohort_people.groups(people, 'sex')",
    "rows of a model": "x = cohort_survival.design(people, ['age_years'])",
    "rows imputed": "from distance_to_care import imputation\nx = imputation.impute(people, ['a'])",
    "ranks": "from distance_to_care import inequality\nx = inequality.ridit(people['a'])",
    "times": "from distance_to_care import survival\n"
    "x = survival.times_and_events(people, 'follow_up_years', 'died')",
    "a value of each": "from distance_to_care.statistics import engine\n"
    "x = engine.pseudo_restricted_mean(people['a'], people['died'], 3)",
    "people beside": "x = severity.models(people, 'a', [len(people)])",
    "a landmark described": "x = cohort_people.table_one(\n"
    "    treatment.landmark(people, 'follow_up_years', 'died', 'start', 6), read.study, 'sex')",
    "late starters by name": "late = treatment.not_yet_treated(people, 'start')\n"
    "late = late.assign(a=1)\nx = cohort_survival.summary(late, 'sex')",
}


@pytest.mark.parametrize("code", GIVEN.values(), ids=GIVEN)
def test_people_go_to_functions_that_count_or_estimate_and_the_chosen_to_fewer(code):
    found = violations([FIRST, code], "chapter")
    assert [line for line in found if "on the list" in line or "Give it everybody" in line]


@pytest.mark.parametrize(
    "given",
    ["'ten.parquet'", "study='my.toml'", "study='/tmp/evil'", "kind='open'", "study=name"]
    + ["None", "path='ten.csv'", "**{'path': 'ten.csv'}", "*['ten.csv']"],
)
def test_a_chapter_reads_the_people_of_the_run_and_no_others(given, monkeypatch):
    found = violations([FIRST, f"other = cohort.load({given})"], "chapter")
    assert [line for line in found if "than the run was given" in line]
    assert violations([FIRST, "other = cohort.load(study='sma')"], "chapter") == []


@pytest.mark.parametrize("given", [{"path": "a.csv"}, {"study": "a.toml"}, {"kind": "open"}])
def test_nor_does_it_where_the_code_was_not_looked_at(given, monkeypatch):
    monkeypatch.setenv(places.GUARDED_VARIABLE, "1")
    with pytest.raises(Problem, match="takes the people and the study of the run"):
        cohort.load(**given)


@pytest.mark.parametrize("name", sorted(made_tables.OF_ROWS | made_tables.OF_TABLES))
def test_functions_that_make_tables_are_there(name):
    module, function = name.rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), function))


# One person could weigh as much as everybody, be named, or be told by two close divisions.
WEIGHED = {
    "a tower": "x = people.assign(a=np.exp(np.exp(people['sex'].eq('male'))))",
    "a root of a logarithm": "x = people.assign(a=np.sqrt(np.log(people['age_years'])))",
    "a sum": "x = people.assign(a=sum([people['age_years'], people['sex'].eq('male')]))",
    "a largest": "x = people.assign(a=max([people['age_years'], people['follow_up_years']]))",
    "a rounded one": "x = people.assign(a=round(people['age_years']))",
    "a logarithm of a condition": "x = people.assign(a=np.log1p(people['sex'].eq('male')))",
    "by place": "x = people.assign(a=[True, False])",
    "by place by name": "a = [1, 2]\nx = people.assign(a=a)",
    "one by one": "x = people.assign(a=[a for a in people['age_years']])",
    "a person": "x = people.assign(a=people['person_id'].eq('P1'))",
    "a centre": "x = people.assign(a=people['centre'].eq('Papworth'))",
    "a value": "x = people.assign(a=people['age_years'] > 94)",
    "a value by method": "x = people.assign(a=people['age_years'].isin([72.3]))",
    "a number by name": "cut = 75\nx = people.assign(a=people['age_years'] > cut)",
    "two at once": "x = people.assign(a=(people['age_years'] > 75) & (people['sex'] == 'male'))",
    "the rest": "x = people.assign(a=~people['sex'].eq('male'))",
    "two columns": "x = people.assign(a=people['age_years'] > people['follow_up_years'])",
    "the whole table": "x = people.isin(['P1'])",
    "columns by loop": "for n, c in people.items(): x = people.assign(a=c.eq('P1'))",
}


@pytest.mark.parametrize("code", WEIGHED.values(), ids=WEIGHED)
def test_no_column_of_a_chapter_weighs_or_picks_out_single_people(code):
    assert violations([FIRST, code], "chapter")


MENDS = ("the extract", "Write them out", "belongs into a function of the package")


@pytest.mark.parametrize("code", CHOSEN.values(), ids=CHOSEN)
def test_who_is_analysed_and_what_is_known_of_them_is_no_choice_of_a_chapter(code):
    found = violations([FIRST, code], "chapter", ["gap_index", "fvc_percent"])
    assert [line for line in found if any(words in line for words in MENDS)]


@pytest.mark.parametrize("name", sorted(ROWS_AGAIN))
def test_functions_that_hand_back_rows_are_there(name):
    module, function = name.rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), function))


def test_a_chapter_may_not_write_over_the_columns_of_the_study_it_is_written_for(tmp_path):
    chapter = tmp_path / "chapter.ipynb"
    nodes = [nbformat.v4.new_code_cell(code) for code in (FIRST, "x = people.assign(sma_type=1)")]
    about = {"distance_to_care": {"cohort": True, "study": "sma"}}
    nbformat.write(nbformat.v4.new_notebook(cells=nodes, metadata=about), chapter)
    with pytest.raises(Problem, match="it assigns 'sma_type', a column of the study"):
        refuse_to_show_people([Notebook(chapter)])
