//! All rows of a table, read without a query: its pages cost nothing, and its streams a fraction of one.

use std::sync::Arc;

use super::client::BigQueryClient;
use super::load::Target;
use super::pages::{Pages, Rowset};
use super::read::TableName;
use super::request::Transport;
use super::schema::DecodeSchema;
use super::source::{Otherwise, Source, Streams, session_of};
use super::stream::QueryStream;
use super::tables::{DatasetName, TableDescription};
use super::wire::TableSchema;
use crate::error::{Error, ErrorKind, Result};

/// What to read of a table.
#[derive(Debug, Clone, Default)]
pub struct TableRows {
    /// `dataset.table` or `project.dataset.table`.
    pub table: String,
    /// Its columns; all where empty. They come in the table's order.
    pub columns: Vec<String>,
    /// How its rows come.
    pub transport: Transport,
    /// Whether they may come over several streams at once, in any order.
    pub any_order: bool,
    /// Rows a page, at most.
    pub page_size: Option<u32>,
}

impl BigQueryClient {
    /// The rows of a table. Dropping the stream ends the reading.
    pub async fn table_rows(&self, wish: &TableRows) -> Result<QueryStream> {
        let Target { project, dataset, table } = Target::parse(&wish.table, &self.project)?;
        let named = DatasetName { project_id: project.clone(), dataset_id: dataset.clone() };
        let described = self.table(&named, &table).await?;
        let name = TableName { project, dataset, table };
        check_kind(&wish.table, &described)?;
        let decode = DecodeSchema::new(&chosen(&described.schema, &wish.columns, &wish.table)?)?;
        // Rows that were inserted lately are read and not counted.
        let counted = described.num_rows.filter(|_| described.streaming_buffer.is_none());
        let total_rows = counted.map(super::wire::Int64::count);
        let columns: Arc<[String]> = wish.columns.clone().into();
        let pages = |first: u64| {
            let rowset = Rowset::Table(name.clone(), Arc::clone(&columns));
            let page_rows = wish.page_size.map(u64::from);
            Source::Pages(Box::new(Pages::new(
                self.clone(),
                rowset,
                Some(decode.clone()),
                first,
                page_rows,
                total_rows,
            )))
        };
        let is_wanted = match wish.transport {
            Transport::Rest => false,
            Transport::Auto => self.storage.is_open(),
            Transport::Arrow | Transport::Storage => true,
        };
        let stream = |source| QueryStream::of_table(self, Arc::clone(decode.arrow()), total_rows, source);
        if !is_wanted {
            return Ok(stream(pages(0)));
        }
        match self.streams(wish, &name, &columns, &decode, total_rows).await {
            Ok(source) => Ok(stream(source)),
            Err(error) if wish.transport == Transport::Auto && super::source::has_another_way(&error) => {
                self.storage_is_shut();
                let mut stream = stream(pages(0));
                stream.note(super::source::note(&error));
                Ok(stream)
            }
            Err(error) => Err(error),
        }
    }

    async fn streams(
        &self,
        wish: &TableRows,
        name: &TableName,
        columns: &Arc<[String]>,
        decode: &DecodeSchema,
        total_rows: Option<u64>,
    ) -> Result<Source> {
        let client = &self.storage.client;
        let otherwise = (wish.transport == Transport::Auto).then(|| {
            let rowset = Rowset::Table(name.clone(), Arc::clone(columns));
            Box::new(Otherwise { client: self.clone(), rowset, schema: Some(decode.clone()), total_rows })
        });
        if wish.any_order {
            let streams = Streams::open(client, &self.project, name.clone(), columns).await?;
            return Ok(Source::Streams { streams, rows: 0, otherwise });
        }
        let session = client.create_session(&session_of(&self.project, name.clone(), columns, 1)).await?;
        let Some(stream) = session.streams.into_iter().next() else {
            return Ok(Source::Ended);
        };
        let reader = Box::new(client.read_rows(stream, 0, Some(session.decoder)));
        Ok(Source::Stream { reader, otherwise })
    }
}

fn check_kind(table: &str, described: &TableDescription) -> Result<()> {
    match described.kind.as_deref() {
        Some(kind @ ("VIEW" | "EXTERNAL" | "MATERIALIZED_VIEW")) => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("`{table}` is a {} and has no rows of its own", kind.replace('_', " ").to_lowercase()),
        )
        .with_hint(format!("query it: client.query(\"SELECT * FROM `{table}`\")"))),
        _ => Ok(()),
    }
}

/// The chosen columns, in the table's order.
fn chosen(schema: &TableSchema, columns: &[String], table: &str) -> Result<TableSchema> {
    if columns.is_empty() {
        return Ok(schema.clone());
    }
    let known: Vec<&str> = schema.fields.iter().map(|field| field.name.as_str()).collect();
    if let Some(unknown) = columns.iter().find(|column| !known.iter().any(|name| name.eq_ignore_ascii_case(column))) {
        return Err(Error::new(ErrorKind::InvalidInput, format!("the table `{table}` has no column `{unknown}`"))
            .with_hint(format!("its columns are {}", known.join(", "))));
    }
    let is_chosen = |name: &str| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    Ok(TableSchema { fields: schema.fields.iter().filter(|field| is_chosen(&field.name)).cloned().collect() })
}
