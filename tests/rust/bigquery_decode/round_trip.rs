//! Any schema and any rows, written as BigQuery writes them, come back as they were; any bytes come back as an error.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int64Type, IntervalMonthDayNanoType,
    Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_buffer::{IntervalMonthDayNano, i256};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use streetlens_core::bigquery::decode;
use streetlens_core::error::ErrorKind;

use crate::tables::{Cell, Kind, body, escaped};

const SCALARS: [&str; 14] = [
    "INTEGER",
    "FLOAT",
    "NUMERIC",
    "BIGNUMERIC",
    "BOOLEAN",
    "STRING",
    "BYTES",
    "DATE",
    "TIME",
    "DATETIME",
    "TIMESTAMP",
    "GEOGRAPHY",
    "JSON",
    "INTERVAL",
];

fn kinds() -> impl Strategy<Value = Kind> {
    let leaf = prop_oneof![
        8 => proptest::sample::select(&SCALARS[..]).prop_map(Kind::Scalar),
        1 => proptest::sample::select(&["DATE", "DATETIME", "TIMESTAMP"][..]).prop_map(Kind::Range),
    ];
    let single = leaf.prop_recursive(3, 12, 3, |inner| vec(repeatable(inner), 1..4).prop_map(Kind::Record));
    repeatable(single)
}

fn repeatable(kind: impl Strategy<Value = Kind>) -> impl Strategy<Value = Kind> {
    (kind, prop::bool::weighted(0.25)).prop_map(|(kind, is_repeated)| match kind {
        // An array of arrays does not exist.
        kind @ Kind::Repeated(_) => kind,
        kind if is_repeated => Kind::Repeated(Box::new(kind)),
        kind => kind,
    })
}

fn cells(kind: &Kind) -> BoxedStrategy<Cell> {
    match kind {
        Kind::Scalar(name) => nullable(scalars(name)),
        Kind::Range(element) => {
            let bound = || nullable(scalars(element));
            nullable((bound(), bound()).prop_map(|(start, end)| Cell::Items(vec![start, end])).boxed())
        }
        Kind::Record(kinds) => nullable(kinds.iter().map(cells).collect::<Vec<_>>().prop_map(Cell::Items).boxed()),
        Kind::Repeated(kind) => vec(cells(kind), 0..4).prop_map(Cell::Items).boxed(),
    }
}

fn nullable(cell: BoxedStrategy<Cell>) -> BoxedStrategy<Cell> {
    option::weighted(0.8, cell).prop_map(|cell| cell.unwrap_or(Cell::Null)).boxed()
}

fn scalars(name: &str) -> BoxedStrategy<Cell> {
    let instants = -62_135_596_800_000_000..=253_402_300_799_999_999_i64;
    match name {
        "INTEGER" => any::<i64>().prop_map(Cell::Int).boxed(),
        "FLOAT" => any::<f64>().prop_map(|value| Cell::Float(canonical(value))).boxed(),
        "NUMERIC" => (-(10_i128.pow(38) - 1)..10_i128.pow(38)).prop_map(Cell::Numeric).boxed(),
        "BIGNUMERIC" => any::<[u8; 32]>().prop_map(|bytes| Cell::BigNumeric(i256::from_le_bytes(bytes))).boxed(),
        "BOOLEAN" => any::<bool>().prop_map(Cell::Bool).boxed(),
        "BYTES" => vec(any::<u8>(), 0..20).prop_map(Cell::Bytes).boxed(),
        "DATE" => (-719_162..=2_932_896_i32).prop_map(Cell::Days).boxed(),
        "TIME" => (0..86_400_000_000_i64).prop_map(Cell::Micros).boxed(),
        "DATETIME" | "TIMESTAMP" => instants.prop_map(Cell::Micros).boxed(),
        "INTERVAL" => (-120_000..=120_000, -3_660_000..=3_660_000, any::<i64>())
            .prop_map(|(months, days, nanoseconds)| Cell::Interval(months, days, nanoseconds))
            .boxed(),
        _ => any::<String>().prop_map(Cell::Text).boxed(),
    }
}

fn canonical(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

fn read(kind: &Kind, array: &dyn Array, index: usize) -> Cell {
    if array.is_null(index) {
        return Cell::Null;
    }
    match kind {
        Kind::Repeated(kind) => {
            let items = array.as_list::<i32>().value(index);
            Cell::Items((0..items.len()).map(|item| read(kind, &items, item)).collect())
        }
        Kind::Record(kinds) => {
            let columns = array.as_struct().columns();
            Cell::Items(kinds.iter().zip(columns).map(|(kind, column)| read(kind, column, index)).collect())
        }
        Kind::Range(element) => {
            let bounds = array.as_struct().columns();
            Cell::Items(bounds.iter().map(|bound| read(&Kind::Scalar(element), bound, index)).collect())
        }
        Kind::Scalar(name) => match *name {
            "INTEGER" => Cell::Int(array.as_primitive::<Int64Type>().value(index)),
            "FLOAT" => Cell::Float(canonical(array.as_primitive::<Float64Type>().value(index))),
            "NUMERIC" => Cell::Numeric(array.as_primitive::<Decimal128Type>().value(index)),
            "BIGNUMERIC" => Cell::BigNumeric(array.as_primitive::<Decimal256Type>().value(index)),
            "BOOLEAN" => Cell::Bool(array.as_boolean().value(index)),
            "BYTES" => Cell::Bytes(array.as_binary::<i32>().value(index).to_vec()),
            "DATE" => Cell::Days(array.as_primitive::<Date32Type>().value(index)),
            "TIME" => Cell::Micros(array.as_primitive::<Time64MicrosecondType>().value(index)),
            "DATETIME" | "TIMESTAMP" => Cell::Micros(array.as_primitive::<TimestampMicrosecondType>().value(index)),
            "INTERVAL" => {
                let IntervalMonthDayNano { months, days, nanoseconds } =
                    array.as_primitive::<IntervalMonthDayNanoType>().value(index);
                Cell::Interval(months, days, nanoseconds)
            }
            _ => Cell::Text(array.as_string::<i32>().value(index).to_owned()),
        },
    }
}

fn read_rows(kinds: &[Kind], batch: Option<&RecordBatch>) -> Vec<Vec<Cell>> {
    let Some(batch) = batch else { return Vec::new() };
    let columns = batch.columns();
    let row = |index| kinds.iter().zip(columns).map(|(kind, column)| read(kind, column, index)).collect();
    (0..batch.num_rows()).map(row).collect()
}

fn tables() -> impl Strategy<Value = (Vec<Kind>, Vec<Vec<Cell>>)> {
    vec(kinds(), 1..5).prop_flat_map(|kinds| {
        let row: Vec<_> = kinds.iter().map(cells).collect();
        (Just(kinds), vec(row, 0..6))
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read((kinds, rows) in tables(), is_schema_first: bool, is_pretty: bool, is_escaped: bool) {
        let body = body(&kinds, &rows, is_schema_first);
        let text = if is_pretty { format!("{body:#}") } else { body.to_string() };
        let text = if is_escaped { escaped(&text) } else { text };
        let page = decode::page(text.as_bytes(), None).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(read_rows(&kinds, page.batch.as_ref()), rows);
    }

    #[test]
    fn bytes_that_mean_nothing_are_an_error_and_no_panic(bytes in vec(any::<u8>(), 0..200)) {
        match decode::page(&bytes, None) {
            Ok(page) => prop_assert!(page.batch.is_none()),
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::MalformedResponse),
        }
    }

    #[test]
    fn a_damaged_page_never_panics(
        (kinds, rows) in tables(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut bytes = body(&kinds, &rows, true).to_string().into_bytes();
        for (at, byte, how) in damage {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        if let Ok(page) = decode::page(&bytes, None) {
            let most = page.batch.map_or(0, |batch| batch.num_rows());
            prop_assert!(most <= rows.len());
        }
    }

    #[test]
    fn cells_of_any_json_are_read_or_refused_by_name(kinds in vec(kinds(), 1..4), values in vec(json_values(), 1..4)) {
        let cells: Vec<Value> = kinds.iter().zip(values.iter().cycle()).map(|(_, value)| json!({"v": value})).collect();
        let mut body = body(&kinds, &[], true);
        body["rows"] = json!([{"f": cells}]);
        match decode::page(body.to_string().as_bytes(), None) {
            Ok(page) => prop_assert_eq!(page.batch.map(|batch| batch.num_rows()), Some(1)),
            Err(error) => prop_assert!(error.message().contains("row 1 of the page"), "{}", error),
        }
    }
}

fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[-+0-9.eE:TZ \\[,)]{0,30}".prop_map(Value::from),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,12})?(Z|[+-][0-9]{2}:?[0-9]{0,2})?)?"
            .prop_map(Value::from),
        "-?[0-9]{1,7}-[0-9]{1,2} -?[0-9]{1,7} -?[0-9]{1,12}:[0-9]{1,3}:[0-9]{1,3}(\\.[0-9]{0,12})?"
            .prop_map(Value::from),
        "-?[0-9]{0,90}\\.?[0-9]{0,90}([eE][-+]?[0-9]{1,12})?".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec(inner.clone(), 0..3).prop_map(|values| values.into_iter().map(|value| json!({"v": value})).collect()),
            vec(inner.clone(), 0..4).prop_map(|values| {
                json!({"f": values.into_iter().map(|value| json!({"v": value})).collect::<Vec<_>>()})
            }),
            inner.prop_map(|value| json!({"v": value})),
        ]
    })
}
