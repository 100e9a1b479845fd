"""The page of public functions: every one is documented, and the call on the page works."""

import importlib
import inspect
import re

import pytest

from distance_to_care import places
from distance_to_care.publication import functions


@pytest.mark.parametrize("module", functions.MODULES)
def test_every_public_function_says_what_it_does_and_what_it_returns(module):
    about, found = functions.of_module(module)
    assert about
    assert found
    imported = importlib.import_module(f"distance_to_care.{module}")
    for function in found:
        assert function.summary.endswith("."), function.name
        assert "Parameters" in function.details, function.name
        assert "Returns" in function.details, function.name
        names = list(inspect.signature(getattr(imported, function.name)).parameters)
        assert all(name in function.call for name in names), function.name


def test_the_page_escapes_what_stands_in_a_docstring():
    made = functions.Function("f", "m.f(a)", "Is a < b.", "Parameters\na < b")
    assert "a &lt; b" in functions.as_html(made)


def test_the_pages_of_the_book_show_every_module_once():
    shown = []
    for page in sorted(places.BOOK.glob("functions*.md")):
        shown += re.findall(r"```\{public-functions\} (\w+)", page.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(functions.PARTS)
    assert len(set(functions.MODULES)) == len(functions.MODULES)
    assert sorted(functions.MODULES) == sorted(m for part in functions.PARTS.values() for m in part)
