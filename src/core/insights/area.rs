//! The area a selection lies in: what of it is a parameter, and what SQL asks of a row.

use super::polygon;
use crate::bigquery::parameters::{Parameter, ParameterValue};
use crate::error::{Error, ErrorKind, Result};

/// An area on the sphere.
#[derive(Debug, Clone, PartialEq)]
pub enum Area {
    /// Between two meridians and two parallels; west is larger than east across the antimeridian.
    Box {
        /// Degrees.
        west: f64,
        /// Degrees.
        south: f64,
        /// Degrees.
        east: f64,
        /// Degrees.
        north: f64,
    },
    /// Around a point.
    Around {
        /// Degrees.
        latitude: f64,
        /// Degrees.
        longitude: f64,
        /// Metres.
        radius_m: f64,
    },
    /// Within polygons, as WKT that was checked.
    Polygons(String),
}

impl Area {
    /// A box. Fails for what is no box, and says where latitudes and longitudes seem to be swapped.
    pub fn bounded(west: f64, south: f64, east: f64, north: f64) -> Result<Self> {
        let (longitudes, latitudes) = ([west, east], [south, north]);
        if !within(&longitudes, 180.0) || !within(&latitudes, 90.0) {
            let are_swapped = within(&longitudes, 90.0) && within(&latitudes, 180.0);
            return Err(outside(&format!("the box ({west}, {south}, {east}, {north})"), are_swapped));
        }
        if south >= north || same(west, east) {
            return Err(invalid(format!("the box ({west}, {south}, {east}, {north}) holds nothing"))
                .with_hint("give west, south, east, north in degrees; south must be below north"));
        }
        Ok(Self::Box { west, south, east, north })
    }

    /// A circle. Fails for a point that is not on the sphere and a radius that is not above 0.
    pub fn around(latitude: f64, longitude: f64, radius_m: f64) -> Result<Self> {
        if !within(&[longitude], 180.0) || !within(&[latitude], 90.0) {
            let are_swapped = within(&[longitude], 90.0) && within(&[latitude], 180.0);
            return Err(outside(&format!("the point at latitude {latitude}, longitude {longitude}"), are_swapped));
        }
        if !radius_m.is_finite() || radius_m <= 0.0 {
            return Err(invalid(format!("a radius of {radius_m} m holds nothing"))
                .with_hint("give the radius in metres, above 0"));
        }
        Ok(Self::Around { latitude, longitude, radius_m })
    }

    /// Polygons as WKT or `GeoJSON` text.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self::Polygons(polygon::to_wkt(text)?))
    }

    /// What SQL asks of a row whose point is in these columns; the area's numbers are parameters.
    pub(super) fn condition(&self, latitude: &str, longitude: &str, parameters: &mut Vec<Parameter>) -> String {
        let mut give = |name: &str, value: ParameterValue| {
            parameters.push(Parameter { name: Some(name.to_owned()), value });
        };
        match self {
            Self::Box { west, south, east, north } => {
                for (name, value) in [("west", west), ("south", south), ("east", east), ("north", north)] {
                    give(name, ParameterValue::Float64(*value));
                }
                let across = if west > east { "OR" } else { "AND" };
                format!(
                    "{latitude} BETWEEN @south AND @north\n  \
                     AND ({longitude} >= @west {across} {longitude} <= @east)"
                )
            }
            Self::Around { latitude: y, longitude: x, radius_m } => {
                for (name, value) in [("longitude", x), ("latitude", y), ("radius_m", radius_m)] {
                    give(name, ParameterValue::Float64(*value));
                }
                format!(
                    "ST_DWITHIN(ST_GEOGPOINT({longitude}, {latitude}), ST_GEOGPOINT(@longitude, @latitude), @radius_m)"
                )
            }
            Self::Polygons(wkt) => {
                give("area", ParameterValue::String(wkt.clone()));
                format!("ST_CONTAINS(ST_GEOGFROMTEXT(@area), ST_GEOGPOINT({longitude}, {latitude}))")
            }
        }
    }
}

/// What is wrong with coordinates off the sphere.
pub(super) fn outside(what: &str, are_swapped: bool) -> Error {
    let error = invalid(format!("{what} is not on the sphere: latitudes are -90 to 90, longitudes -180 to 180"));
    if are_swapped {
        return error
            .with_hint("latitude and longitude seem to be swapped: a box, WKT and GeoJSON give longitude first");
    }
    error.with_hint("give degrees: longitude first in a box, WKT and GeoJSON")
}

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

/// Whether these are numbers of at most so many degrees to either side.
pub(super) fn within(values: &[f64], most: f64) -> bool {
    values.iter().all(|value| value.is_finite() && value.abs() <= most)
}

fn same(left: f64, right: f64) -> bool {
    left.total_cmp(&right).is_eq()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(area: &Area) -> (String, Vec<String>) {
        let mut parameters = Vec::new();
        let sql = area.condition("location.latitude", "location.longitude", &mut parameters);
        (sql, parameters.into_iter().filter_map(|parameter| parameter.name).collect())
    }

    #[test]
    fn a_box_asks_for_a_range_of_degrees() {
        let (sql, names) = condition(&Area::bounded(-112.0, 33.0, -111.0, 34.0).unwrap());
        assert_eq!(
            sql,
            "location.latitude BETWEEN @south AND @north\n  \
             AND (location.longitude >= @west AND location.longitude <= @east)"
        );
        assert_eq!(names, ["west", "south", "east", "north"]);
    }

    #[test]
    fn a_box_across_the_antimeridian_is_on_both_of_its_sides() {
        let (sql, _) = condition(&Area::bounded(179.0, -20.0, -179.0, -10.0).unwrap());
        assert!(sql.contains(">= @west OR location.longitude <= @east"), "{sql}");
    }

    #[test]
    fn a_circle_asks_for_a_distance_on_the_sphere() {
        let (sql, names) = condition(&Area::around(33.3, -111.8, 250.0).unwrap());
        assert_eq!(
            sql,
            "ST_DWITHIN(ST_GEOGPOINT(location.longitude, location.latitude), \
             ST_GEOGPOINT(@longitude, @latitude), @radius_m)"
        );
        assert_eq!(names, ["longitude", "latitude", "radius_m"]);
    }

    #[test]
    fn swapped_coordinates_are_called_that() {
        for error in
            [Area::bounded(33.0, -112.0, 34.0, -111.0).unwrap_err(), Area::around(-111.8, 33.3, 250.0).unwrap_err()]
        {
            assert!(error.details().hint.as_deref().unwrap().contains("swapped"), "{error}");
        }
    }

    #[test]
    fn what_holds_nothing_is_refused() {
        assert!(Area::bounded(1.0, 5.0, 2.0, 5.0).is_err());
        assert!(Area::bounded(1.0, 5.0, 1.0, 6.0).is_err());
        assert!(Area::bounded(1.0, f64::NAN, 2.0, 6.0).is_err());
        assert!(Area::around(1.0, 1.0, 0.0).is_err());
        assert!(Area::around(1.0, 1.0, f64::INFINITY).is_err());
    }
}
