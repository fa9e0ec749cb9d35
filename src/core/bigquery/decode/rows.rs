//! Streams `{"f":[{"v":...}]}` rows into builders. Builds no tree and names no column unless something is wrong.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

use super::columns::{BatchBuilder, ColumnBuilder, RecordBuilder};
use super::values::Values;

/// Longest part of a value that a message shows, in characters.
const SHOWN: usize = 80;
/// Text of an error whose story the columns tell.
const MISFIT: &str = "a cell does not fit its column";

/// Reads the `rows` of a page; null is no rows.
pub(super) struct Rows<'a>(pub(super) &'a mut BatchBuilder);

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of rows")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(Record(&mut self.0.record))?.is_some() {}
        Ok(())
    }
}

/// Reads `{"f":[...]}`: a row, or the value of a RECORD.
struct Record<'a>(&'a mut RecordBuilder);

impl<'de> DeserializeSeed<'de> for Record<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Record<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(r#"a record `{"f":[...]}`"#)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        only_value(map, Key::F, Cells(&mut self.0.columns))?;
        self.0.end();
        Ok(())
    }
}

/// Reads the cells of one record, one for each column.
struct Cells<'a>(&'a mut [ColumnBuilder]);

impl<'de> DeserializeSeed<'de> for Cells<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Cells<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a list of {} cells", self.0.len())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        let expected = self.0.len();
        for (index, column) in self.0.iter_mut().enumerate() {
            if cells.next_element_seed(Cell(column))?.is_none() {
                return Err(A::Error::custom(format_args!("{index} cells where the schema has {expected} columns")));
            }
        }
        if cells.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom(format_args!("more cells than the {expected} columns of the schema")));
        }
        Ok(())
    }
}

/// Reads `{"v":...}`.
struct Cell<'a>(&'a mut ColumnBuilder);

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(r#"a cell `{"v":...}`"#)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        only_value(map, Key::V, Value(self.0))
    }
}

/// Reads what a cell holds into the column's builder.
struct Value<'a>(&'a mut ColumnBuilder);

impl Value<'_> {
    fn append<E: Error>(
        self,
        append: impl FnOnce(&mut Values) -> bool,
        found: impl FnOnce() -> String,
    ) -> Result<(), E> {
        if append(&mut self.0.values) {
            return Ok(());
        }
        self.0.misfit = Some(found());
        Err(E::custom(MISFIT))
    }

    fn refuse<E: Error>(self, found: &str) -> Result<(), E> {
        self.append(|_| false, || found.to_owned())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.append(|values| values.append_text(text), || shown(text))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.append_null();
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.append(|values| values.append_boolean(value), || shown(&value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.append(|values| values.append_integer(value), || shown(&value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => self.append(
                |values| match values {
                    Values::Float64(_) | Values::Numeric(_) | Values::BigNumeric(_) => {
                        values.append_text(&value.to_string())
                    }
                    _ => false,
                },
                || shown(&value.to_string()),
            ),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.append(|values| values.append_float(value), || shown(&value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Values::List(list) = &mut self.0.values else {
            return self.refuse("a list");
        };
        while items.next_element_seed(Cell(&mut list.items))?.is_some() {}
        if list.end() { Ok(()) } else { self.refuse("too many items") }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        match &mut self.0.values {
            Values::Record(record) => Record(record).visit_map(map),
            _ => self.refuse("an object"),
        }
    }
}

/// A value between backticks, cut where it is long.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}...`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// The keys of rows and cells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    F,
    V,
    Other,
}

impl Key {
    fn name(self) -> &'static str {
        match self {
            Self::F => "f",
            Self::V => "v",
            Self::Other => "",
        }
    }
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "f" => Key::F,
            "v" => Key::V,
            _ => Key::Other,
        })
    }
}

/// Reads the one value of an object that matters; it must be there once, other keys may be there too.
fn only_value<'de, A, S>(mut map: A, wanted: Key, seed: S) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
    S: DeserializeSeed<'de, Value = ()>,
{
    let mut seed = Some(seed);
    while let Some(key) = map.next_key_seed(Key::Other)? {
        if key != wanted {
            map.next_value::<IgnoredAny>()?;
        } else if let Some(seed) = seed.take() {
            map.next_value_seed(seed)?;
        } else {
            return Err(A::Error::custom(format_args!("duplicate key `{}`", wanted.name())));
        }
    }
    match seed {
        Some(_) => Err(A::Error::custom(format_args!("key `{}` is missing", wanted.name()))),
        None => Ok(()),
    }
}
