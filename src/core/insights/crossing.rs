//! Whether the edges of an area's rings cross, which no area's may.

use super::area::invalid;
use super::polygon::{Ring, Vertex, same, shown};
use crate::error::{Error, Result};

/// An edge on the plane of degrees, where a ring that crosses the antimeridian goes on beyond 180.
struct Edge {
    ring: usize,
    number: usize,
    start: Vertex,
    end: Vertex,
}

impl Edge {
    fn west(&self) -> f64 {
        self.start.0.min(self.end.0)
    }

    fn east(&self) -> f64 {
        self.start.0.max(self.end.0)
    }
}

/// Fails with the two edges where rings cross themselves or each other.
pub(super) fn check(rings: &[&Ring]) -> Result<()> {
    let counts: Vec<usize> =
        rings.iter().map(|ring| ring.windows(2).filter(|pair| !same(pair[0], pair[1])).count()).collect();
    let mut edges: Vec<Edge> = rings.iter().enumerate().flat_map(|(ring, vertices)| edges_of(ring, vertices)).collect();
    edges.sort_by(|left, right| left.west().total_cmp(&right.west()));
    for (position, edge) in edges.iter().enumerate() {
        for other in edges[position + 1..].iter().take_while(|other| other.west() <= edge.east()) {
            let do_meet = if edge.ring == other.ring {
                !are_neighbours(edge, other, counts[edge.ring]) && touch(edge, other)
            } else {
                cross(edge, other)
            };
            if do_meet {
                return Err(crossed(edge, other, rings.len() > 1));
            }
        }
    }
    Ok(())
}

fn edges_of(ring: usize, vertices: &[Vertex]) -> Vec<Edge> {
    let mut edges = Vec::new();
    let mut shift = 0.0;
    for pair in vertices.windows(2).filter(|pair| !same(pair[0], pair[1])) {
        let start = (pair[0].0 + shift, pair[0].1);
        // An edge takes the short way around.
        let way = pair[1].0 - pair[0].0;
        if way > 180.0 {
            shift -= 360.0;
        } else if way < -180.0 {
            shift += 360.0;
        }
        edges.push(Edge { ring, number: edges.len() + 1, start, end: (pair[1].0 + shift, pair[1].1) });
    }
    edges
}

fn are_neighbours(left: &Edge, right: &Edge, count: usize) -> bool {
    let apart = left.number.abs_diff(right.number);
    apart == 1 || apart + 1 == count
}

/// Whether the edges have more than their ends in common: each separates the ends of the other.
fn cross(left: &Edge, right: &Edge) -> bool {
    let (a, b) = (side(left, right.start), side(left, right.end));
    let (c, d) = (side(right, left.start), side(right, left.end));
    a * b < 0.0 && c * d < 0.0
}

/// Whether the edges have any point in common.
fn touch(left: &Edge, right: &Edge) -> bool {
    cross(left, right)
        || lies_on(left, right.start)
        || lies_on(left, right.end)
        || lies_on(right, left.start)
        || lies_on(right, left.end)
}

fn lies_on(edge: &Edge, vertex: Vertex) -> bool {
    let between = |value: f64, one: f64, other: f64| one.min(other) <= value && value <= one.max(other);
    side(edge, vertex) == 0.0
        && between(vertex.0, edge.start.0, edge.end.0)
        && between(vertex.1, edge.start.1, edge.end.1)
}

/// -1, 0 or 1: right of the edge, on its line, or left of it.
fn side(edge: &Edge, vertex: Vertex) -> f64 {
    let (start, end) = (edge.start, edge.end);
    let turn = (end.0 - start.0) * (vertex.1 - start.1) - (end.1 - start.1) * (vertex.0 - start.0);
    if turn == 0.0 { 0.0 } else { turn.signum() }
}

fn crossed(left: &Edge, right: &Edge, are_several: bool) -> Error {
    let (first, second) =
        if (left.ring, left.number) <= (right.ring, right.number) { (left, right) } else { (right, left) };
    let named = |edge: &Edge| {
        let ring = if are_several { format!(" of ring {}", edge.ring + 1) } else { String::new() };
        format!("edge {}{ring} from {} to {}", edge.number, shown(wrapped(edge.start)), shown(wrapped(edge.end)))
    };
    invalid(format!("the area crosses itself: {} meets {}", named(first), named(second)))
        .with_hint("give the vertices in the order in which one walks around the area, or its pieces as a MULTIPOLYGON")
}

fn wrapped((longitude, latitude): Vertex) -> Vertex {
    let longitude = if longitude > 180.0 {
        longitude - 360.0
    } else if longitude < -180.0 {
        longitude + 360.0
    } else {
        longitude
    };
    (longitude, latitude)
}

#[cfg(test)]
mod tests {
    use super::super::polygon::to_wkt;

    #[test]
    fn a_bow_tie_is_told_with_its_two_edges() {
        let error = to_wkt("POLYGON((0 0, 2 2, 2 0, 0 2, 0 0))").unwrap_err();
        assert_eq!(
            error.message(),
            "the area crosses itself: edge 1 from (0 0) to (2 2) meets edge 3 from (2 0) to (0 2)"
        );
        assert!(error.details().hint.as_deref().unwrap().contains("walks around"));
    }

    #[test]
    fn a_ring_that_comes_back_to_a_vertex_or_an_edge_is_no_ring() {
        assert!(to_wkt("POLYGON((0 0, 4 0, 4 4, 2 0, 0 4, 0 0))").is_err());
        assert!(to_wkt("POLYGON((0 0, 2 2, 4 0, 4 4, 2 2, 0 4, 0 0))").is_err());
    }

    #[test]
    fn rings_may_touch_and_not_cross() {
        assert!(to_wkt("POLYGON((0 0, 9 0, 9 9, 0 9, 0 0), (0 0, 2 1, 1 2, 0 0))").is_ok());
        let error = to_wkt("POLYGON((0 0, 9 0, 9 9, 0 9, 0 0), (8 5, 12 4, 12 6, 8 5))").unwrap_err();
        assert!(error.message().contains("edge 2 of ring 1 from (9 0) to (9 9) meets edge 1 of ring 2"), "{error}");
    }

    #[test]
    fn a_ring_across_the_antimeridian_crosses_nothing() {
        assert!(to_wkt("POLYGON((179 -1, -179 -1, -179 1, 179 1, 179 -1))").is_ok());
        let error = to_wkt("POLYGON((179 -1, -179 1, -179 -1, 179 1, 179 -1))").unwrap_err();
        assert!(error.message().contains("from (179 -1) to (-179 1)"), "{error}");
    }

    #[test]
    fn a_concave_area_is_an_area() {
        assert!(to_wkt("POLYGON((0 0, 4 0, 4 4, 2 1, 0 4, 0 0))").is_ok());
    }
}
