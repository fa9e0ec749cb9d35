//! Arrow builders of one type each, and the forms in which JSON may bring their values.

use arrow_array::ArrayRef;
use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Decimal256Builder, Float64Builder,
    Int64Builder, IntervalMonthDayNanoBuilder, StringBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
};
use arrow_schema::{ArrowError, DataType};
use std::sync::Arc;

use super::super::schema::Kind;
use super::columns::{ListBuilder, RangeBuilder, RecordBuilder};
use super::{calendar, decimal, interval, scalars};

/// Values of one type. Appending says whether the value fitted; a value that did not leaves the page undecodable.
pub(super) enum Values {
    Int64(Int64Builder),
    Float64(Float64Builder),
    Numeric(Decimal128Builder),
    BigNumeric(Decimal256Builder),
    Boolean(BooleanBuilder),
    Text(StringBuilder),
    Bytes(BinaryBuilder, Vec<u8>),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    DateTime(TimestampMicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Interval(IntervalMonthDayNanoBuilder),
    Range(Box<RangeBuilder>),
    Record(RecordBuilder),
    List(ListBuilder),
}

/// Evaluates an expression with whichever builder there is.
macro_rules! with_builder {
    ($values:expr, $builder:ident => $result:expr) => {
        match $values {
            Values::Int64($builder) => $result,
            Values::Float64($builder) => $result,
            Values::Numeric($builder) => $result,
            Values::BigNumeric($builder) => $result,
            Values::Boolean($builder) => $result,
            Values::Text($builder) => $result,
            Values::Bytes($builder, _) => $result,
            Values::Date($builder) => $result,
            Values::Time($builder) => $result,
            Values::DateTime($builder) | Values::Timestamp($builder) => $result,
            Values::Interval($builder) => $result,
            Values::Range($builder) => $result,
            Values::Record($builder) => $result,
            Values::List($builder) => $result,
        }
    };
}

impl Values {
    pub(super) fn new(kind: &Kind) -> Self {
        match kind {
            Kind::Int64 => Self::Int64(Int64Builder::new()),
            Kind::Float64 => Self::Float64(Float64Builder::new()),
            Kind::Numeric => Self::Numeric(Decimal128Builder::new()),
            Kind::BigNumeric => Self::BigNumeric(Decimal256Builder::new()),
            Kind::Boolean => Self::Boolean(BooleanBuilder::new()),
            Kind::String | Kind::Geography | Kind::Json => Self::Text(StringBuilder::new()),
            Kind::Bytes => Self::Bytes(BinaryBuilder::new(), Vec::new()),
            Kind::Date => Self::Date(Date32Builder::new()),
            Kind::Time => Self::Time(Time64MicrosecondBuilder::new()),
            Kind::DateTime => Self::DateTime(TimestampMicrosecondBuilder::new()),
            Kind::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new()),
            Kind::Interval => Self::Interval(IntervalMonthDayNanoBuilder::new()),
            Kind::Range(element) => Self::Range(Box::new(RangeBuilder::new(*element))),
            Kind::Record(columns) => Self::Record(RecordBuilder::new(columns)),
        }
    }

    pub(super) fn len(&self) -> usize {
        with_builder!(self, builder => builder.len())
    }

    pub(super) fn append_null(&mut self) {
        with_builder!(self, builder => builder.append_null());
    }

    pub(super) fn append_bound(&mut self, text: Option<&str>) -> bool {
        let Some(text) = text else {
            self.append_null();
            return true;
        };
        self.append_text(text)
    }

    pub(super) fn append_text(&mut self, text: &str) -> bool {
        match self {
            Self::Text(builder) => {
                builder.append_value(text);
                true
            }
            Self::Int64(builder) => append(text.parse().ok(), |value| builder.append_value(value)),
            Self::Float64(builder) => append(text.parse().ok(), |value| builder.append_value(value)),
            Self::Numeric(builder) => append(decimal::numeric(text), |value| builder.append_value(value)),
            Self::BigNumeric(builder) => append(decimal::bignumeric(text), |value| builder.append_value(value)),
            Self::Boolean(builder) => append(scalars::boolean(text), |value| builder.append_value(value)),
            Self::Bytes(builder, buffer) => {
                append(scalars::bytes(text, buffer), |()| builder.append_value(&buffer[..]))
            }
            Self::Date(builder) => append(calendar::date(text), |value| builder.append_value(value)),
            Self::Time(builder) => append(calendar::time(text), |value| builder.append_value(value)),
            Self::DateTime(builder) => append(calendar::datetime(text), |value| builder.append_value(value)),
            Self::Timestamp(builder) => append(calendar::timestamp(text), |value| builder.append_value(value)),
            Self::Interval(builder) => append(interval::interval(text), |value| builder.append_value(value)),
            Self::Range(builder) => builder.append_text(text),
            Self::Record(_) | Self::List(_) => false,
        }
    }

    pub(super) fn append_boolean(&mut self, value: bool) -> bool {
        match self {
            Self::Boolean(builder) => {
                builder.append_value(value);
                true
            }
            _ => false,
        }
    }

    pub(super) fn append_integer(&mut self, value: i64) -> bool {
        match self {
            Self::Int64(builder) => append(Some(value), |value| builder.append_value(value)),
            Self::Timestamp(builder) => append(calendar::in_range(value), |value| builder.append_value(value)),
            Self::Float64(_) | Self::Numeric(_) | Self::BigNumeric(_) => self.append_text(&value.to_string()),
            _ => false,
        }
    }

    pub(super) fn append_float(&mut self, value: f64) -> bool {
        match self {
            Self::Float64(builder) => append(Some(value), |value| builder.append_value(value)),
            Self::Int64(builder) => append(scalars::whole(value), |value| builder.append_value(value)),
            Self::Timestamp(_) => self.append_text(&format!("{value:e}")),
            Self::Numeric(_) | Self::BigNumeric(_) => {
                scalars::exact_decimal(value).is_some_and(|text| self.append_text(&text))
            }
            _ => false,
        }
    }

    pub(super) fn finish(self, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Int64(mut builder) => Arc::new(builder.finish()),
            Self::Float64(mut builder) => Arc::new(builder.finish()),
            Self::Numeric(builder) => Arc::new(builder.with_data_type(data_type.clone()).finish()),
            Self::BigNumeric(builder) => Arc::new(builder.with_data_type(data_type.clone()).finish()),
            Self::Boolean(mut builder) => Arc::new(builder.finish()),
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Bytes(mut builder, _) => Arc::new(builder.finish()),
            Self::Date(mut builder) => Arc::new(builder.finish()),
            Self::Time(mut builder) => Arc::new(builder.finish()),
            Self::DateTime(builder) | Self::Timestamp(builder) => {
                Arc::new(builder.with_data_type(data_type.clone()).finish())
            }
            Self::Interval(mut builder) => Arc::new(builder.finish()),
            Self::Range(range) => range.finish()?,
            Self::Record(record) => record.finish(data_type)?,
            Self::List(list) => list.finish(data_type)?,
        })
    }
}

fn append<T>(value: Option<T>, push: impl FnOnce(T)) -> bool {
    value.map(push).is_some()
}
