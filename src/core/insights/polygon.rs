//! Polygons of WKT and `GeoJSON`, checked before BigQuery is asked: its own words about a bad one name no vertex.

use serde_json::Value;
use std::fmt::Write;

use super::area::{invalid, outside, within};
use super::crossing;
use crate::error::{Error, Result};

/// Longitude and latitude in degrees.
pub(super) type Vertex = (f64, f64);
/// A closed line: the last vertex is the first.
pub(super) type Ring = Vec<Vertex>;

const FORMS: &str = "pass a POLYGON or MULTIPOLYGON as WKT or GeoJSON, a box of (west, south, east, north), or a point \
                     with a radius";

/// Checked polygons of a text, as WKT.
pub(super) fn to_wkt(text: &str) -> Result<String> {
    let text = text.trim();
    let polygons = if text.starts_with('{') { from_geojson(text)? } else { from_wkt(text)? };
    if polygons.is_empty() {
        return Err(invalid("the area holds no polygon").with_hint(FORMS));
    }
    let rings: Vec<&Ring> = polygons.iter().flatten().collect();
    for (position, ring) in rings.iter().enumerate() {
        check_ring(ring, (rings.len() > 1).then_some(position + 1))?;
    }
    crossing::check(&rings)?;
    Ok(written(&polygons))
}

fn check_ring(ring: &Ring, number: Option<usize>) -> Result<()> {
    let name = number.map_or_else(|| "the polygon".to_owned(), |number| format!("ring {number} of the area"));
    let [first, .., last] = ring.as_slice() else {
        return Err(too_few(&name));
    };
    for vertex in ring {
        let (longitude, latitude) = *vertex;
        if !within(&[longitude], 180.0) || !within(&[latitude], 90.0) {
            let are_swapped = ring.iter().all(|(x, y)| within(&[*x], 90.0) && within(&[*y], 180.0));
            return Err(outside(&format!("the vertex {} of {name}", shown(*vertex)), are_swapped));
        }
    }
    if !same(*first, *last) {
        return Err(invalid(format!(
            "{name} is not closed: it begins at {} and ends at {}",
            shown(*first),
            shown(*last)
        ))
        .with_hint("repeat the first vertex at the end"));
    }
    let mut corners: Vec<&Vertex> = ring.iter().skip(1).collect();
    corners.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1)));
    corners.dedup_by(|left, right| same(**left, **right));
    if corners.len() < 3 {
        return Err(too_few(&name));
    }
    Ok(())
}

fn too_few(name: &str) -> Error {
    invalid(format!("{name} has fewer than 3 different vertices")).with_hint("an area needs at least a triangle")
}

fn from_geojson(text: &str) -> Result<Vec<Vec<Ring>>> {
    let value: Value = serde_json::from_str(text)
        .map_err(|cause| invalid(format!("the area is no GeoJSON: {cause}")).with_hint(FORMS))?;
    geometries(&value)
}

fn geometries(value: &Value) -> Result<Vec<Vec<Ring>>> {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let part = |name: &str| value.get(name).unwrap_or(&Value::Null);
    match kind {
        "Feature" => geometries(part("geometry")),
        "FeatureCollection" => all(part("features"), geometries).map(|found| found.concat()),
        "Polygon" => Ok(vec![rings(part("coordinates"))?]),
        "MultiPolygon" => all(part("coordinates"), rings),
        "" => Err(invalid("the area is GeoJSON without a type").with_hint(FORMS)),
        other => Err(invalid(format!("the area is a {other}, which encloses nothing")).with_hint(FORMS)),
    }
}

fn rings(value: &Value) -> Result<Vec<Ring>> {
    all(value, |ring| all(ring, vertex))
}

fn vertex(value: &Value) -> Result<Vertex> {
    let number = |position: usize| value.get(position).and_then(Value::as_f64);
    match (number(0), number(1)) {
        (Some(longitude), Some(latitude)) => Ok((longitude, latitude)),
        _ => Err(invalid(format!("`{value}` is no vertex")).with_hint("a vertex of GeoJSON is [longitude, latitude]")),
    }
}

fn all<T>(value: &Value, read: impl Fn(&Value) -> Result<T>) -> Result<Vec<T>> {
    let Some(items) = value.as_array() else {
        return Err(invalid("the area's coordinates are no list of the depth that their type needs").with_hint(FORMS));
    };
    items.iter().map(read).collect()
}

fn from_wkt(text: &str) -> Result<Vec<Vec<Ring>>> {
    let text = text
        .split_once(';')
        .filter(|(head, _)| head.to_ascii_uppercase().starts_with("SRID="))
        .map_or(text, |(_, tail)| tail);
    let (head, body) = text.split_at(text.find('(').unwrap_or(text.len()));
    let head = head.trim().to_ascii_uppercase();
    let (kind, _) = head.split_once(' ').unwrap_or((&head, ""));
    let body = body.trim();
    match kind {
        "POLYGON" => Ok(vec![polygon(body)?]),
        "MULTIPOLYGON" => parts(body)?.into_iter().map(polygon).collect(),
        "" => Err(invalid("the area is empty").with_hint(FORMS)),
        _ => Err(invalid(format!("the area `{}` is no polygon", shortened(text))).with_hint(FORMS)),
    }
}

fn polygon(text: &str) -> Result<Vec<Ring>> {
    parts(text)?.into_iter().map(ring).collect()
}

fn ring(text: &str) -> Result<Ring> {
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).ok_or_else(|| unbalanced(text))?;
    inner.split(',').map(wkt_vertex).collect()
}

fn wkt_vertex(text: &str) -> Result<Vertex> {
    let numbers: Option<Vec<f64>> = text.split_whitespace().map(|number| number.parse().ok()).collect();
    match numbers.as_deref() {
        // A height, and a measure, may follow.
        Some([longitude, latitude] | [longitude, latitude, _] | [longitude, latitude, _, _]) => {
            Ok((*longitude, *latitude))
        }
        _ => Err(invalid(format!("`{}` is no vertex", shortened(text.trim())))
            .with_hint("a vertex of WKT is `longitude latitude`, and a comma comes before the next")),
    }
}

/// The groups between the outer brackets, each with its own.
fn parts(text: &str) -> Result<Vec<&str>> {
    let (mut depth, mut start, mut found) = (0_i32, None, Vec::new());
    for (position, letter) in text.char_indices() {
        match letter {
            '(' => {
                depth += 1;
                if depth == 2 {
                    start = Some(position);
                }
            }
            ')' => {
                depth -= 1;
                if let (1, Some(begun)) = (depth, start.take_if(|_| depth == 1)) {
                    found.push(&text[begun..=position]);
                }
                if depth == 0 && !text[position + 1..].trim().is_empty() {
                    return Err(unbalanced(text));
                }
            }
            _ => {}
        }
        if depth < 0 {
            return Err(unbalanced(text));
        }
    }
    if depth != 0 || found.is_empty() {
        return Err(unbalanced(text));
    }
    Ok(found)
}

fn unbalanced(text: &str) -> Error {
    invalid(format!("the brackets of `{}` do not match its type", shortened(text)))
        .with_hint("WKT looks like `POLYGON((-112 33, -111 33, -111 34, -112 33))`")
}

fn written(polygons: &[Vec<Ring>]) -> String {
    let polygon = |rings: &Vec<Ring>| {
        let rings: Vec<String> = rings.iter().map(|ring| format!("({})", written_ring(ring))).collect();
        format!("({})", rings.join(", "))
    };
    match polygons {
        [single] => format!("POLYGON{}", polygon(single)),
        several => format!("MULTIPOLYGON({})", several.iter().map(polygon).collect::<Vec<_>>().join(", ")),
    }
}

fn written_ring(ring: &Ring) -> String {
    let mut text = String::new();
    let mut before: Option<Vertex> = None;
    for vertex in ring {
        if before.is_some_and(|before| same(before, *vertex)) {
            continue;
        }
        let separator = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{separator}{} {}", vertex.0, vertex.1);
        before = Some(*vertex);
    }
    text
}

pub(super) fn shown((longitude, latitude): Vertex) -> String {
    format!("({longitude} {latitude})")
}

pub(super) fn same(left: Vertex, right: Vertex) -> bool {
    left.0.total_cmp(&right.0).is_eq() && left.1.total_cmp(&right.1).is_eq()
}

fn shortened(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{}{more}", short.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: &str = "POLYGON((-112 33, -111 33, -111 34, -112 34, -112 33))";

    fn refused(text: &str) -> String {
        to_wkt(text).unwrap_err().to_string()
    }

    #[test]
    fn the_forms_of_one_area_are_the_same_area() {
        let coordinates = "[[[-112,33],[-111,33],[-111,34],[-112,34],[-112,33]]]";
        let geometry = format!(r#"{{"type":"Polygon","coordinates":{coordinates}}}"#);
        let feature = format!(r#"{{"type":"Feature","properties":null,"geometry":{geometry}}}"#);
        let collection = format!(r#"{{"type":"FeatureCollection","features":[{feature}]}}"#);
        let height = "polygon z ((-112 33 5, -111 33 5, -111 34 5, -112 34 5, -112 33 5))";
        for text in [SQUARE, &geometry, &feature, &collection, height, &format!("SRID=4326;{SQUARE}")] {
            assert_eq!(to_wkt(text).unwrap(), SQUARE, "{text}");
        }
    }

    #[test]
    fn several_polygons_and_holes_keep_their_rings() {
        let holed = "((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 2 1, 2 2, 1 1))";
        let text = format!("MULTIPOLYGON({holed}, ((20 0, 21 0, 21 1, 20 0)))");
        assert_eq!(to_wkt(&text).unwrap(), text);
        let geojson =
            r#"{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]],[[[5,5],[6,5],[6,6],[5,5]]]]}"#;
        assert_eq!(to_wkt(geojson).unwrap(), "MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))");
    }

    #[test]
    fn an_open_ring_is_told_with_its_ends() {
        let said = refused("POLYGON((0 0, 1 0, 1 1))");
        assert!(said.contains("is not closed: it begins at (0 0) and ends at (1 1)"), "{said}");
    }

    #[test]
    fn fewer_than_three_corners_are_no_area() {
        for text in ["POLYGON((0 0, 1 0, 0 0))", "POLYGON((0 0, 1 1, 0 0, 1 1, 0 0))", "POLYGON((0 0))"] {
            assert!(refused(text).contains("fewer than 3"), "{text}");
        }
    }

    #[test]
    fn swapped_coordinates_are_called_that() {
        let error = to_wkt("POLYGON((33 -112, 33 -111, 34 -111, 33 -112))").unwrap_err();
        assert!(error.details().hint.as_deref().unwrap().contains("swapped"), "{error}");
        assert!(error.message().contains("(33 -112)"), "{error}");
    }

    #[test]
    fn a_repeated_vertex_is_left_out() {
        assert_eq!(to_wkt("POLYGON((0 0, 0 0, 1 0, 1 1, 0 0))").unwrap(), "POLYGON((0 0, 1 0, 1 1, 0 0))");
    }

    #[test]
    fn what_is_no_polygon_says_what_is_one() {
        for text in [
            "",
            "POINT(1 2)",
            "POLYGON(0 0, 1 0, 1 1, 0 0)",
            "POLYGON((0 0, 1 0, 1 1, 0 0)",
            "POLYGON((0 0, 1 0, 1 1, 0 0)) OR TRUE",
            "POLYGON EMPTY",
            "POLYGON((a b, 1 0, 1 1, 0 0))",
            "'; DROP TABLE x",
            "{",
            r#"{"coordinates":[]}"#,
            r#"{"type":"Point","coordinates":[1,2]}"#,
            r#"{"type":"Polygon","coordinates":[1,2]}"#,
            r#"{"type":"MultiPolygon","coordinates":[]}"#,
        ] {
            let error = to_wkt(text).unwrap_err();
            assert!(error.details().hint.is_some(), "{text}: {error}");
        }
    }
}
