//! The columns of an input table that say something about its images: the object's box, when and in which direction it
//! was taken.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::{DataType, TimeUnit};

use super::picture::PixelBox;
use crate::error::{Error, ErrorKind, Result};

/// The box of the object in each row.
#[derive(Debug, Clone)]
pub(super) struct Boxes {
    left: Float64Array,
    top: Float64Array,
    right: Float64Array,
    bottom: Float64Array,
}

/// When and in which direction each row's image was taken, where the table says so.
#[derive(Debug, Clone, Default)]
pub(super) struct Circumstances {
    times: Option<TimestampMicrosecondArray>,
    headings: Option<Float64Array>,
}

impl Boxes {
    /// The boxes of a column; an error when it holds none.
    pub(super) fn read(table: &RecordBatch, column: &str) -> Result<Self> {
        let Some(values) = table.column_by_name(column) else {
            return Err(Error::new(ErrorKind::InvalidInput, format!("the input has no column `{column}` to crop by"))
                .with_hint("select it too: a STRUCT of `lo` and `hi`, each with `x` and `y` in pixels"));
        };
        Self::of(values).ok_or_else(|| {
            let found = values.data_type();
            Error::new(ErrorKind::InvalidInput, format!("the column `{column}` holds {found}, not boxes"))
                .with_hint("a box is a STRUCT of `lo` and `hi`, each with `x` and `y` in pixels")
        })
    }

    /// The boxes of a column that holds some.
    pub(super) fn of(values: &ArrayRef) -> Option<Self> {
        let corner = |corner: &str, axis: &str| numbers(&member(&member(values, corner)?, axis)?);
        Some(Self {
            left: corner("lo", "x")?,
            top: corner("lo", "y")?,
            right: corner("hi", "x")?,
            bottom: corner("hi", "y")?,
        })
    }

    /// A row's box as it is written; `None` where there is none.
    pub(super) fn get(&self, row: usize) -> Option<PixelBox> {
        Some(PixelBox {
            left: value(&self.left, row)?,
            top: value(&self.top, row)?,
            right: value(&self.right, row)?,
            bottom: value(&self.bottom, row)?,
        })
    }
}

impl Circumstances {
    /// What `capture_time` and `camera_pose.heading` (or `heading`) say.
    pub(super) fn of(table: &RecordBatch) -> Self {
        let pose = table.column_by_name("camera_pose").and_then(|pose| member(pose, "heading"));
        let heading = pose.or_else(|| table.column_by_name("heading").cloned());
        Self {
            times: table.column_by_name("capture_time").and_then(moments),
            headings: heading.and_then(|heading| numbers(&heading)),
        }
    }

    /// Microseconds since 1970, UTC.
    pub(super) fn time(&self, row: usize) -> Option<i64> {
        self.times.as_ref().filter(|times| times.is_valid(row)).map(|times| times.value(row))
    }

    /// Degrees, 0 to 360.
    pub(super) fn heading(&self, row: usize) -> Option<f64> {
        value(self.headings.as_ref()?, row)
            .filter(|heading| heading.is_finite())
            .map(|heading| heading.rem_euclid(360.0))
    }

    /// The day in UTC.
    pub(super) fn day(&self, row: usize) -> Option<String> {
        let moment = chrono::DateTime::from_timestamp_micros(self.time(row)?)?;
        Some(moment.format("%Y-%m-%d").to_string())
    }
}

/// A member of a STRUCT column, null where the struct is.
fn member(values: &ArrayRef, name: &str) -> Option<ArrayRef> {
    let parts = values.as_struct_opt()?;
    let inner = parts.column_by_name(name)?;
    let Some(nulls) = parts.nulls() else {
        return Some(inner.clone());
    };
    let nulls = arrow_buffer::NullBuffer::union(Some(nulls), inner.logical_nulls().as_ref());
    let data = inner.to_data().into_builder().nulls(nulls).build().ok()?;
    Some(arrow_array::make_array(data))
}

fn numbers(values: &ArrayRef) -> Option<Float64Array> {
    let is_number = values.data_type().is_numeric()
        || matches!(values.data_type(), DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8);
    let cast = is_number.then(|| arrow_cast::cast(values, &DataType::Float64).ok())??;
    Some(cast.as_primitive::<Float64Type>().clone())
}

fn moments(values: &ArrayRef) -> Option<TimestampMicrosecondArray> {
    let is_moment = matches!(
        values.data_type(),
        DataType::Timestamp(..)
            | DataType::Date32
            | DataType::Date64
            | DataType::Utf8
            | DataType::Utf8View
            | DataType::LargeUtf8
    );
    let wanted = DataType::Timestamp(TimeUnit::Microsecond, None);
    let cast = is_moment.then(|| arrow_cast::cast(values, &wanted).ok())??;
    Some(cast.as_primitive::<TimestampMicrosecondType>().clone())
}

fn value(values: &Float64Array, row: usize) -> Option<f64> {
    values.is_valid(row).then(|| values.value(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Decimal128Array, Int64Array, StringArray, StructArray};
    use arrow_buffer::NullBuffer;
    use arrow_schema::{Field, Fields, Schema};
    use std::sync::Arc;

    fn structure(members: Vec<(&str, ArrayRef)>, nulls: Option<Vec<bool>>) -> ArrayRef {
        let fields: Fields =
            members.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true)).collect();
        let values = members.into_iter().map(|(_, values)| values).collect();
        Arc::new(StructArray::new(fields, values, nulls.map(NullBuffer::from)))
    }

    fn boxes(low: ArrayRef, high: ArrayRef, nulls: Option<Vec<bool>>) -> ArrayRef {
        let corner = |values: ArrayRef| structure(vec![("x", Arc::clone(&values)), ("y", values)], None);
        structure(vec![("lo", corner(low)), ("hi", corner(high))], nulls)
    }

    fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, values)| (name, values, true)))
            .unwrap()
    }

    #[test]
    fn a_box_is_read_from_integers_decimals_and_texts() {
        let wanted = Some(PixelBox { left: 10.0, top: 10.0, right: 25.0, bottom: 25.0 });
        let integers = |value: i64| Arc::new(Int64Array::from(vec![value])) as ArrayRef;
        assert_eq!(Boxes::of(&boxes(integers(10), integers(25), None)).unwrap().get(0), wanted);
        let decimal = |value: i128| {
            let value = Decimal128Array::from(vec![value * 1_000_000_000]);
            Arc::new(value.with_precision_and_scale(38, 9).unwrap()) as ArrayRef
        };
        assert_eq!(Boxes::of(&boxes(decimal(10), decimal(25), None)).unwrap().get(0), wanted);
        let text = |value: &str| Arc::new(StringArray::from(vec![value])) as ArrayRef;
        assert_eq!(Boxes::of(&boxes(text("10"), text("25.0"), None)).unwrap().get(0), wanted);
    }

    #[test]
    fn a_null_box_is_none_whatever_lies_beneath_it() {
        let numbers = |value: i64| Arc::new(Int64Array::from(vec![value, value])) as ArrayRef;
        let read = Boxes::of(&boxes(numbers(1), numbers(2), Some(vec![false, true]))).unwrap();
        assert!(read.get(0).is_none() && read.get(1).is_some());
    }

    #[test]
    fn a_column_of_something_else_is_refused_by_what_it_holds() {
        let table = table(vec![("bbox", Arc::new(Int64Array::from(vec![1])))]);
        assert!(Boxes::read(&table, "bbox").unwrap_err().message().contains("holds Int64, not boxes"));
        assert!(Boxes::read(&table, "box").unwrap_err().message().contains("no column `box`"));
    }

    #[test]
    fn time_and_heading_are_read_where_the_table_has_them() {
        let pose = structure(vec![("heading", Arc::new(Float64Array::from(vec![-30.0])))], None);
        let time = Arc::new(StringArray::from(vec!["2023-05-01T10:00:00Z"]));
        let read = Circumstances::of(&table(vec![("camera_pose", pose), ("capture_time", time)]));
        assert_eq!(read.day(0).as_deref(), Some("2023-05-01"));
        assert_eq!(read.heading(0), Some(330.0));
        let nothing = Circumstances::of(&RecordBatch::new_empty(Arc::new(Schema::empty())));
        assert_eq!((nothing.time(0), nothing.heading(0)), (None, None));
    }
}
