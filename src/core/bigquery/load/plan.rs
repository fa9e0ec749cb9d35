//! What is known before anything is sent: the rows as a file, their keys, and the name of an append.

use arrow_array::RecordBatch;
use bytes::Bytes;
use ring::digest::{Context, SHA256};
use std::fmt::Write as _;

use super::fit::Fitted;
use super::parquet::Rows;
use super::target::Target;
use super::{LoadMode, LoadOptions, conform, keys, statements};
use crate::error::{Error, ErrorKind, Result};

/// Rows that were looked through.
pub(super) struct Prepared {
    /// The rows.
    pub(super) rows: Rows,
    /// Their file, where it is small enough to be kept.
    pub(super) file: Option<Bytes>,
    /// Its size.
    pub(super) bytes: u64,
    /// Its digest.
    pub(super) digest: Box<[u8]>,
    /// The columns that tell rows apart, as the table spells them.
    pub(super) key: Vec<String>,
    /// Whether some keys are null.
    pub(super) has_null_keys: bool,
    /// Whether some columns are not loaded as they are.
    pub(super) is_converted: bool,
}

/// Looks through all rows: every value is written once, so that what cannot be is told before anything is sent.
pub(super) async fn prepare(batches: Vec<RecordBatch>, fitted: &Fitted, options: &LoadOptions) -> Result<Prepared> {
    let columns = fitted.columns.clone();
    let key = match options.mode {
        LoadMode::Upsert => keys::columns(&options.key, &columns)?,
        LoadMode::Append | LoadMode::Replace if options.key.is_empty() => Vec::new(),
        LoadMode::Append | LoadMode::Replace => {
            return Err(Error::new(ErrorKind::InvalidInput, "only an upsert has a key")
                .with_hint("pass `mode=\"upsert\"`, or leave `key=` out"));
        }
    };
    let looked = tokio::task::spawn_blocking(move || {
        let is_converted = statements::needs_conversion(&columns);
        let schema = conform::file_schema(&statements::staged(&columns))?;
        let has_null_keys = !key.is_empty() && keys::check(&batches, &schema, &key)?;
        let rows = Rows { batches: batches.into(), schema };
        let written = rows.digest()?;
        Ok(Prepared {
            rows,
            file: written.file,
            bytes: written.bytes,
            digest: written.digest.as_ref().into(),
            key,
            has_null_keys,
            is_converted,
        })
    });
    looked
        .await
        .map_err(|cause| Error::new(ErrorKind::Internal, "the rows could not be looked through").with_source(cause))?
}

/// The name of an append: the same rows into the same table under the same `load_id` have the same one. A table that
/// was made anew under an old name is another one.
pub(super) fn append_name(target: &Target, created: &str, options: &LoadOptions, prepared: &Prepared) -> String {
    let mut digest = Context::new(&SHA256);
    let table = target.to_string();
    let load_id = options.load_id.as_deref().unwrap_or_default();
    for part in [table.as_bytes(), created.as_bytes(), load_id.as_bytes(), &prepared.digest] {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finish().as_ref().iter().fold("streetlens_append_".to_owned(), |mut name, byte| {
        // Writing into a text cannot fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}
