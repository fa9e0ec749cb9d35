//! What is damaged: an error that says so, or rows that are there; never a panic, never memory without bounds.

use arrow_array::{Array as _, RecordBatch};
use arrow_schema::{DataType, Field, Schema, UnionFields, UnionMode};
use bytes::Bytes;
use proptest::prelude::*;
use std::sync::Arc;
use streetlens_core::bigquery::arrow::ArrowDecoder;
use streetlens_core::error::{Error, ErrorKind};

use crate::anything::{self, Chance};
use crate::wire;

fn assert_malformed(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::MalformedResponse, "{error}");
    assert!(!error.is_retryable(), "the same bytes come again: {error}");
}

/// What was accepted must be sound: arrow's whole validation, and every value looked at.
fn check(outcome: Result<Vec<RecordBatch>, Error>) {
    match outcome {
        Err(error) => assert_malformed(&error),
        Ok(batches) => {
            for batch in batches {
                for column in batch.columns() {
                    assert_eq!(column.len(), batch.num_rows());
                    column.to_data().validate_full().expect("sound columns");
                }
            }
        }
    }
}

#[test]
fn a_schema_cut_anywhere_is_an_error() {
    let schema = wire::schema(&anything::batch(3).schema());
    for end in 0..schema.len() {
        assert_malformed(&ArrowDecoder::new(&schema[..end]).expect_err("a schema was cut"));
    }
}

#[test]
fn a_batch_cut_anywhere_is_an_error() {
    for (seed, is_compressed) in (0..6).flat_map(|seed| [(seed, false), (seed, true)]) {
        let batch = anything::batch(seed);
        let decoder = ArrowDecoder::new(&wire::schema(&batch.schema())).unwrap();
        let whole = wire::batches(&[batch], is_compressed);
        for end in 1..whole.len() {
            assert_malformed(&decoder.decode(whole.slice(..end)).expect_err("a batch was cut"));
        }
    }
}

#[test]
fn every_byte_of_a_batch_may_be_any_other() {
    for (seed, is_compressed) in (0..5).flat_map(|seed| [(seed, false), (seed, true)]) {
        let batch = anything::batch(seed);
        let decoder = ArrowDecoder::new(&wire::schema(&batch.schema())).unwrap();
        let whole = wire::batches(&[batch], is_compressed);
        for place in 0..whole.len() {
            for value in [0, 1, 0x7F, 0x80, 0xFF, whole[place] ^ 1, whole[place] ^ 0x10] {
                let mut damaged = whole.to_vec();
                damaged[place] = value;
                check(decoder.decode(damaged.into()));
            }
        }
    }
}

#[test]
fn every_byte_of_a_schema_may_be_any_other() {
    for seed in 0..10 {
        let batch = anything::batch(seed);
        let schema = wire::schema(&batch.schema());
        let sent = wire::batches(&[batch], true);
        for place in 0..schema.len() {
            for value in [0, 1, 0x7F, 0x80, 0xFF, schema[place] ^ 1, schema[place] ^ 0x10] {
                let mut damaged = schema.clone();
                damaged[place] = value;
                match ArrowDecoder::new(&damaged) {
                    Ok(decoder) => check(decoder.decode(sent.clone())),
                    Err(error) => assert_malformed(&error),
                }
            }
        }
    }
}

#[test]
fn many_bytes_may_be_wrong_at_once() {
    for seed in 0..1_500 {
        let mut chance = Chance::new(seed);
        let batch = anything::batch(seed % 50);
        let decoder = ArrowDecoder::new(&wire::schema(&batch.schema())).unwrap();
        let mut damaged = wire::batches(&[batch], seed % 2 == 0).to_vec();
        for _ in 0..=chance.below(8) {
            let place = chance.below(damaged.len());
            damaged[place] = chance.next().to_le_bytes()[0];
        }
        check(decoder.decode(damaged.into()));
    }
}

proptest! {
    #[test]
    fn bytes_that_are_no_message_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
        let batch = anything::batch(1);
        let decoder = ArrowDecoder::new(&wire::schema(&batch.schema())).unwrap();
        check(decoder.decode(Bytes::from(bytes.clone())));
        if let Err(error) = ArrowDecoder::new(&bytes) {
            assert_malformed(&error);
        }
    }

    #[test]
    fn batches_of_another_schema_are_an_error_or_sound(seed: u64, other: u64) {
        let sent = wire::batches(&[anything::batch(seed)], true);
        let decoder = ArrowDecoder::new(&wire::schema(&anything::batch(other).schema())).unwrap();
        check(decoder.decode(sent));
    }
}

#[test]
fn a_schema_is_no_batch_and_a_batch_no_schema() {
    let batch = anything::batch(5);
    let error = ArrowDecoder::new(&wire::batches(&[batch], true)).expect_err("a batch is no schema");
    assert_eq!(error.message(), "the Arrow schema is some other message");
}

#[test]
fn another_schema_among_the_batches_is_an_error() {
    let decoder = ArrowDecoder::new(&wire::schema(&anything::batch(5).schema())).unwrap();
    let error = decoder.decode(wire::schema(&anything::batch(6).schema()).into()).expect_err("another schema");
    assert_eq!(error.message(), "the Arrow batches have another schema than was announced");
}

#[test]
fn a_type_that_bigquery_does_not_have_is_named_with_its_column() {
    let union = DataType::Union(UnionFields::empty(), UnionMode::Sparse);
    let record = DataType::Struct(vec![Field::new("inner", union, true)].into());
    let schema = Schema::new(vec![Field::new("outer", record, true)]);
    let error = ArrowDecoder::new(&wire::schema(&schema)).expect_err("no such type");
    assert_eq!(error.message(), "column `outer.inner` has the Arrow type Union, which streetlens cannot read");
}

#[test]
fn a_buffer_that_would_decompress_to_gigabytes_is_refused_before_it_does() {
    let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, true)]));
    let text = arrow_array::StringArray::from_iter_values(["x".repeat(100_000)]);
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(text)]).unwrap();
    let decoder = ArrowDecoder::new(&wire::schema(&schema)).unwrap();
    let mut sent = wire::batches(&[batch], true).to_vec();
    let announced = 100_000_i64.to_le_bytes();
    let place = sent.windows(8).position(|window| window == announced).expect("the length is announced");
    sent[place..place + 8].copy_from_slice(&(1_i64 << 40).to_le_bytes());
    let error = decoder.decode(sent.into()).expect_err("an impossible length");
    assert_eq!(error.message(), "a compressed Arrow buffer announces an impossible length");
}
