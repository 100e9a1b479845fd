"""Write the files that Find my area reads: one small script for each outcode (first half).

The page asks for one of them when a reader types a postcode. They are scripts and not JSON because
a page opened from a folder may load scripts and nothing else. Only the outcode leaves the page, as
the name of a file of the same site.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from distance_to_care import access, geography, places, tables, travel

# Where the scripts stand in the site; the page's own script builds its addresses from it.
FOLDER = "find-my-area"
PAGE = "book/find_my_area.html"
PLACES = "places.js"
# So many of the nearest sites are named for every area, beside the nearest of each list.
NAMED_SITES = 3
# Lists of centres in the data: of those of other services the nearest of each is told.
CENTRES, LISTED = "centres_ild", "centres_"
_INPUTS = (
    "areas",
    "atlas_assumptions",
    "care_boards",
    CENTRES,
    "hospitals",
    "postcodes",
    "travel_estimator",
    "travel_minutes",
    "wales_areas",
    "wales_travel_minutes",
)
_SHOWN = ["site", "town", "certainty"]
_OFFICIAL = ("imd_2019", "rural_urban_2011")
# What lies between an area and the mainland: nothing, water without a road, a ferry that carries
# cars and whose crossing the driving times hold.
ROAD, NO_ROAD, FERRY = 0, 1, 2
FERRY_DISTRICT = "Isle of Wight"


def write(site: Path, base: Path) -> Path:
    """Write the scripts of Find my area into a built site that has the page; return their folder.

    They are the same for every site, so they are kept in the project's build folder and made anew
    only where an input or an official file has changed.

    site : folder of the built pages.
    base : folder of this build, where they are kept if the project may not be written to.
    """
    folder = site / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    if not (site / PAGE).exists():
        return folder
    kept = places.BUILD if os.access(places.ROOT, os.W_OK) else base
    made = kept / FOLDER / _digest()
    if not made.is_dir():
        part = made.with_name(f"part-{os.getpid()}")
        part.mkdir(parents=True, exist_ok=True)
        for name, text in scripts().items():
            (part / name).write_text(text, encoding="utf-8", newline="\n")
        # Another build may have been quicker: then its files, which are the same, stay.
        with contextlib.suppress(OSError):
            part.rename(made)
        shutil.rmtree(part, ignore_errors=True)
        for older in set(made.parent.iterdir()) - {made}:
            if not older.name.startswith("part-"):
                shutil.rmtree(older, ignore_errors=True)
    shutil.copytree(made, folder, copy_function=shutil.copyfile)
    return folder


def _digest() -> str:
    """Digest of everything that the scripts are made from."""
    total = hashlib.sha256()
    inputs = [places.DATA / tables.resource(name)["path"] for name in (*_INPUTS, *_beside())]
    code = [Path(module.__file__) for module in (access, geography, tables, travel)]
    for path in (*inputs, *code, Path(__file__)):
        total.update(path.read_bytes())
    for name in _OFFICIAL:
        table = tables.official(name)
        shown = "absent" if table is None else pd.util.hash_pandas_object(table).sum()
        total.update(f"{name} {shown}".encode())
    return total.hexdigest()


def _beside() -> list[str]:
    """The lists of centres of other services."""
    names = [resource["name"] for resource in tables.descriptor()["resources"]]
    return [name for name in names if name.startswith(LISTED) and name != CENTRES]


def scripts() -> dict[str, str]:
    """Make every script: file name -> text. `places.js` holds what all outcodes share."""
    centres = tables.read(CENTRES)
    others = pd.concat([tables.read(name) for name in _beside()])
    beside = dict(list(others.groupby("service", sort=False)))
    areas = area_facts()
    near = nearest_sites(areas, centres, NAMED_SITES)
    near_beside = [nearest_sites(areas, sites) for sites in beside.values()]
    units = _units(tables.read("postcodes"))
    boards = areas[["board_code", "board"]].dropna().drop_duplicates().sort_values("board_code")
    shared = {
        "centres": centres[_SHOWN].to_numpy().tolist(),
        "beside": {whom: sites[_SHOWN].to_numpy().tolist() for whom, sites in beside.items()},
        "boards": boards.to_numpy().tolist(),
        "lists": list(access.LISTS),
        "classes": sorted(areas["rural_urban_class"].unique()),
        "deprivation": areas.attrs["deprivation"],
        "rural_urban": areas.attrs["rural_urban"],
        "edition": areas.attrs["edition"],
        "slower": float(_assumed()["slower_driving"]),
        "outcodes": " ".join(units),
    }
    files = {PLACES: f"findMyArea.places({_json(shared)});\n"}
    facts = _facts_in_short(areas, shared)
    for outcode, rows in units.items():
        listed = [
            [*facts[code], *near[code], *both, [near_one[code][0] for near_one in near_beside]]
            for code, both in rows.items()
        ]
        files[f"{outcode}.js"] = f"findMyArea.outcode({_json(outcode)},{_json(listed)});\n"
    return files


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _assumed() -> pd.Series:
    return tables.read("atlas_assumptions").set_index("name")["value"]


# --- Areas --------------------------------------------------------------------------------------


def area_facts() -> pd.DataFrame:
    """Collect what the page says of every area of England and Wales beside the drive.

    Returns one row an area: those of `areas` with `board_code`, `board`, `deprivation` (decile of
    the official index where its file is at hand, else fifth of the OAC-2011 deprivation proxy;
    missing in Wales), `rural_urban`, `rural_urban_class`. attrs say which of both was used, and
    which edition of the boards.
    """
    english = tables.read("areas")
    boards = tables.read("care_boards")
    edition = boards["version"].max()
    of_board = access.board_of_areas(english, boards[boards["version"] == edition])
    english = english.merge(of_board, validate="one_to_one")
    index = tables.official("imd_2019")
    if index is None:
        english["deprivation"] = english["deprivation_proxy_quintile"]
    else:
        decile = index.set_index("area_code")["imd_decile"]
        english["deprivation"] = english["area_code"].map(decile)
    out = pd.concat([english, tables.read("wales_areas")], ignore_index=True)
    official = tables.official("rural_urban_2011")
    if official is None:
        density = out["persons_2011"] / out["hectares"].clip(lower=1)
        rural = density < float(_assumed()["rural_people_per_hectare"])
        out["rural_urban"] = np.where(rural, "rural", "urban")
        out["rural_urban_class"] = out["rural_urban"].str.capitalize()
    else:
        known = official.set_index("area_code")
        for column in ("rural_urban", "rural_urban_class"):
            out[column] = out["area_code"].map(known[column])
    out.attrs = {
        "deprivation": "proxy" if index is None else "index",
        "rural_urban": "density" if official is None else "official",
        "edition": datetime.strptime(edition, "%Y-%m").strftime("%B %Y"),
    }
    return out


def nearest_sites(areas: pd.DataFrame, centres: pd.DataFrame, named: int = 0) -> dict[str, list]:
    """Name the sites that the page shows for every area, and what lies between.

    Returns area code -> [[site, minutes, site, minutes ...], water]: whole minutes, nearest first;
    the nearest of all candidates, as many as `named`, and the nearest of every list; `site` is the
    place in the list of centres. `water` is ROAD, NO_ROAD or FERRY.
    """
    minutes = travel.minutes_to(centres, areas)[list(centres["site"])]
    values = minutes.to_numpy(float)
    order = np.argsort(values, axis=1, kind="stable")
    wanted = np.zeros(values.shape, dtype=bool)
    np.put_along_axis(wanted, order[:, :named], True, axis=1)
    for grades in access.LISTS:
        on_list = centres["certainty"].isin(list(grades)).to_numpy()
        first = np.where(on_list, values, np.inf).argmin(axis=1)
        wanted[np.arange(len(values)), first] = True
    # Half minutes are rounded up, as readers do.
    whole = np.floor(values + 0.5).astype(int)
    road = set(tables.read("travel_minutes")["area_code"])
    road |= set(tables.read("wales_travel_minutes")["area_code"])
    ferry = set(areas.loc[areas["local_authority"] == FERRY_DISTRICT, "area_code"])
    out = {}
    for row, code in enumerate(minutes.index):
        sites = [site for site in order[row] if wanted[row, site]]
        pairs = [int(value) for site in sites for value in (site, whole[row, site])]
        out[code] = [pairs, NO_ROAD if code not in road else FERRY if code in ferry else ROAD]
    return out


def _facts_in_short(areas: pd.DataFrame, shared: dict) -> dict[str, list]:
    """Area code -> code, name, deprivation (0 in Wales), rural (1), class, board (-1 in Wales)."""
    board = {code: place for place, (code, _) in enumerate(shared["boards"])}
    kind = {name: place for place, name in enumerate(shared["classes"])}
    frame = pd.DataFrame(
        {
            "area_code": areas["area_code"],
            "area_name": areas["area_name"],
            "deprivation": areas["deprivation"].fillna(0).astype(int),
            "rural": (areas["rural_urban"] == "rural").astype(int),
            "class": areas["rural_urban_class"].map(kind),
            "board": areas["board_code"].map(board).fillna(-1).astype(int),
        }
    )
    return {row[0]: list(row) for row in frame.itertuples(index=False)}


# --- Postcodes ----------------------------------------------------------------------------------


def _units(postcodes: pd.DataFrame) -> dict[str, dict[str, list[str]]]:
    """Outcode -> area code -> postcodes whose area is that of the look-up, and those by place.

    Postcodes are written as the digit of the second half and the pairs of letters that follow it:
    `1AAAB 2BD` is 1AA, 1AB and 2BD.
    """
    sectors: dict[tuple[str, str, int, str], list[str]] = {}
    columns = (postcodes[name].tolist() for name in ("postcode", "area_code", "by_place"))
    for postcode, code, by_place in sorted(zip(*columns, strict=True)):
        key = (postcode[:-3], code, int(by_place), postcode[-3])
        sectors.setdefault(key, []).append(postcode[-2:])
    out: dict[str, dict[str, list[str]]] = {}
    for (outcode, code, by_place, digit), letters in sorted(sectors.items()):
        units = out.setdefault(outcode, {}).setdefault(code, ["", ""])
        units[by_place] = f"{units[by_place]} {digit}{''.join(letters)}".lstrip()
    return out
