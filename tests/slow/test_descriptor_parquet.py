"""The reference software of the standard judges the Parquet files too: minutes, so here."""

import pytest
from frictionless import Package

from distance_to_care import places, tables


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_parquet_files_are_what_their_schemas_say():
    package = Package(str(places.DESCRIPTOR))
    for entry in tables.descriptor()["resources"]:
        if entry["path"].endswith(".parquet"):
            report = package.get_resource(entry["name"]).validate()
            assert report.valid, report.flatten(["rowNumber", "fieldName", "type"])[:5]
