"""Every area with its nearest centre, its minutes and their range over the lists of centres."""

from __future__ import annotations

import pandas as pd

from distance_to_care import access, centre_lists, travel

FAR_MINUTES, NEAR_MINUTES = 60.0, 30.0


def over_lists(areas: pd.DataFrame, centres: pd.DataFrame) -> pd.DataFrame:
    """Find the nearest centre of every area on the base list, and how its minutes move.

    Parameters
    ----------
    areas : the table `areas`, or some of its rows.
    centres : the list: as for `travel.places_of`, and `certainty` (A, B, C).

    Returns
    -------
    One row an area, in the order of `areas`: `area_code`, `centre`, `travel_minutes`,
    `distance_km`, `modelled` as `travel.nearest_centre` returns them for the base list; `people`
    (residents of all ages, Census 2011); `low` and `high` (minutes, over the lists A, AB, ABC).
    Minutes are rounded to 0.1, kilometres to 0.01.
    """
    found = {
        grades: travel.nearest_centre(areas, centres[centres["certainty"].isin(list(grades))])
        for grades in access.LISTS
    }
    minutes = pd.DataFrame({grades: table["travel_minutes"] for grades, table in found.items()})
    table = found[centre_lists.BASE].assign(
        people=areas["persons_2011"].to_numpy(),
        low=minutes.min(axis=1),
        high=minutes.max(axis=1),
    )
    return table.round({"travel_minutes": 1, "distance_km": 2, "low": 1, "high": 1})


def _marks(found: pd.DataFrame) -> dict[str, tuple[str, pd.Series]]:
    return {
        "far": (f"more than {FAR_MINUTES:.0f} minutes on every list", found["low"] > FAR_MINUTES),
        "near": (f"within {NEAR_MINUTES:.0f} minutes on every list", found["high"] <= NEAR_MINUTES),
        "moves": (
            f"moves by more than {centre_lists.STEADY_MINUTES:.0f} minutes between lists",
            found["high"] - found["low"] > centre_lists.STEADY_MINUTES,
        ),
    }


def on_every_list(found: pd.DataFrame, by: pd.Series) -> pd.DataFrame:
    """Count who is far, and who is near, on every list of centres, and whom the list decides for.

    Parameters
    ----------
    found : as `over_lists` returns it.
    by : a group of every area, such as its local authority; same rows as `found`.

    Returns
    -------
    Tidy table `measure` (in words), `term` (far, near, moves), `level` (the group; all means
    everybody), `areas`, `people`, `estimate` (per cent of the people of the group), `unit`.
    """
    parts = []
    for groups in (pd.Series("all", index=found.index), by.set_axis(found.index)):
        everybody = found["people"].groupby(groups).sum()
        for term, (measure, there) in _marks(found).items():
            chosen = found["people"].where(there, 0).groupby(groups).sum()
            part = pd.DataFrame(
                {
                    "level": everybody.index,
                    "areas": there.groupby(groups).sum().to_numpy(int),
                    "people": chosen.to_numpy(),
                    "estimate": 100 * (chosen / everybody).to_numpy(),
                }
            )
            parts.append(part.assign(measure=measure, term=term))
    columns = ["measure", "term", "level", "areas", "people", "estimate"]
    table = pd.concat(parts, ignore_index=True)[columns]
    return table.assign(unit="per cent of people")


def by_nearest(found: pd.DataFrame, centres: pd.DataFrame) -> pd.DataFrame:
    """Count people by the centre that is nearest to them, with the minutes of their drive.

    Parameters
    ----------
    found : as `over_lists` returns it.
    centres : the list: `site`, `certainty`.

    Returns
    -------
    One row a centre that is somebody's nearest: `centre`, `note` (its grade of certainty),
    `areas`, `people`, `travel_minutes` (mean, weighted by people).
    """
    weighted = found.assign(total=found["travel_minutes"] * found["people"]).groupby("centre")
    table = weighted.agg(areas=("area_code", "size"), people=("people", "sum"))
    table["travel_minutes"] = weighted["total"].sum() / table["people"]
    table["note"] = "grade " + centres.set_index("site")["certainty"].reindex(table.index)
    return table.reset_index()[["centre", "note", "areas", "people", "travel_minutes"]]
