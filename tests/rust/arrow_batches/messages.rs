//! What is well formed.

use arrow_array::{Array as _, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use proptest::prelude::*;
use std::sync::Arc;
use streetlens_core::bigquery::arrow::ArrowDecoder;

use crate::anything::{self, Chance};
use crate::wire;

fn decoder(batch: &RecordBatch) -> ArrowDecoder {
    ArrowDecoder::new(&wire::schema(&batch.schema())).expect("a readable schema")
}

/// One column of text and one of numbers.
fn table() -> RecordBatch {
    let schema = Schema::new(vec![Field::new("name", DataType::Utf8, true), Field::new("n", DataType::Int64, true)]);
    let names = StringArray::from_iter_values((0..1000).map(|row| format!("row {row}")));
    let numbers = Int64Array::from_iter_values(0..1000);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(names), Arc::new(numbers)]).expect("a batch")
}

proptest! {
    #[test]
    fn a_batch_of_any_columns_arrives_as_it_was_sent(seed: u64, is_compressed: bool) {
        let batch = anything::batch(seed);
        let decoded = decoder(&batch).decode(wire::batches(std::slice::from_ref(&batch), is_compressed)).unwrap();
        prop_assert_eq!(decoded, [batch]);
    }

    #[test]
    fn several_batches_of_one_buffer_arrive_in_their_order(seed: u64, counts in proptest::collection::vec(0_usize..20, 1..6)) {
        let schema = anything::batch(seed).schema();
        let mut chance = Chance::new(seed);
        let batches: Vec<_> = counts.iter().map(|rows| anything::rows_of(&schema, *rows, &mut chance)).collect();
        let decoded = decoder(&batches[0]).decode(wire::batches(&batches, true)).unwrap();
        prop_assert_eq!(decoded, batches);
    }

    #[test]
    fn rows_do_not_depend_on_where_their_buffer_lies_in_memory(seed: u64, shift in 1_usize..64) {
        let batch = anything::batch(seed);
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(&wire::batches(std::slice::from_ref(&batch), false));
        let decoded = decoder(&batch).decode(Bytes::from(shifted).slice(shift..)).unwrap();
        prop_assert_eq!(decoded, [batch]);
    }
}

#[test]
fn text_that_is_not_compressed_is_not_copied() {
    let sent = wire::batches(&[table()], false);
    let decoded = decoder(&table()).decode(sent.clone()).unwrap();
    let text = decoded[0].column(0).to_data().buffers()[1].as_ptr();
    assert!(sent.as_ptr_range().contains(&text));
}

#[test]
fn an_end_of_stream_ends_a_schema_and_a_buffer_of_batches() {
    const END: [u8; 8] = [255, 255, 255, 255, 0, 0, 0, 0];
    let schema = [&wire::schema(&table().schema())[..], &END].concat();
    let batches = [&wire::batches(&[table()], true)[..], &END].concat();
    let decoded = ArrowDecoder::new(&schema).unwrap().decode(batches.into()).unwrap();
    assert_eq!(decoded, [table()]);
}

#[test]
fn messages_of_the_framing_before_arrow_0_15_are_read() {
    let schema = &wire::schema(&table().schema())[4..];
    let batch = wire::batches(&[table()], true).slice(4..);
    assert_eq!(ArrowDecoder::new(schema).unwrap().decode(batch).unwrap(), [table()]);
}

#[test]
fn a_schema_repeated_before_the_batches_is_read_over() {
    let whole = [&wire::schema(&table().schema())[..], &wire::batches(&[table()], true)].concat();
    assert_eq!(decoder(&table()).decode(whole.into()).unwrap(), [table()]);
}

#[test]
fn an_empty_buffer_holds_no_batch() {
    assert_eq!(decoder(&table()).decode(Bytes::new()).unwrap(), []);
}
