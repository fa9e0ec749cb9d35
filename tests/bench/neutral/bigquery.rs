//! BigQuery's REST API over one table, whatever the query: pages made and compressed before the first request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::thread;

use crate::columns::{Compression as Codec, serialized};
use crate::table;

/// A body in both forms a client may ask for.
#[derive(Debug, Clone)]
pub struct Body {
    /// As it is.
    pub plain: Bytes,
    /// Compressed.
    pub gzip: Bytes,
}

/// One table and every page of it.
#[derive(Debug)]
pub struct Results {
    rows: u64,
    /// First page with the schema, as the answer of `jobs.query`.
    first: Body,
    /// Pages without the schema, as `jobs.getQueryResults` with `fields=` and `tabledata.list` answer.
    pages: Vec<Body>,
    /// First page in Arrow, not compressed and in LZ4 frames.
    arrow: [Body; 2],
}

/// What a request for results wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// First row.
    pub start: u64,
    /// Rows, at most.
    pub most: u64,
    /// Whether the schema is wanted.
    pub with_schema: bool,
}

impl Results {
    /// Makes a table of `rows` rows.
    pub fn new(rows: u64) -> io::Result<Self> {
        let page = |start, with_schema| Body::new(page(rows, Wanted { start, most: table::PAGE, with_schema }));
        let starts: Vec<u64> = (0..rows.max(1)).step_by(usize::try_from(table::PAGE).unwrap_or(usize::MAX)).collect();
        let pages_from =
            |starts: &[u64]| starts.iter().map(|start| page(*start, false)).collect::<io::Result<Vec<_>>>();
        let (early, late) = starts.split_at(starts.len() / 2);
        let (early, late) = thread::scope(|scope| {
            let late = scope.spawn(|| pages_from(late));
            (pages_from(early), late.join())
        });
        let mut pages = early?;
        pages.extend(late.map_err(|_| io::Error::other("the pages were not made"))??);
        let arrow = |codec| Body::new(arrow_page(rows, table::PAGE, codec)?);
        Ok(Self { rows, first: page(0, true)?, pages, arrow: [arrow(Codec::Plain)?, arrow(Codec::Lz4)?] })
    }

    /// The first page in Arrow, as `jobs.query` answers when it is asked to.
    pub fn arrow_page(&self, most: u64, codec: Codec) -> io::Result<Body> {
        match (most >= table::PAGE, codec) {
            (true, Codec::Plain) => Ok(self.arrow[0].clone()),
            (true, Codec::Lz4) => Ok(self.arrow[1].clone()),
            (false, _) => Body::new(arrow_page(self.rows, most, codec)?),
        }
    }

    /// A page: a ready one where it has the usual bounds, one made for the occasion otherwise.
    pub fn page(&self, wanted: Wanted) -> io::Result<Body> {
        let is_whole = wanted.most >= table::PAGE && wanted.start.is_multiple_of(table::PAGE);
        let ready = match (is_whole, wanted.with_schema, wanted.start) {
            (true, true, 0) => Some(&self.first),
            (true, false, start) => usize::try_from(start / table::PAGE).ok().and_then(|index| self.pages.get(index)),
            _ => None,
        };
        match ready {
            Some(body) => Ok(body.clone()),
            None => Body::new(page(self.rows, wanted)),
        }
    }

    /// A finished job, under the name the client gave it.
    #[must_use]
    pub fn job(&self, project: &str, id: &str, query: &str) -> Bytes {
        let table = json!({"projectId": project, "datasetId": "_neutral", "tableId": "anonymous"});
        let job = json!({
            "kind": "bigquery#job",
            "id": format!("{project}:US.{id}"),
            "jobReference": {"projectId": project, "jobId": id, "location": "US"},
            "configuration": {
                "jobType": "QUERY",
                "query": {"query": query, "destinationTable": table, "useLegacySql": false, "priority": "INTERACTIVE"}
            },
            "status": {"state": "DONE"},
            "statistics": {
                "creationTime": "1735689600000", "startTime": "1735689600000", "endTime": "1735689600001",
                "query": {"statementType": "SELECT", "totalBytesProcessed": "0", "cacheHit": true}
            },
            "user_email": "neutral@example.com"
        });
        job.to_string().into()
    }
}

impl Body {
    fn new(plain: String) -> io::Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain.as_bytes())?;
        Ok(Self { gzip: encoder.finish()?.into(), plain: plain.into() })
    }
}

fn page(rows: u64, wanted: Wanted) -> String {
    let end = rows.min(wanted.start.saturating_add(wanted.most.min(table::PAGE)));
    let mut head = head(rows, end);
    if wanted.with_schema {
        head["schema"] = table::schema();
    }
    let mut body = head.to_string();
    if wanted.start < end {
        body.pop();
        body.push_str(r#","rows":"#);
        body.push_str(&table::rows(wanted.start, end));
        body.push('}');
    }
    body
}

fn arrow_page(rows: u64, most: u64, codec: Codec) -> io::Result<String> {
    let end = rows.min(most.min(table::PAGE));
    let serialized = serialized(0, end, codec).map_err(io::Error::other)?;
    let mut page = head(rows, end);
    page["schema"] = table::schema();
    page["pageRowCount"] = end.to_string().into();
    page["arrowSchema"] = json!({"serializedSchema": BASE64.encode(serialized.schema)});
    page["arrowRecordBatch"] = json!({"serializedRecordBatch": BASE64.encode(serialized.batch)});
    Ok(page.to_string())
}

/// What every page has; a token where rows are left after `end`.
fn head(rows: u64, end: u64) -> Value {
    let mut head = json!({
        "kind": "bigquery#queryResponse",
        "jobReference": {"projectId": "neutral", "jobId": "neutral", "location": "US"},
        "jobComplete": true,
        "cacheHit": true,
        "totalBytesProcessed": "0",
        "totalRows": rows.to_string(),
    });
    if end < rows {
        head["pageToken"] = Value::from(token(end));
    }
    head
}

fn token(start: u64) -> String {
    format!("row-{start}")
}

/// The first row a page token stands for.
#[must_use]
pub fn start_of(token: &str) -> Option<u64> {
    token.strip_prefix("row-")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json_of(results: &Results, start: u64, most: u64, with_schema: bool) -> Value {
        serde_json::from_slice(&results.page(Wanted { start, most, with_schema }).unwrap().plain).unwrap()
    }

    #[test]
    fn the_pages_are_the_table_and_the_last_has_no_token() {
        let results = Results::new(table::PAGE + 5).unwrap();
        let first = json_of(&results, 0, u64::MAX, true);
        assert_eq!(first["rows"].as_array().unwrap().len(), 10_000);
        assert_eq!(first["schema"]["fields"].as_array().unwrap().len(), 11);
        let start = start_of(first["pageToken"].as_str().unwrap()).unwrap();
        let last = json_of(&results, start, u64::MAX, false);
        assert_eq!(last["rows"].as_array().unwrap().len(), 5);
        assert!(last.get("pageToken").is_none() && last.get("schema").is_none());
    }

    #[test]
    fn a_page_in_arrow_says_how_many_rows_it_has_and_where_the_others_start() {
        let results = Results::new(table::PAGE + 5).unwrap();
        let page: Value = serde_json::from_slice(&results.arrow_page(u64::MAX, Codec::Lz4).unwrap().plain).unwrap();
        assert_eq!((&page["pageRowCount"], &page["pageToken"]), (&json!("10000"), &json!("row-10000")));
        let batch = BASE64.decode(page["arrowRecordBatch"]["serializedRecordBatch"].as_str().unwrap()).unwrap();
        assert_eq!(batch, serialized(0, table::PAGE, Codec::Lz4).unwrap().batch);
    }

    #[test]
    fn a_page_of_no_rows_still_says_how_many_there_are() {
        let page = json_of(&Results::new(7).unwrap(), 0, 0, true);
        assert_eq!(page["totalRows"], "7");
        assert_eq!(page["pageToken"], "row-0");
        assert!(page.get("rows").is_none());
    }
}
