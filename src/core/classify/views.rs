//! Which rows of an input make one request, and in which order their images go: one request for one asset.

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, UInt32Array};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, Field, Schema};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::roles::{Boxes, Circumstances};
use crate::error::{Error, ErrorKind, Result};

/// Headings that differ by as much show another side of an asset.
const DISTINCT_DEGREES: f64 = 30.0;

/// Columns that tell what was sent for a group.
const VIEW_COLUMNS: [&str; 2] = ["views", "view_uris"];

/// The rows of each group that are sent, best first.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    rows: Vec<u32>,
    ends: Vec<u32>,
}

/// What is known of the rows, for choosing between them.
pub(super) struct Ranking<'a> {
    pub(super) boxes: Option<&'a Boxes>,
    pub(super) circumstances: &'a Circumstances,
    /// Whether something can be sent for a row.
    pub(super) is_usable: &'a dyn Fn(usize) -> bool,
}

impl Groups {
    /// Number of groups.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Groups of these rows.
    pub(super) fn of(members: impl Iterator<Item = impl IntoIterator<Item = usize>>) -> Result<Self> {
        let mut groups = Self { rows: Vec::new(), ends: Vec::new() };
        for rows in members {
            for row in rows {
                groups.rows.push(index(row)?);
            }
            groups.ends.push(index(groups.rows.len())?);
        }
        Ok(groups)
    }

    /// The rows of one group.
    pub(super) fn get(&self, group: usize) -> &[u32] {
        let start = group.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.rows[start as usize..self.ends[group] as usize]
    }

    /// Puts rows with the same value of a column together, in order of first appearance; a null stands alone. Of each
    /// group the `most` best are kept.
    pub(super) fn by(column: &ArrayRef, name: &str, most: usize, ranking: &Ranking<'_>) -> Result<Self> {
        let members = members(column, name)?;
        let mut groups = Self { rows: Vec::new(), ends: Vec::with_capacity(members.len()) };
        for rows in members {
            groups.rows.extend(ranking.choose(rows, most));
            groups.ends.push(index(groups.rows.len())?);
        }
        Ok(groups)
    }

    /// One row for each group: the columns of its best view, how many are sent, and which.
    pub(super) fn table(&self, table: &RecordBatch, shown: &dyn Fn(usize) -> Option<String>) -> Result<RecordBatch> {
        let best: UInt32Array = (0..self.len()).map(|group| self.get(group).first().copied()).collect();
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (field, column) in table.schema_ref().fields().iter().zip(table.columns()) {
            let name = free_name(field.name(), &fields, table.schema_ref());
            fields.push(field.as_ref().clone().with_name(name));
            columns.push(arrow_select::take::take(column, &best, None).map_err(|cause| unusable(&cause))?);
        }
        let mut counts = Vec::with_capacity(self.len());
        let mut uris = ListBuilder::new(StringBuilder::new());
        for group in 0..self.len() {
            let sent: Vec<String> = self.get(group).iter().filter_map(|row| shown(*row as usize)).collect();
            counts.push(i64::try_from(sent.len()).unwrap_or(i64::MAX));
            uris.append_value(sent.into_iter().map(Some));
        }
        let uris: ArrayRef = Arc::new(uris.finish());
        fields.push(Field::new(VIEW_COLUMNS[0], arrow_schema::DataType::Int64, false));
        fields.push(Field::new(VIEW_COLUMNS[1], uris.data_type().clone(), false));
        columns.extend([Arc::new(Int64Array::from(counts)) as ArrayRef, uris]);
        let schema = Schema::new_with_metadata(fields, table.schema_ref().metadata().clone());
        RecordBatch::try_new(Arc::new(schema), columns).map_err(|cause| unusable(&cause))
    }
}

impl Ranking<'_> {
    /// The rows to send: the best, then the best of those seen from another side, then the best of the rest. A row of
    /// which nothing can be sent comes only where there is no other.
    fn choose(&self, mut rows: Vec<u32>, most: usize) -> Vec<u32> {
        rows.sort_by(|one, other| self.compare(*one as usize, *other as usize));
        let usable = rows.iter().filter(|row| (self.is_usable)(**row as usize)).count();
        if usable == 0 {
            rows.truncate(1);
            return rows;
        }
        rows.truncate(usable);
        let mut chosen: Vec<u32> = Vec::with_capacity(most.min(rows.len()));
        let mut rest = Vec::new();
        for row in rows {
            if chosen.len() < most && (chosen.is_empty() || self.shows_another_side(row, &chosen)) {
                chosen.push(row);
            } else {
                rest.push(row);
            }
        }
        chosen.extend(rest.into_iter().take(most.saturating_sub(chosen.len())));
        chosen
    }

    /// The better row first: something to send, the larger box, the newer image, the earlier row.
    fn compare(&self, one: usize, other: usize) -> Ordering {
        let usable = (self.is_usable)(other).cmp(&(self.is_usable)(one));
        let area = self.area(other).total_cmp(&self.area(one));
        let time = self.circumstances.time(other).cmp(&self.circumstances.time(one));
        usable.then(area).then(time).then(one.cmp(&other))
    }

    fn area(&self, row: usize) -> f64 {
        let sound = self.boxes.and_then(|boxes| boxes.get(row)).filter(|bounds| bounds.is_sound());
        sound.map_or(0.0, |bounds| bounds.area())
    }

    fn shows_another_side(&self, row: u32, chosen: &[u32]) -> bool {
        let heading = |row: u32| self.circumstances.heading(row as usize);
        let Some(own) = heading(row) else {
            return false;
        };
        chosen.iter().filter_map(|row| heading(*row)).all(|other| {
            let turned = (own - other).abs();
            turned.min(360.0 - turned) >= DISTINCT_DEGREES
        })
    }
}

/// The rows of each group in input order.
fn members(column: &ArrayRef, name: &str) -> Result<Vec<Vec<u32>>> {
    if column.data_type().is_nested() {
        let found = column.data_type();
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("cannot group by the column `{name}`, which holds {found}"),
        )
        .with_hint("name a column of texts or numbers, such as `asset_id`"));
    }
    let options = FormatOptions::default();
    let texts = ArrayFormatter::try_new(column.as_ref(), &options).map_err(|cause| unusable(&cause))?;
    let nulls = column.logical_nulls();
    let mut known: HashMap<Box<str>, usize> = HashMap::new();
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut key = String::new();
    for row in 0..column.len() {
        let number = index(row)?;
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            groups.push(vec![number]);
            continue;
        }
        key.clear();
        write!(key, "{}", texts.value(row)).map_err(|cause| unusable(&ArrowError::CastError(cause.to_string())))?;
        if let Some(group) = known.get(key.as_str()) {
            groups[*group].push(number);
        } else {
            known.insert(key.as_str().into(), groups.len());
            groups.push(vec![number]);
        }
    }
    Ok(groups)
}

fn index(row: usize) -> Result<u32> {
    u32::try_from(row).map_err(|cause| {
        Error::new(ErrorKind::InvalidInput, "the input has more rows than can be grouped").with_source(cause)
    })
}

/// An input column that has the name of a column of views is kept as `input_<name>`.
fn free_name(name: &str, used: &[Field], input: &Schema) -> String {
    let mut free = name.to_owned();
    let is_taken = |free: &str| VIEW_COLUMNS.contains(&free) || used.iter().any(|field| field.name() == free);
    while is_taken(&free) || (free != name && input.index_of(&free).is_ok()) {
        free = format!("input_{free}");
    }
    free
}

fn unusable(cause: &ArrowError) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("the input table cannot be grouped: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Float64Array, StringArray, StructArray, TimestampMicrosecondArray};

    /// A row: its asset, the side of its box, its day, its heading.
    type Observation = (Option<&'static str>, Option<f64>, Option<i64>, Option<f64>);

    fn structure(members: Vec<(&str, ArrayRef)>) -> ArrayRef {
        Arc::new(StructArray::try_from(members).unwrap())
    }

    fn table(rows: &[Observation]) -> RecordBatch {
        let zeros: ArrayRef = Arc::new(Float64Array::from(vec![0.0; rows.len()]));
        let sides: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<Float64Array>());
        let corner = |values: &ArrayRef| structure(vec![("x", Arc::clone(values)), ("y", Arc::clone(values))]);
        let headings: ArrayRef = Arc::new(rows.iter().map(|row| row.3).collect::<Float64Array>());
        let times: TimestampMicrosecondArray = rows.iter().map(|row| row.2).collect();
        let columns: [(&str, ArrayRef); 4] = [
            ("asset_id", Arc::new(rows.iter().map(|row| row.0).collect::<StringArray>())),
            ("bbox", structure(vec![("lo", corner(&zeros)), ("hi", corner(&sides))])),
            ("capture_time", Arc::new(times)),
            ("camera_pose", structure(vec![("heading", headings)])),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, values)| (name, values, true))).unwrap()
    }

    fn grouped(rows: &[Observation], most: usize) -> Groups {
        let table = table(rows);
        let boxes = Boxes::of(table.column(1)).unwrap();
        let circumstances = Circumstances::of(&table);
        let ranking = Ranking { boxes: Some(&boxes), circumstances: &circumstances, is_usable: &|_| true };
        Groups::by(table.column(0), "asset_id", most, &ranking).unwrap()
    }

    fn chosen(rows: &[Observation], most: usize) -> Vec<Vec<u32>> {
        let groups = grouped(rows, most);
        (0..groups.len()).map(|group| groups.get(group).to_vec()).collect()
    }

    #[test]
    fn groups_come_in_order_of_first_appearance_and_nulls_stay_alone() {
        let rows =
            ["b", "", "a", "b", "", "a"].map(|name| (Some(name).filter(|name| !name.is_empty()), None, None, None));
        assert_eq!(chosen(&rows, 4), [vec![0, 3], vec![1], vec![2, 5], vec![4]]);
    }

    #[test]
    fn the_largest_box_goes_first_and_among_equals_the_newest() {
        let rows = [
            (Some("a"), Some(10.0), Some(1), None),
            (Some("a"), Some(30.0), Some(1), None),
            (Some("a"), Some(30.0), Some(2), None),
            (Some("a"), None, Some(9), None),
        ];
        assert_eq!(chosen(&rows, 4), [vec![2, 1, 0, 3]]);
        assert_eq!(chosen(&rows, 2), [vec![2, 1]]);
    }

    #[test]
    fn views_from_other_sides_are_preferred_to_larger_ones_from_the_same() {
        let rows = [
            (Some("a"), Some(50.0), None, Some(350.0)),
            (Some("a"), Some(40.0), None, Some(5.0)),
            (Some("a"), Some(30.0), None, Some(90.0)),
            (Some("a"), Some(20.0), None, Some(119.0)),
            (Some("a"), Some(10.0), None, Some(380.0)),
        ];
        // 350 and 5 are 15 degrees apart, 380 is 30 from 350.
        assert_eq!(chosen(&rows, 3), [vec![0, 2, 4]]);
        assert_eq!(chosen(&rows, 4), [vec![0, 2, 4, 1]]);
    }

    #[test]
    fn without_headings_the_best_are_taken_in_order() {
        let rows = [1.0, 3.0, 2.0].map(|side| (Some("a"), Some(side), None, None));
        assert_eq!(chosen(&rows, 2), [vec![1, 2]]);
    }

    #[test]
    fn a_row_of_which_nothing_can_be_sent_stands_back_for_the_others() {
        let rows = [3.0, 2.0, 1.0].map(|side| (Some("a"), Some(side), None, None));
        let table = table(&rows);
        let circumstances = Circumstances::default();
        let by = |is_usable: &dyn Fn(usize) -> bool| {
            let ranking = Ranking { boxes: None, circumstances: &circumstances, is_usable };
            Groups::by(table.column(0), "asset_id", 3, &ranking).unwrap().get(0).to_vec()
        };
        assert_eq!(by(&|row| row > 0), [1, 2]);
        assert_eq!(by(&|_| false), [0]);
    }

    #[test]
    fn a_group_carries_the_columns_of_its_best_view() {
        let rows =
            [(Some("a"), Some(1.0), Some(1), None), (None, None, None, None), (Some("a"), Some(9.0), Some(2), None)];
        let shown = |row: usize| (row != 1).then(|| format!("gs://b/{row}.jpg"));
        let results = grouped(&rows, 4).table(&table(&rows), &shown).unwrap();
        let times = results.column_by_name("capture_time").unwrap();
        assert_eq!(times.as_ref(), &TimestampMicrosecondArray::from(vec![Some(2), None]) as &dyn Array);
        let views = results.column_by_name("views").unwrap();
        assert_eq!(views.as_ref(), &Int64Array::from(vec![2, 0]) as &dyn Array);
        let uris = ArrayFormatter::try_new(results.column_by_name("view_uris").unwrap(), &FormatOptions::default());
        let uris = uris.map(|uris| (uris.value(0).to_string(), uris.value(1).to_string())).unwrap();
        assert_eq!(uris, ("[gs://b/2.jpg, gs://b/0.jpg]".to_owned(), "[]".to_owned()));
    }

    #[test]
    fn grouped_results_can_be_grouped_again() {
        let rows = [(Some("a"), None, None, None)];
        let shown = |_: usize| Some("gs://b/o.jpg".to_owned());
        let groups = grouped(&rows, 4);
        let once = groups.table(&table(&rows), &shown).unwrap();
        let twice = groups.table(&once, &shown).unwrap();
        assert!(twice.column_by_name("input_views").is_some() && twice.column_by_name("input_view_uris").is_some());
    }

    #[test]
    fn a_column_of_structures_is_no_key() {
        let table = table(&[(Some("a"), None, None, None)]);
        let circumstances = Circumstances::default();
        let ranking = Ranking { boxes: None, circumstances: &circumstances, is_usable: &|_| true };
        let error = Groups::by(table.column(1), "bbox", 4, &ranking).unwrap_err();
        assert!(error.message().contains("cannot group by the column `bbox`"), "{error}");
    }
}
