//! A selection as SQL: readable, and without a single value in it.

use super::naming::class_spellings;
use super::selection::{Condition, Selection, fitting, type_of};
use super::shape::{Column, Shape};
use crate::bigquery::parameters::{Parameter, ParameterType, ParameterValue};
use crate::error::{Error, ErrorKind, Result};

/// SQL with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// `GoogleSQL`.
    pub sql: String,
    /// Named parameters, each as often as it is named.
    pub parameters: Vec<Parameter>,
}

/// The tables of one statement.
#[derive(Clone, Copy)]
pub(super) struct Tables<'a> {
    pub(super) rows: &'a Shape,
    /// The observations of the snapshot, where rows are assets that are chosen by their views.
    pub(super) observations: Option<&'a Shape>,
    /// The observations of every snapshot, for a comparison with an earlier one.
    pub(super) earlier: Option<&'a Shape>,
    /// The results that have answers.
    pub(super) answered: Option<&'a Shape>,
}

/// A selection that knows its tables and its snapshot.
pub(super) struct Writer<'a> {
    pub(super) selection: &'a Selection,
    pub(super) tables: Tables<'a>,
    pub(super) snapshot: Option<&'a str>,
}

/// The parts of a statement while it is written.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) conditions: Vec<String>,
    pub(super) parameters: Vec<Parameter>,
}

impl Parts {
    pub(super) fn give(&mut self, name: &str, value: ParameterValue) {
        if self.parameters.iter().all(|parameter| parameter.name.as_deref() != Some(name)) {
            self.parameters.push(Parameter { name: Some(name.to_owned()), value });
        }
    }

    pub(super) fn ask(&mut self, condition: impl Into<String>) {
        self.conditions.push(condition.into());
    }

    /// The WHERE clause with the line break before it.
    pub(super) fn clause(&self) -> String {
        if self.conditions.is_empty() {
            return String::new();
        }
        format!("\nWHERE {}", self.conditions.join("\n  AND "))
    }
}

impl Writer<'_> {
    /// The rows themselves.
    pub(super) fn rows(&self) -> Result<Statement> {
        let columns = self.selection.columns.of(self.tables.rows)?;
        let (list, is_wide) = column_list(&columns);
        let list = if is_wide { format!("\n  {}", list.join(",\n  ")) } else { format!(" {}", list.join(", ")) };
        let mut parts = Parts::default();
        let (body, order, limit) = self.clauses(&mut parts)?;
        Ok(Statement { sql: format!("SELECT{list}\n{body}{order}{limit}"), parameters: parts.parameters })
    }

    /// How many rows there are.
    pub(super) fn count(&self) -> Result<Statement> {
        let mut parts = Parts::default();
        let (body, _, limit) = self.clauses(&mut parts)?;
        let sql = if limit.is_empty() && !body.contains("\nQUALIFY ") {
            format!("SELECT COUNT(*) AS row_count\n{body}")
        } else {
            let inner = format!("SELECT 1 AS present\n{body}{limit}");
            format!("SELECT COUNT(*) AS row_count\nFROM (\n{}\n)", indented(&inner))
        };
        Ok(Statement { sql, parameters: parts.parameters })
    }

    /// How many observations, and of how many assets, the earlier snapshot had that this one has not.
    pub(super) fn removed(&self, earlier: &Shape) -> Result<Statement> {
        let key = key_of(earlier)?;
        let mut parts = Parts::default();
        let selection = Selection { since: None, min_views: None, max_views: None, ..self.selection.clone() };
        let tables = Tables { rows: earlier, observations: None, earlier: None, answered: None };
        let snapshot = self.selection.since.as_deref();
        Writer { selection: &selection, tables, snapshot }.filters(&mut parts, true)?;
        let now = self.tables.rows.sql()?;
        let in_snapshot = if let Some(snapshot) = self.snapshot {
            parts.give("later_snapshot_id", ParameterValue::String(snapshot.to_owned()));
            "later.snapshot_id = @later_snapshot_id AND "
        } else {
            ""
        };
        parts.ask(format!(
            "NOT EXISTS (\n    SELECT 1 FROM {now} AS later\n    WHERE {in_snapshot}later.{key} = candidate.{key}\n  )"
        ));
        let assets = if earlier.has("asset_id") { ", COUNT(DISTINCT asset_id) AS assets" } else { "" };
        let sql =
            format!("SELECT COUNT(*) AS row_count{assets}\nFROM {} AS candidate{}", earlier.sql()?, parts.clause());
        Ok(Statement { sql, parameters: parts.parameters })
    }

    /// From FROM to QUALIFY, ORDER BY, and LIMIT.
    fn clauses(&self, parts: &mut Parts) -> Result<(String, String, String)> {
        let Selection { limit, sample, min_views, max_views, .. } = self.selection;
        let counts_rows = limit.is_some() || sample.is_some() || min_views.is_some() || max_views.is_some();
        let Some(answered) = self.tables.answered.filter(|_| counts_rows) else {
            return Ok((self.body(parts)?, self.order(parts)?, self.limit(parts)));
        };
        // What was answered is left out of the rows that are chosen, and no others come in their place.
        let chosen = Writer { tables: Tables { answered: None, ..self.tables }, ..*self };
        let (body, order, limit) = chosen.clauses(parts)?;
        let inner = indented(&format!("SELECT *\n{body}{order}{limit}"));
        let body = format!("FROM (\n{inner}\n) AS candidate\nWHERE {}", self.is_unanswered(answered)?);
        Ok((body, order, String::new()))
    }

    /// From FROM to QUALIFY.
    pub(super) fn body(&self, parts: &mut Parts) -> Result<String> {
        self.filters(parts, true)?;
        let mut body = format!("FROM {}{}", self.from()?, parts.clause());
        let views = self.views(parts)?;
        let Some(share) = self.stratified(parts)? else {
            if let Some(views) = views {
                body.push_str(&qualify(&parts.conditions, &views));
            }
            return Ok(body);
        };
        // Rows are drawn from what the other filters leave: QUALIFY ranks before it filters.
        if let Some(views) = views {
            body.push_str(&qualify(&parts.conditions, &views));
            body = format!("FROM (\n{}\n)", indented(&format!("SELECT *\n{body}")));
            body.push_str(&qualify(&[], &share));
        } else {
            body.push_str(&qualify(&parts.conditions, &share));
        }
        Ok(body)
    }

    /// The table, with a name that a comparison with another one uses.
    fn from(&self) -> Result<String> {
        let needs_name = self.tables.earlier.is_some() || self.tables.answered.is_some();
        Ok(format!("{}{}", self.tables.rows.sql()?, if needs_name { " AS candidate" } else { "" }))
    }

    /// What is asked of each row.
    pub(super) fn filters(&self, parts: &mut Parts, by_class: bool) -> Result<()> {
        let (selection, shape) = (self.selection, self.tables.rows);
        if let Some(snapshot) = self.snapshot {
            let column = shape.column("snapshot_id")?;
            parts.give("snapshot_id", ParameterValue::String(snapshot.to_owned()));
            parts.ask(format!("{} = @snapshot_id", column.sql));
        }
        if by_class && !selection.kinds.is_empty() {
            let column = needed(shape, "asset_type", "`kind`")?;
            let spellings = selection.kinds.iter().flat_map(|kind| class_spellings(kind));
            let items = spellings.map(ParameterValue::String).collect();
            parts.give("asset_types", ParameterValue::Array { element: ParameterType::String, items });
            parts.ask(format!("{} IN UNNEST(@asset_types)", column.sql));
        }
        for (given, name, sign) in
            [(&selection.captured_after, "captured_after", ">="), (&selection.captured_before, "captured_before", "<")]
        {
            if let Some(time) = given {
                let column = needed(shape, "capture_time", &format!("`{name}`"))?;
                parts.give(name, ParameterValue::Timestamp(time.clone()));
                parts.ask(format!("{} {sign} @{name}", column.sql));
            }
        }
        if let Some(area) = &selection.within {
            let place = if shape.has("location") { "location" } else { "capture_location" };
            let latitude = needed(shape, &format!("{place}.latitude"), "`within`")?;
            let longitude = shape.column(&format!("{place}.longitude"))?;
            let condition = area.condition(&latitude.sql, &longitude.sql, &mut parts.parameters);
            parts.ask(condition);
        }
        for (position, (path, condition)) in selection.conditions.iter().enumerate() {
            let column = shape.column(path)?;
            compare(parts, &column, condition, &format!("where_{}", position + 1))?;
        }
        self.comparisons(parts)?;
        self.views_of_assets(parts)
    }

    /// What is asked of other tables about a row.
    fn comparisons(&self, parts: &mut Parts) -> Result<()> {
        if let (Some(since), Some(earlier)) = (&self.selection.since, self.tables.earlier) {
            let key = key_of(self.tables.rows)?;
            parts.give("since", ParameterValue::String(since.clone()));
            parts.ask(format!(
                "NOT EXISTS (\n    SELECT 1 FROM {} AS earlier\n    \
                 WHERE earlier.snapshot_id = @since AND earlier.{key} = candidate.{key}\n  )",
                earlier.sql()?
            ));
        }
        if let Some(answered) = self.tables.answered {
            parts.ask(self.is_unanswered(answered)?);
        }
        Ok(())
    }

    fn is_unanswered(&self, answered: &Shape) -> Result<String> {
        let key = self.answered_key(answered)?;
        if !answered.has("status") {
            let problem = format!("`{}` is no table of results: it has no column `status`", answered.table);
            return Err(Error::new(ErrorKind::InvalidInput, problem)
                .with_hint("name a table that `into=` or `results.to_bigquery(...)` wrote"));
        }
        Ok(format!(
            "NOT EXISTS (\n    SELECT 1 FROM {} AS answered\n    \
             WHERE answered.{key} = candidate.{key} AND answered.status = 'ok'\n  )",
            answered.sql()?
        ))
    }

    /// What tells which row an answer is of.
    fn answered_key(&self, answered: &Shape) -> Result<String> {
        match &self.selection.unanswered_by {
            None => shared_key(self.tables.rows, answered).map(str::to_owned),
            Some(name) => {
                answered.column(name)?;
                Ok(self.tables.rows.column(name)?.sql)
            }
        }
    }

    /// What is asked of the number of an asset's views, among the rows that the other filters leave.
    fn views(&self, parts: &mut Parts) -> Result<Option<String>> {
        if self.tables.observations.is_some() {
            return Ok(None);
        }
        let mut asked = Vec::new();
        for (given, name, sign) in
            [(self.selection.min_views, "min_views", ">="), (self.selection.max_views, "max_views", "<=")]
        {
            if let Some(views) = given {
                let column = needed(self.tables.rows, "asset_id", &format!("`{name}`"))?;
                parts.give(name, ParameterValue::Int64(views));
                asked.push(format!("COUNT(*) OVER (PARTITION BY {}) {sign} @{name}", column.sql));
            }
        }
        Ok((!asked.is_empty()).then(|| asked.join("\n  AND ")))
    }

    /// The same where rows are assets, some of which have no view at all.
    fn views_of_assets(&self, parts: &mut Parts) -> Result<()> {
        let Some(observations) = self.tables.observations else { return Ok(()) };
        let in_snapshot = if self.snapshot.is_some() { "snapshot_id = @snapshot_id AND " } else { "" };
        let subquery = |sign: &str| -> Result<String> {
            Ok(format!(
                "(\n    SELECT asset_id FROM {}\n    WHERE {in_snapshot}asset_id IS NOT NULL\n    \
                 GROUP BY asset_id HAVING COUNT(*) {sign}\n  )",
                observations.sql()?
            ))
        };
        if let Some(least) = self.selection.min_views.filter(|least| *least > 0) {
            parts.give("min_views", ParameterValue::Int64(least));
            parts.ask(format!("asset_id IN {}", subquery(">= @min_views")?));
        }
        if let Some(most) = self.selection.max_views {
            parts.give("max_views", ParameterValue::Int64(most));
            parts.ask(format!("asset_id NOT IN {}", subquery("> @max_views")?));
        }
        Ok(())
    }

    fn stratified(&self, parts: &mut Parts) -> Result<Option<String>> {
        let Some(sample) = &self.selection.sample else { return Ok(None) };
        let Some(column) = &sample.stratify_by else { return Ok(None) };
        let column = self.tables.rows.column(column)?;
        if column.is_repeated || matches!(column.kind, "STRUCT" | "GEOGRAPHY" | "JSON" | "FLOAT64") {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("rows cannot be stratified by `{}`, which is a {}", column.path, column.kind),
            )
            .with_hint("name a column of few values, such as `asset_type`"));
        }
        let key = key_of(self.tables.rows)?;
        parts.give("seed", ParameterValue::String(sample.seed.clone()));
        parts.give("sample", ParameterValue::Int64(sample.rows));
        Ok(Some(format!(
            "ROW_NUMBER() OVER (\n    PARTITION BY {} ORDER BY FARM_FINGERPRINT(CONCAT({key}, @seed))\n  ) <= @sample",
            column.sql
        )))
    }

    /// The same rows every time: a run that is repeated must not ask, and pay, for others.
    fn order(&self, parts: &mut Parts) -> Result<String> {
        match &self.selection.sample {
            Some(sample) if sample.stratify_by.is_none() => {
                parts.give("seed", ParameterValue::String(sample.seed.clone()));
                Ok(format!("\nORDER BY FARM_FINGERPRINT(CONCAT({}, @seed))", key_of(self.tables.rows)?))
            }
            _ if self.selection.limit.is_some() => {
                let keys = ["asset_id", "observation_id", "gcs_uri"];
                let mut keys: Vec<&str> = keys.into_iter().filter(|key| self.tables.rows.has(key)).collect();
                keys.truncate(2);
                Ok(if keys.is_empty() { String::new() } else { format!("\nORDER BY {}", keys.join(", ")) })
            }
            _ => Ok(String::new()),
        }
    }

    fn limit(&self, parts: &mut Parts) -> String {
        let sampled = self.selection.sample.as_ref().filter(|sample| sample.stratify_by.is_none());
        let most = [self.selection.limit, sampled.map(|sample| sample.rows)].into_iter().flatten().min();
        let Some(most) = most else { return String::new() };
        parts.give("limit", ParameterValue::Int64(most));
        "\nLIMIT @limit".to_owned()
    }
}

/// What tells one row from another in every snapshot.
pub(super) fn key_of(shape: &Shape) -> Result<&'static str> {
    ["observation_id", "asset_id", "gcs_uri"].into_iter().find(|name| shape.has(name)).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, format!("`{}` has no column that tells its rows apart", shape.table))
            .with_hint("sampling and comparing need `observation_id`, `asset_id` or `gcs_uri`")
    })
}

fn shared_key(rows: &Shape, answered: &Shape) -> Result<&'static str> {
    ["observation_id", "gcs_uri"].into_iter().find(|name| rows.has(name) && answered.has(name)).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidInput,
            format!("the results `{}` have neither `observation_id` nor `gcs_uri`", answered.table),
        )
        .with_hint("write results with one of these columns, which are carried over from the selection")
    })
}

fn needed(shape: &Shape, path: &str, option: &str) -> Result<Column> {
    shape.column(path).map_err(|_| {
        Error::new(
            ErrorKind::InvalidInput,
            format!("{option} cannot be used: `{}` has no column `{path}`", shape.table),
        )
        .with_hint(format!("its columns are {}", shape.names().join(", ")))
    })
}

fn compare(parts: &mut Parts, column: &Column, condition: &Condition, name: &str) -> Result<()> {
    match condition {
        Condition::IsNull => parts.ask(format!("{} IS NULL", column.sql)),
        Condition::Equals(value) => {
            parts.give(name, fitting(value, column)?);
            parts.ask(format!("{} = @{name}", column.sql));
        }
        Condition::AnyOf(values) => {
            let items = values.iter().map(|value| fitting(value, column)).collect::<Result<_>>()?;
            parts.give(name, ParameterValue::Array { element: type_of(column)?, items });
            parts.ask(format!("{} IN UNNEST(@{name})", column.sql));
        }
        Condition::Between(least, most) => {
            for (value, end, sign) in [(least, "least", ">="), (most, "most", "<=")] {
                if let Some(value) = value {
                    let name = format!("{name}_{end}");
                    parts.give(&name, fitting(value, column)?);
                    parts.ask(format!("{} {sign} @{name}", column.sql));
                }
            }
        }
    }
    Ok(())
}

/// QUALIFY with what it needs beside it: BigQuery wants a WHERE, GROUP BY or HAVING with it.
fn qualify(conditions: &[String], asked: &str) -> String {
    let filler = if conditions.is_empty() { "\nWHERE TRUE" } else { "" };
    format!("{filler}\nQUALIFY {asked}")
}

/// The columns of a SELECT, and whether they take a line each. A field keeps its path as a name.
fn column_list(columns: &[Column]) -> (Vec<String>, bool) {
    let list: Vec<String> = columns
        .iter()
        .map(|column| {
            if column.path.contains('.') {
                format!("{} AS `{}`", column.sql, column.path.replace('.', "_"))
            } else {
                column.sql.clone()
            }
        })
        .collect();
    let width: usize = list.iter().map(|name| name.len() + 2).sum();
    (list, width > 60)
}

pub(super) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::area::Area;
    use super::super::fixtures::{assets, observations, observations_of, panoramas, results};
    use super::super::naming::Entity;
    use super::super::selection::{Columns, Sample};
    use super::*;

    fn writer<'a>(selection: &'a Selection, rows: &'a Shape) -> Writer<'a> {
        let tables = Tables { rows, observations: None, earlier: None, answered: None };
        Writer { selection, tables, snapshot: Some("5f78") }
    }

    fn rows(selection: &Selection) -> Statement {
        writer(selection, &observations()).rows().unwrap()
    }

    fn names(statement: &Statement) -> Vec<&str> {
        statement.parameters.iter().filter_map(|parameter| parameter.name.as_deref()).collect()
    }

    fn refused(selection: &Selection) -> String {
        writer(selection, &observations()).rows().unwrap_err().message().to_owned()
    }

    #[test]
    fn a_selection_reads_as_a_person_would_write_it() {
        let selection = Selection {
            kinds: vec!["sign".into()],
            captured_after: Some("2025-01-01 00:00:00+00:00".into()),
            captured_before: Some("2026-01-01 00:00:00+00:00".into()),
            within: Some(Area::around(33.3, -111.8, 500.0).unwrap()),
            min_views: Some(2),
            limit: Some(1000),
            ..Selection::default()
        };
        let statement = rows(&selection);
        assert_eq!(
            statement.sql,
            "SELECT
  gcs_uri,
  asset_id,
  observation_id,
  asset_type,
  capture_time,
  location
FROM `demo.imagery_insights___us.cropped_observations_latest`
WHERE snapshot_id = @snapshot_id
  AND asset_type IN UNNEST(@asset_types)
  AND capture_time >= @captured_after
  AND capture_time < @captured_before
  AND ST_DWITHIN(ST_GEOGPOINT(location.longitude, location.latitude), ST_GEOGPOINT(@longitude, @latitude), @radius_m)
QUALIFY COUNT(*) OVER (PARTITION BY asset_id) >= @min_views
ORDER BY asset_id, observation_id
LIMIT @limit"
        );
        let expected = ["snapshot_id", "asset_types", "captured_after", "captured_before", "longitude", "latitude"];
        assert_eq!(names(&statement)[..6], expected);
        assert_eq!(names(&statement)[6..], ["radius_m", "min_views", "limit"]);
    }

    #[test]
    fn without_filters_all_usual_columns_of_the_snapshot_are_read() {
        let selection = Selection { columns: Columns::Named(vec!["gcs_uri".into()]), ..Selection::default() };
        assert_eq!(
            rows(&selection).sql,
            "SELECT gcs_uri\nFROM `demo.imagery_insights___us.cropped_observations_latest`\nWHERE snapshot_id = @snapshot_id"
        );
        let all = Selection { columns: Columns::All, ..Selection::default() };
        assert!(rows(&all).sql.contains("snapshot_id,\n"));
    }

    #[test]
    fn a_field_becomes_a_column_of_its_own() {
        let selection = Selection { columns: Columns::Named(vec!["LOCATION.latitude".into()]), ..Selection::default() };
        assert!(rows(&selection).sql.starts_with("SELECT location.latitude AS `location_latitude`\n"));
    }

    #[test]
    fn a_sample_is_the_same_for_the_same_seed() {
        let sample = Sample { rows: 10, seed: "7".into(), stratify_by: None };
        let selection = Selection { sample: Some(sample), limit: Some(5), ..Selection::default() };
        let statement = rows(&selection);
        let end = "ORDER BY FARM_FINGERPRINT(CONCAT(observation_id, @seed))\nLIMIT @limit";
        assert!(statement.sql.ends_with(end), "{}", statement.sql);
        assert_eq!(statement.parameters.last().unwrap().value, ParameterValue::Int64(5));
    }

    #[test]
    fn a_stratified_sample_is_drawn_from_what_the_other_filters_leave() {
        let sample = Sample { rows: 10, seed: "7".into(), stratify_by: Some("asset_type".into()) };
        let selection = Selection {
            sample: Some(sample),
            min_views: Some(2),
            columns: Columns::Named(vec!["gcs_uri".into()]),
            ..Selection::default()
        };
        assert_eq!(
            rows(&selection).sql,
            "SELECT gcs_uri
FROM (
  SELECT *
  FROM `demo.imagery_insights___us.cropped_observations_latest`
  WHERE snapshot_id = @snapshot_id
  QUALIFY COUNT(*) OVER (PARTITION BY asset_id) >= @min_views
)
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (
    PARTITION BY asset_type ORDER BY FARM_FINGERPRINT(CONCAT(observation_id, @seed))
  ) <= @sample"
        );
    }

    #[test]
    fn rows_cannot_be_stratified_by_a_struct() {
        let sample = Sample { rows: 10, seed: "7".into(), stratify_by: Some("location".into()) };
        let said = refused(&Selection { sample: Some(sample), ..Selection::default() });
        assert_eq!(said, "rows cannot be stratified by `location`, which is a STRUCT");
    }

    #[test]
    fn qualify_never_stands_alone() {
        let selection = Selection { max_views: Some(3), ..Selection::default() };
        let observations = observations();
        let writer = Writer { snapshot: None, ..writer(&selection, &observations) };
        let sql = writer.rows().unwrap().sql;
        assert!(sql.contains("\nWHERE TRUE\nQUALIFY COUNT(*) OVER (PARTITION BY asset_id) <= @max_views"), "{sql}");
    }

    #[test]
    fn a_count_reads_no_more_than_it_must() {
        let selection = Selection { kinds: vec!["pole".into()], ..Selection::default() };
        let observations = observations();
        assert_eq!(
            writer(&selection, &observations).count().unwrap().sql,
            "SELECT COUNT(*) AS row_count
FROM `demo.imagery_insights___us.cropped_observations_latest`
WHERE snapshot_id = @snapshot_id
  AND asset_type IN UNNEST(@asset_types)"
        );
        let limited = Selection { limit: Some(7), ..Selection::default() };
        assert_eq!(
            writer(&limited, &observations).count().unwrap().sql,
            "SELECT COUNT(*) AS row_count
FROM (
  SELECT 1 AS present
  FROM `demo.imagery_insights___us.cropped_observations_latest`
  WHERE snapshot_id = @snapshot_id
  LIMIT @limit
)"
        );
    }

    #[test]
    fn panoramas_are_where_their_camera_was_and_have_no_class() {
        let selection = Selection { within: Some(Area::bounded(1.0, 2.0, 3.0, 4.0).unwrap()), ..Selection::default() };
        let shape = panoramas();
        let sql = writer(&selection, &shape).rows().unwrap().sql;
        assert!(sql.contains("capture_location.latitude BETWEEN @south AND @north"), "{sql}");
        let selection = Selection { kinds: vec!["sign".into()], ..Selection::default() };
        let error = writer(&selection, &shape).rows().unwrap_err();
        assert_eq!(error.message(), "`kind` cannot be used: `pano_observations_latest` has no column `asset_type`");
        assert!(error.details().hint.as_deref().unwrap().starts_with("its columns are capture_id"), "{error}");
    }

    #[test]
    fn assets_are_chosen_by_their_observations() {
        let selection = Selection {
            entity: Some(Entity::Assets),
            min_views: Some(2),
            max_views: Some(0),
            columns: Columns::Named(vec!["asset_id".into()]),
            ..Selection::default()
        };
        let (assets, observations) = (assets(), observations());
        let tables = Tables { rows: &assets, observations: Some(&observations), earlier: None, answered: None };
        let sql = Writer { selection: &selection, tables, snapshot: Some("5f78") }.rows().unwrap().sql;
        assert_eq!(
            sql,
            "SELECT asset_id
FROM `demo.imagery_insights___us.cropped_assets_latest`
WHERE snapshot_id = @snapshot_id
  AND asset_id IN (
    SELECT asset_id FROM `demo.imagery_insights___us.cropped_observations_latest`
    WHERE snapshot_id = @snapshot_id AND asset_id IS NOT NULL
    GROUP BY asset_id HAVING COUNT(*) >= @min_views
  )
  AND asset_id NOT IN (
    SELECT asset_id FROM `demo.imagery_insights___us.cropped_observations_latest`
    WHERE snapshot_id = @snapshot_id AND asset_id IS NOT NULL
    GROUP BY asset_id HAVING COUNT(*) > @max_views
  )"
        );
    }

    #[test]
    fn what_is_new_is_what_neither_an_earlier_snapshot_nor_the_results_have() {
        let selection = Selection {
            since: Some("abc".into()),
            columns: Columns::Named(vec!["gcs_uri".into()]),
            ..Selection::default()
        };
        let (now, all, answered) = (observations(), observations_of("cropped_observations_all"), results());
        let tables = Tables { rows: &now, observations: None, earlier: Some(&all), answered: Some(&answered) };
        assert_eq!(
            Writer { selection: &selection, tables, snapshot: Some("5f78") }.rows().unwrap().sql,
            "SELECT gcs_uri
FROM `demo.imagery_insights___us.cropped_observations_latest` AS candidate
WHERE snapshot_id = @snapshot_id
  AND NOT EXISTS (
    SELECT 1 FROM `demo.imagery_insights___us.cropped_observations_all` AS earlier
    WHERE earlier.snapshot_id = @since AND earlier.observation_id = candidate.observation_id
  )
  AND NOT EXISTS (
    SELECT 1 FROM `demo.imagery_insights___us.answers` AS answered
    WHERE answered.observation_id = candidate.observation_id AND answered.status = 'ok'
  )"
        );
    }

    #[test]
    fn answered_rows_are_left_out_of_those_that_are_chosen() {
        let selection = Selection {
            limit: Some(5),
            unanswered_by: Some("gcs_uri".into()),
            columns: Columns::Named(vec!["gcs_uri".into()]),
            ..Selection::default()
        };
        let (now, answered) = (observations(), results());
        let tables = Tables { rows: &now, observations: None, earlier: None, answered: Some(&answered) };
        assert_eq!(
            Writer { selection: &selection, tables, snapshot: Some("5f78") }.rows().unwrap().sql,
            "SELECT gcs_uri
FROM (
  SELECT *
  FROM `demo.imagery_insights___us.cropped_observations_latest`
  WHERE snapshot_id = @snapshot_id
  ORDER BY asset_id, observation_id
  LIMIT @limit
) AS candidate
WHERE NOT EXISTS (
    SELECT 1 FROM `demo.imagery_insights___us.answers` AS answered
    WHERE answered.gcs_uri = candidate.gcs_uri AND answered.status = 'ok'
  )
ORDER BY asset_id, observation_id"
        );
    }

    #[test]
    fn conditions_compare_columns_with_parameters() {
        let text = |text: &str| ParameterValue::String(text.into());
        let selection = Selection {
            conditions: vec![
                ("gcs_uri".into(), Condition::IsNull),
                ("asset_id".into(), Condition::AnyOf(vec![text("a"), text("b")])),
                ("location.latitude".into(), Condition::Between(Some(ParameterValue::Int64(33)), None)),
                ("capture_time".into(), Condition::Equals(ParameterValue::Date("2026-01-31".into()))),
            ],
            ..Selection::default()
        };
        let statement = rows(&selection);
        assert!(
            statement.sql.ends_with(
                "
  AND gcs_uri IS NULL
  AND asset_id IN UNNEST(@where_2)
  AND location.latitude >= @where_3_least
  AND capture_time = @where_4"
            ),
            "{}",
            statement.sql
        );
        assert_eq!(statement.parameters[2].value, ParameterValue::Float64(33.0));
        assert_eq!(statement.parameters[3].value, ParameterValue::Timestamp("2026-01-31 00:00:00+00:00".into()));
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        let equals = |path: &str, value| {
            refused(&Selection { conditions: vec![(path.into(), Condition::Equals(value))], ..Selection::default() })
        };
        assert_eq!(
            equals("asset_id", ParameterValue::Int64(1)),
            "the column `asset_id` is a STRING, which the value in `where` cannot be compared with"
        );
        assert!(equals("location", ParameterValue::Int64(1)).contains("is a STRUCT"));
    }

    #[test]
    fn hostile_values_stay_parameters() {
        let hostile = "'; DROP TABLE `x`; --\n\\\"@limit";
        let selection = Selection {
            kinds: vec![hostile.into()],
            captured_after: Some(hostile.into()),
            captured_before: Some(hostile.into()),
            conditions: vec![("asset_id".into(), Condition::Equals(ParameterValue::String(hostile.into())))],
            sample: Some(Sample { rows: 3, seed: hostile.into(), stratify_by: None }),
            ..Selection::default()
        };
        let observations = observations();
        let writer = Writer { snapshot: Some(hostile), ..writer(&selection, &observations) };
        for statement in [writer.rows().unwrap(), writer.count().unwrap()] {
            assert!(!statement.sql.contains("DROP"), "{}", statement.sql);
        }
        assert!(
            refused(&Selection { columns: Columns::Named(vec![hostile.into()]), ..Selection::default() })
                .contains("no column")
        );
    }
}
