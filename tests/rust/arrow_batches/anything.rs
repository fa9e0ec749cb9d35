//! Batches of any columns that BigQuery has, made from a number.

use arrow_array::types::{Decimal128Type, Decimal256Type, IntervalMonthDayNano};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array, IntervalMonthDayNanoArray, ListArray,
    PrimitiveArray, RecordBatch, RecordBatchOptions, StringArray, StructArray, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, i256};
use arrow_schema::{DataType, Field, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit};
use std::collections::HashMap;
use std::sync::Arc;

/// A small generator of numbers, so that a failing case is told by its seed.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).expect("small")).expect("small")
    }
}

fn leaf(chance: &mut Chance) -> DataType {
    match chance.below(14) {
        0 => DataType::Boolean,
        1 => DataType::Int64,
        2 => DataType::Float64,
        3 => DataType::Decimal128(38, 9),
        4 => DataType::Decimal256(76, 38),
        5 => DataType::Binary,
        6 => DataType::Date32,
        7 => DataType::Time64(TimeUnit::Microsecond),
        8 => DataType::Timestamp(TimeUnit::Microsecond, None),
        9 => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        10 => DataType::Interval(IntervalUnit::MonthDayNano),
        _ => DataType::Utf8,
    }
}

fn data_type(chance: &mut Chance, depth: usize) -> DataType {
    match chance.below(8) {
        0 if depth < 4 => DataType::List(Arc::new(Field::new("element", data_type(chance, depth + 1), true))),
        1 if depth < 4 => DataType::Struct(fields(chance, depth + 1)),
        _ => leaf(chance),
    }
}

fn fields(chance: &mut Chance, depth: usize) -> Fields {
    let count = 1 + chance.below(4);
    let field = |number| {
        let field = Field::new(format!("f{number}"), data_type(chance, depth), true);
        match field.data_type() {
            DataType::Utf8 if chance.below(3) == 0 => field
                .with_metadata(HashMap::from([("ARROW:extension:name".to_owned(), "google:sqlType:json".to_owned())])),
            _ => field,
        }
    };
    (0..count).map(field).collect()
}

/// A batch of up to forty rows; the same seed gives the same batch.
pub(crate) fn batch(seed: u64) -> RecordBatch {
    let mut chance = Chance::new(seed);
    let schema: SchemaRef = Arc::new(Schema::new(fields(&mut chance, 0)));
    let rows = chance.below(40);
    rows_of(&schema, rows, &mut chance)
}

/// That many rows of these columns.
pub(crate) fn rows_of(schema: &SchemaRef, rows: usize, chance: &mut Chance) -> RecordBatch {
    let columns = schema.fields().iter().map(|field| array(field.data_type(), rows, chance)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).expect("columns of one length")
}

fn nulls(rows: usize, chance: &mut Chance) -> Option<NullBuffer> {
    let has_nulls = chance.below(2) == 0;
    has_nulls.then(|| (0..rows).map(|_| chance.below(4) != 0).collect())
}

fn text(chance: &mut Chance) -> String {
    const WORDS: [&str; 6] =
        ["", "a", "Straße", "🛣️ lane", "utility pole", "a longer text that compresses well well well"];
    WORDS[chance.below(WORDS.len())].repeat(1 + chance.below(3))
}

#[expect(clippy::cast_possible_wrap, clippy::cast_possible_truncation, reason = "any bits do")]
fn array(data_type: &DataType, rows: usize, chance: &mut Chance) -> ArrayRef {
    let nulls = nulls(rows, chance);
    let is_valid = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    macro_rules! values {
        ($kind:ty, $value:expr) => {
            Arc::new((0..rows).map(|row| is_valid(row).then(|| $value)).collect::<$kind>()) as ArrayRef
        };
    }
    match data_type {
        DataType::Boolean => values!(BooleanArray, chance.below(2) == 0),
        DataType::Int64 => values!(Int64Array, chance.next() as i64),
        DataType::Float64 => values!(Float64Array, f64::from(chance.next() as i32) / 64.0),
        DataType::Date32 => values!(Date32Array, chance.below(40_000) as i32),
        DataType::Time64(_) => values!(Time64MicrosecondArray, chance.below(86_400_000_000) as i64),
        DataType::Utf8 => values!(StringArray, text(chance)),
        DataType::Binary => values!(BinaryArray, text(chance).into_bytes()),
        DataType::Interval(_) => {
            values!(IntervalMonthDayNanoArray, IntervalMonthDayNano::new(chance.next() as i32, 5, chance.next() as i64))
        }
        DataType::Timestamp(_, zone) => {
            let array: TimestampMicrosecondArray =
                (0..rows).map(|row| is_valid(row).then(|| chance.below(1 << 50) as i64)).collect();
            Arc::new(array.with_timezone_opt(zone.clone()))
        }
        DataType::Decimal128(..) => {
            let array: PrimitiveArray<Decimal128Type> =
                (0..rows).map(|row| is_valid(row).then(|| i128::from(chance.next() as i64))).collect();
            Arc::new(array.with_data_type(data_type.clone()))
        }
        DataType::Decimal256(..) => {
            let array: PrimitiveArray<Decimal256Type> =
                (0..rows).map(|row| is_valid(row).then(|| i256::from_i128(i128::from(chance.next() as i64)))).collect();
            Arc::new(array.with_data_type(data_type.clone()))
        }
        DataType::List(item) => {
            let lengths: Vec<usize> = (0..rows).map(|row| if is_valid(row) { chance.below(4) } else { 0 }).collect();
            let values = array(item.data_type(), lengths.iter().sum(), chance);
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(ListArray::new(Arc::clone(item), offsets, values, nulls))
        }
        DataType::Struct(fields) => {
            let children = fields.iter().map(|field| array(field.data_type(), rows, chance)).collect();
            Arc::new(StructArray::new(fields.clone(), children, nulls))
        }
        other => panic!("no values of {other}"),
    }
}
