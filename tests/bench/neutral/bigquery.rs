//! BigQuery's REST API over one table, whatever the query: pages made and compressed before the first request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde_json::{Value, json};
use std::io;
use std::thread;

use crate::columns::{Compression, serialized};
use crate::pieces::Piece;
use crate::table;

/// One table and every page of it.
#[derive(Debug)]
pub struct Results {
    rows: u64,
    /// The rows of every page, and the end of its JSON.
    pages: Vec<Piece>,
    /// First page in Arrow, not compressed and in LZ4 frames.
    arrow: [Piece; 2],
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
        let starts: Vec<u64> = (0..rows).step_by(usize::try_from(table::PAGE).unwrap_or(usize::MAX)).collect();
        let pages_from = |starts: &[u64]| {
            let page = |start: &u64| tail(*start, rows.min(start + table::PAGE));
            starts.iter().map(page).collect::<io::Result<Vec<_>>>()
        };
        let (early, late) = starts.split_at(starts.len() / 2);
        let (early, late) = thread::scope(|scope| {
            let late = scope.spawn(|| pages_from(late));
            (pages_from(early), late.join())
        });
        let mut pages = early?;
        pages.extend(late.map_err(|_| io::Error::other("the pages were not made"))??);
        let arrow = |compression| arrow_page(rows, table::PAGE, compression);
        Ok(Self { rows, pages, arrow: [arrow(Compression::Plain)?, arrow(Compression::Lz4)?] })
    }

    /// A page: ready rows where it has the usual bounds, some made for the occasion otherwise.
    pub fn page(&self, wanted: Wanted) -> io::Result<Vec<Piece>> {
        let Wanted { start, most, with_schema } = wanted;
        let end = self.rows.min(start.saturating_add(most.min(table::PAGE)));
        let mut head = head(self.rows, end);
        if with_schema {
            head["schema"] = table::schema();
        }
        if start >= end {
            return Ok(vec![Piece::new(head.to_string())?]);
        }
        let mut head = head.to_string();
        head.pop();
        head.push_str(r#","rows":"#);
        let is_whole = start.is_multiple_of(table::PAGE) && (end - start == table::PAGE || end == self.rows);
        let ready = usize::try_from(start / table::PAGE).ok().and_then(|index| self.pages.get(index));
        let rows = match ready.filter(|_| is_whole) {
            Some(ready) => ready.clone(),
            None => tail(start, end)?,
        };
        Ok(vec![Piece::new(head)?, rows])
    }

    /// The first page in Arrow, as `jobs.query` answers when it is asked to.
    pub fn arrow_page(&self, most: u64, compression: Compression) -> io::Result<Vec<Piece>> {
        Ok(vec![match (most >= table::PAGE, compression) {
            (true, Compression::Plain) => self.arrow[0].clone(),
            (true, Compression::Lz4) => self.arrow[1].clone(),
            (false, _) => arrow_page(self.rows, most, compression)?,
        }])
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

/// The rows of a page and what ends it.
fn tail(start: u64, end: u64) -> io::Result<Piece> {
    let mut rows = table::rows(start, end);
    rows.push('}');
    Piece::new(rows)
}

fn arrow_page(rows: u64, most: u64, compression: Compression) -> io::Result<Piece> {
    let end = rows.min(most.min(table::PAGE));
    let serialized = serialized(0, end, compression).map_err(io::Error::other)?;
    let mut page = head(rows, end);
    page["schema"] = table::schema();
    page["pageRowCount"] = end.to_string().into();
    page["arrowSchema"] = json!({"serializedSchema": BASE64.encode(serialized.schema)});
    page["arrowRecordBatch"] = json!({"serializedRecordBatch": BASE64.encode(serialized.batch)});
    Piece::new(page.to_string())
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
    use crate::pieces::body;

    fn json_of(pieces: &[Piece]) -> Value {
        serde_json::from_slice(&body(pieces, false).concat()).unwrap()
    }

    fn page(results: &Results, start: u64, most: u64, with_schema: bool) -> Value {
        json_of(&results.page(Wanted { start, most, with_schema }).unwrap())
    }

    #[test]
    fn the_pages_are_the_table_and_the_last_has_no_token() {
        let results = Results::new(table::PAGE + 5).unwrap();
        let first = page(&results, 0, u64::MAX, true);
        assert_eq!(first["rows"].as_array().unwrap().len(), 10_000);
        assert_eq!(first["schema"]["fields"].as_array().unwrap().len(), 11);
        let start = start_of(first["pageToken"].as_str().unwrap()).unwrap();
        let last = page(&results, start, u64::MAX, false);
        assert_eq!(last["rows"].as_array().unwrap().len(), 5);
        assert!(last.get("pageToken").is_none() && last.get("schema").is_none());
        assert_eq!(page(&results, 9_999, 2, true)["rows"][1], last["rows"][0]);
    }

    #[test]
    fn a_page_in_arrow_says_how_many_rows_it_has_and_where_the_others_start() {
        let results = Results::new(table::PAGE + 5).unwrap();
        let page = json_of(&results.arrow_page(u64::MAX, Compression::Lz4).unwrap());
        assert_eq!((&page["pageRowCount"], &page["pageToken"]), (&json!("10000"), &json!("row-10000")));
        let batch = BASE64.decode(page["arrowRecordBatch"]["serializedRecordBatch"].as_str().unwrap()).unwrap();
        assert_eq!(batch, serialized(0, table::PAGE, Compression::Lz4).unwrap().batch);
    }

    #[test]
    fn a_page_of_no_rows_still_says_how_many_there_are() {
        let page = page(&Results::new(7).unwrap(), 0, 0, true);
        assert_eq!(page["totalRows"], "7");
        assert_eq!(page["pageToken"], "row-0");
        assert!(page.get("rows").is_none());
    }
}
