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
mod tests {}
