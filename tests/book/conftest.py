"""The book as built once for all tests of this folder."""

import pytest

from distance_to_care import places
from distance_to_care.publication.build import Folders, book


@pytest.fixture(scope="session")
def site():
    """The built site: what has not changed since the last build is not built again."""
    lines = []
    return book(Folders(places.BUILD), lines.append)
