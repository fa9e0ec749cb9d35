//! Tables apart from any encoding, and BigQuery's encoding of them, written by other means than the decoder reads.

use arrow_buffer::i256;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta};
use serde_json::{Value, json};

/// Types as a test makes them up; the text is the scalar's name in a schema.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Scalar(&'static str),
    Range(&'static str),
    Record(Vec<Kind>),
    Repeated(Box<Kind>),
}

/// A value apart from any encoding.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    /// By its bits, so that NaN equals itself.
    Float(u64),
    Text(String),
    Bytes(Vec<u8>),
    Days(i32),
    Micros(i64),
    Numeric(i128),
    BigNumeric(i256),
    Interval(i32, i32, i64),
    Items(Vec<Cell>),
}

pub(crate) fn body(kinds: &[Kind], rows: &[Vec<Cell>], is_schema_first: bool) -> Value {
    let fields: Vec<Value> = kinds.iter().enumerate().map(|(index, kind)| field(kind, index)).collect();
    let rows: Vec<Value> = rows.iter().map(|cells| row(kinds, cells)).collect();
    if is_schema_first {
        json!({"schema": {"fields": fields}, "rows": rows})
    } else {
        json!({"rows": rows, "schema": {"fields": fields}})
    }
}

fn field(kind: &Kind, index: usize) -> Value {
    let name = format!("c{index}");
    match kind {
        Kind::Scalar(scalar) => json!({"name": name, "type": scalar, "mode": "NULLABLE"}),
        Kind::Range(element) => json!({"name": name, "type": "RANGE", "rangeElementType": {"type": element}}),
        Kind::Record(kinds) => {
            let fields: Vec<Value> = kinds.iter().enumerate().map(|(index, kind)| field(kind, index)).collect();
            json!({"name": name, "type": "RECORD", "mode": "REQUIRED", "fields": fields})
        }
        Kind::Repeated(kind) => {
            let mut field = field(kind, index);
            field["mode"] = "REPEATED".into();
            field
        }
    }
}

fn row(kinds: &[Kind], cells: &[Cell]) -> Value {
    let cells: Vec<Value> = kinds.iter().zip(cells).map(|(kind, cell)| json!({"v": written(kind, cell)})).collect();
    json!({ "f": cells })
}

fn written(kind: &Kind, cell: &Cell) -> Value {
    match (kind, cell) {
        (_, Cell::Null) => Value::Null,
        (Kind::Repeated(kind), Cell::Items(items)) => {
            items.iter().map(|item| json!({"v": written(kind, item)})).collect()
        }
        (Kind::Record(kinds), Cell::Items(items)) => row(kinds, items),
        (Kind::Range(element), Cell::Items(bounds)) => {
            let bound = |index: usize| match &bounds[index] {
                Cell::Null => "UNBOUNDED".to_owned(),
                bound => text(element, bound),
            };
            format!("[{}, {})", bound(0), bound(1)).into()
        }
        (Kind::Scalar("BOOLEAN"), Cell::Bool(value)) => (*value).into(),
        (Kind::Scalar(name), cell) => text(name, cell).into(),
        (kind, cell) => panic!("{cell:?} is no {kind:?}"),
    }
}

fn text(name: &str, cell: &Cell) -> String {
    let epoch = DateTime::UNIX_EPOCH.naive_utc();
    match (name, cell) {
        ("TIME", Cell::Micros(micros)) => {
            let time = NaiveTime::MIN + TimeDelta::microseconds(*micros);
            time.format("%H:%M:%S%.f").to_string()
        }
        ("DATETIME", Cell::Micros(micros)) => {
            (epoch + TimeDelta::microseconds(*micros)).format("%Y-%m-%dT%H:%M:%S%.f").to_string()
        }
        // The three forms in turn, as one server or another sends them.
        ("TIMESTAMP", Cell::Micros(micros)) => match micros.rem_euclid(3) {
            0 => micros.to_string(),
            1 => (epoch + TimeDelta::microseconds(*micros)).format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
            _ => scaled(&micros.to_string(), 1) + "E-5",
        },
        (_, Cell::Float(bits)) => match f64::from_bits(*bits) {
            value if value.is_nan() => "NaN".into(),
            value if value.is_infinite() => if value > 0.0 { "Infinity" } else { "-Infinity" }.into(),
            value => format!("{value:?}"),
        },
        (_, Cell::Numeric(value)) => scaled(&value.to_string(), 9),
        (_, Cell::BigNumeric(value)) => scaled(&value.to_string(), 38),
        (_, Cell::Int(value)) => value.to_string(),
        (_, Cell::Text(text)) => text.clone(),
        (_, Cell::Bytes(bytes)) => BASE64_STANDARD.encode(bytes),
        (_, Cell::Days(days)) => {
            let day = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date") + TimeDelta::days(i64::from(*days));
            day.format("%Y-%m-%d").to_string()
        }
        (_, Cell::Interval(months, days, nanoseconds)) => {
            let sign = |is_negative| if is_negative { "-" } else { "" };
            let (month, time) = (months.unsigned_abs(), nanoseconds.unsigned_abs());
            let (seconds, fraction) = (time / 1_000_000_000, time % 1_000_000_000);
            format!(
                "{}{}-{} {days} {}{}:{}:{}.{fraction:09}",
                sign(*months < 0),
                month / 12,
                month % 12,
                sign(*nanoseconds < 0),
                seconds / 3600,
                seconds / 60 % 60,
                seconds % 60
            )
        }
        (name, cell) => panic!("{cell:?} is no {name}"),
    }
}

/// Puts the point before the last digits of an integer.
fn scaled(digits: &str, scale: usize) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// The same JSON with every character beyond ASCII escaped.
pub(crate) fn escaped(json: &str) -> String {
    let mut text = String::new();
    for character in json.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            text.extend(character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text
}
