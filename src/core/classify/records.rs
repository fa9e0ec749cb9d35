//! The outcomes of rows, packed: a run holds one for every row until its end.

use std::collections::HashMap;
use std::sync::Arc;

use super::answers::{Row, Source, Status};
use crate::gemini::Usage;

/// Texts are kept in blocks of this many bytes; a longer one has a block of its own.
const BLOCK: usize = 256 << 10;

/// The outcomes of rows that have one.
#[derive(Debug, Clone)]
pub(super) struct Records {
    rows: Vec<Record>,
    blocks: Vec<String>,
    /// Models and reasons to stop, each once.
    names: Vec<Arc<str>>,
    /// Rows that a record cannot hold: those with an error, and counts that no honest service sends.
    whole: HashMap<u32, Box<Row>>,
}

/// A row of 56 bytes; as a [`Row`] it takes 192 and its texts.
#[derive(Debug, Clone, Copy)]
struct Record {
    cost_usd: f64,
    latency_ms: f64,
    /// Input, output, thinking and cached tokens.
    tokens: [u32; 4],
    attempts: u32,
    block: u32,
    start: u32,
    length: u32,
    kind: Kind,
    status: Status,
    source: Source,
    model: Option<u8>,
    finish_reason: Option<u8>,
    /// Which of cost, latency, text and the four counts are there, a bit each.
    present: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Missing,
    Packed,
    Whole,
}

const COST: u8 = 1 << 4;
const LATENCY: u8 = 1 << 5;
const TEXT: u8 = 1 << 6;

const MISSING: Record = Record {
    cost_usd: 0.0,
    latency_ms: 0.0,
    tokens: [0; 4],
    attempts: 0,
    block: 0,
    start: 0,
    length: 0,
    kind: Kind::Missing,
    status: Status::Skipped,
    source: Source::Nowhere,
    model: None,
    finish_reason: None,
    present: 0,
};

impl Records {
    pub(super) fn new(rows: usize) -> Self {
        Self { rows: vec![MISSING; rows], blocks: Vec::new(), names: Vec::new(), whole: HashMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the row has an outcome.
    pub(super) fn has(&self, row: u32) -> bool {
        self.rows[row as usize].kind != Kind::Missing
    }

    /// Rows without an outcome.
    pub(super) fn missing(&self) -> usize {
        self.rows.iter().filter(|record| record.kind == Kind::Missing).count()
    }

    pub(super) fn set(&mut self, row: u32, outcome: Row) {
        let record = self.pack(&outcome);
        if record.is_none() {
            self.whole.insert(row, Box::new(outcome));
        }
        self.rows[row as usize] = record.unwrap_or(Record { kind: Kind::Whole, ..MISSING });
    }

    pub(super) fn get(&self, row: u32) -> Option<Row> {
        let record = &self.rows[row as usize];
        match record.kind {
            Kind::Missing => None,
            Kind::Packed => Some(self.unpack(record)),
            Kind::Whole => self.whole.get(&row).map(|outcome| outcome.as_ref().clone()),
        }
    }

    /// The outcomes in the order of the rows.
    pub(super) fn iter(&self) -> impl Iterator<Item = Option<Row>> + Clone {
        (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).map(|row| self.get(row))
    }

    fn pack(&mut self, outcome: &Row) -> Option<Record> {
        if outcome.error.is_some() || outcome.usage.traffic_type.is_some() {
            return None;
        }
        let mut record = Record {
            kind: Kind::Packed,
            cost_usd: outcome.cost_usd.unwrap_or_default(),
            latency_ms: outcome.latency_ms.unwrap_or_default(),
            attempts: outcome.attempts,
            status: outcome.status,
            source: outcome.source,
            ..MISSING
        };
        let usage = &outcome.usage;
        let counts = [usage.input_tokens, usage.output_tokens, usage.thinking_tokens, usage.cached_tokens];
        for (position, count) in counts.into_iter().enumerate() {
            if let Some(count) = count {
                record.tokens[position] = u32::try_from(count).ok()?;
                record.present |= 1 << position;
            }
        }
        record.present |= if outcome.cost_usd.is_some() { COST } else { 0 };
        record.present |= if outcome.latency_ms.is_some() { LATENCY } else { 0 };
        if let Some(model) = &outcome.model {
            record.model = Some(self.name(model)?);
        }
        if let Some(reason) = &outcome.finish_reason {
            record.finish_reason = Some(self.name(reason)?);
        }
        if let Some(text) = outcome.text.as_deref() {
            record.length = u32::try_from(text.len()).ok()?;
            (record.block, record.start) = self.keep(text)?;
            record.present |= TEXT;
        }
        Some(record)
    }

    fn unpack(&self, record: &Record) -> Row {
        let count = |position: usize| (record.present & 1 << position != 0).then(|| record.tokens[position].into());
        let name = |position: Option<u8>| position.map(|position| Arc::clone(&self.names[usize::from(position)]));
        let (start, length) = (record.start as usize, record.length as usize);
        Row {
            status: record.status,
            text: (record.present & TEXT != 0)
                .then(|| self.blocks[record.block as usize][start..start + length].into()),
            error: None,
            model: name(record.model),
            finish_reason: name(record.finish_reason),
            usage: Usage {
                input_tokens: count(0),
                output_tokens: count(1),
                thinking_tokens: count(2),
                cached_tokens: count(3),
                traffic_type: None,
            },
            cost_usd: (record.present & COST != 0).then_some(record.cost_usd),
            latency_ms: (record.present & LATENCY != 0).then_some(record.latency_ms),
            attempts: record.attempts,
            source: record.source,
        }
    }

    /// Keeps a text; tells in which block and where it begins.
    fn keep(&mut self, text: &str) -> Option<(u32, u32)> {
        let has_room = |block: &String| block.capacity() - block.len() >= text.len();
        if !self.blocks.last().is_some_and(has_room) {
            self.blocks.push(String::with_capacity(text.len().max(BLOCK)));
        }
        let position = u32::try_from(self.blocks.len() - 1).ok()?;
        let block = self.blocks.last_mut()?;
        let start = u32::try_from(block.len()).ok()?;
        block.push_str(text);
        Some((position, start))
    }

    fn name(&mut self, text: &Arc<str>) -> Option<u8> {
        let known = self.names.iter().position(|known| Arc::ptr_eq(known, text) || known == text);
        let position = known.unwrap_or(self.names.len());
        let short = u8::try_from(position).ok()?;
        if known.is_none() {
            self.names.push(Arc::clone(text));
        }
        Some(short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_row()(
            text in proptest::option::of(".{0,40}"),
            error in proptest::option::weighted(0.2, ".{0,10}"),
            names in proptest::collection::vec(proptest::option::of("[a-c]{0,2}|[a-z]{6}"), 2),
            counts in proptest::collection::vec(proptest::option::of(prop_oneof![0..9_i64, any::<i64>()]), 4),
            cost_usd in proptest::option::of(0.0..1.0),
            latency_ms in proptest::option::of(0.0..1.0e9),
            attempts in any::<u32>(),
            traffic_type in proptest::option::weighted(0.1, Just("ON_DEMAND".to_owned())),
        ) -> Row {
            Row {
                status: if error.is_some() { Status::Invalid } else { Status::Ok },
                text: text.map(String::into_boxed_str),
                error: error.map(String::into_boxed_str),
                model: names[0].as_deref().map(Arc::from),
                finish_reason: names[1].as_deref().map(Arc::from),
                usage: Usage {
                    input_tokens: counts[0],
                    output_tokens: counts[1],
                    thinking_tokens: counts[2],
                    cached_tokens: counts[3],
                    traffic_type,
                },
                cost_usd,
                latency_ms,
                attempts,
                source: Source::Online,
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_became_of_a_row_comes_back(rows in proptest::collection::vec(proptest::option::of(any_row()), 0..300)) {
            let mut records = Records::new(rows.len());
            for (place, row) in rows.iter().enumerate() {
                if let Some(row) = row {
                    records.set(u32::try_from(place).unwrap(), row.clone());
                }
            }
            let back: Vec<Option<Row>> = records.iter().collect();
            prop_assert_eq!(format!("{back:?}"), format!("{rows:?}"));
            prop_assert_eq!(records.missing(), rows.iter().filter(|row| row.is_none()).count());
        }
    }

    #[test]
    fn a_text_longer_than_a_block_is_kept_whole() {
        let mut records = Records::new(3);
        for (row, length) in [(0, 10), (1, 3 * BLOCK), (2, 10)] {
            let text = Some("é".repeat(length).into_boxed_str());
            records.set(row, Row { text, error: None, ..Row::without_answer(Status::Ok, "") });
        }
        let lengths: Vec<usize> = records.iter().map(|row| row.unwrap().text.unwrap().chars().count()).collect();
        assert_eq!(lengths, [10, 3 * BLOCK, 10]);
    }

    #[test]
    fn a_row_takes_56_bytes_and_its_text() {
        assert_eq!(size_of::<Record>(), 56);
    }
}
