//! The statements that tell what a selection holds, each of a few bytes a row.

use super::naming::Entity;
use super::selection::Selection;
use super::shape::Shape;
use super::statement::{Parts, Statement, Writer, indented};
use crate::bigquery::parameters::ParameterValue;
use crate::error::Result;

impl Writer<'_> {
    /// Statements by what they tell; those that the table has no columns for are left out.
    pub(super) fn profile(&self, assets: Option<&Shape>) -> Result<Vec<(&'static str, Statement)>> {
        let shape = self.tables.rows;
        let mut statements = vec![("totals", self.totals()?)];
        if shape.has("asset_type") {
            statements.push(("classes", self.classes(true)?));
        }
        if shape.has("asset_id") && self.selection.entity != Some(Entity::Assets) {
            let sql = "SELECT views, COUNT(*) AS assets\nFROM (\n  SELECT asset_id, COUNT(*) AS views FROM chosen \
                       WHERE asset_id IS NOT NULL GROUP BY asset_id\n)\nGROUP BY views\nORDER BY views";
            statements.push(("views", self.over(&["asset_id"], sql)?));
        }
        if shape.has("capture_time") {
            let sql = "SELECT EXTRACT(YEAR FROM capture_time) AS year, COUNT(*) AS row_count\nFROM chosen\n\
                       GROUP BY year\nORDER BY year";
            statements.push(("years", self.over(&["capture_time"], sql)?));
        }
        if let (Some(assets), true) = (assets, shape.has("asset_id")) {
            statements.push(("without_observations", self.without_observations(assets)?));
        }
        Ok(statements)
    }

    /// How many rows each class has; of every class where the selection's own are not asked for.
    pub(super) fn classes(&self, by_class: bool) -> Result<Statement> {
        let list = "SELECT asset_type, COUNT(*) AS row_count";
        if by_class {
            return self
                .over(&["asset_type"], &format!("{list}\nFROM chosen\nGROUP BY asset_type\nORDER BY row_count DESC"));
        }
        let mut parts = Parts::default();
        if let Some(snapshot) = self.snapshot {
            parts.give("snapshot_id", ParameterValue::String(snapshot.to_owned()));
            parts.ask("snapshot_id = @snapshot_id");
        }
        let sql = format!(
            "{list}\nFROM {}{}\nGROUP BY asset_type\nORDER BY row_count DESC",
            self.tables.rows.sql()?,
            parts.clause()
        );
        Ok(Statement { sql, parameters: parts.parameters })
    }

    fn totals(&self) -> Result<Statement> {
        let shape = self.tables.rows;
        let (mut told, mut needed) = (vec!["COUNT(*) AS row_count"], Vec::new());
        if shape.has("asset_id") {
            told.push("COUNT(DISTINCT asset_id) AS assets");
            needed.push("asset_id");
        }
        if shape.has("capture_time") {
            told.extend(["MIN(capture_time) AS first_capture", "MAX(capture_time) AS last_capture"]);
            needed.push("capture_time");
        }
        self.over(&needed, &format!("SELECT\n  {}\nFROM chosen", told.join(",\n  ")))
    }

    /// A statement over the rows that the filters leave, before a sample or a limit.
    fn over(&self, columns: &[&str], outer: &str) -> Result<Statement> {
        let mut parts = Parts::default();
        let unlimited = Selection { sample: None, limit: None, ..self.selection.clone() };
        let writer = Writer { selection: &unlimited, tables: self.tables, snapshot: self.snapshot };
        let list = if columns.is_empty() { "1 AS present".to_owned() } else { columns.join(", ") };
        let inner = format!("SELECT {list}\n{}", writer.body(&mut parts)?);
        let sql = format!("WITH chosen AS (\n{}\n)\n{outer}", indented(&inner));
        Ok(Statement { sql, parameters: parts.parameters })
    }

    /// Assets of the same class and area that have no observation: more than half of those published.
    fn without_observations(&self, assets: &Shape) -> Result<Statement> {
        let mut parts = Parts::default();
        let selection = Selection {
            entity: Some(Entity::Assets),
            kinds: self.selection.kinds.clone(),
            within: self.selection.within.clone(),
            ..Default::default()
        };
        let mut tables = self.tables;
        (tables.rows, tables.observations, tables.earlier, tables.answered) = (assets, None, None, None);
        Writer { selection: &selection, tables, snapshot: self.snapshot }.filters(&mut parts, true)?;
        let observations = self.tables.observations.unwrap_or(self.tables.rows);
        let in_snapshot = if self.snapshot.is_some() { " WHERE snapshot_id = @snapshot_id" } else { "" };
        let inner = format!("SELECT DISTINCT asset_id\nFROM {}{}", assets.sql()?, parts.clause());
        let sql = format!(
            "WITH chosen AS (\n{}\n)\nSELECT\n  COUNT(*) AS assets,\n  COUNTIF(seen.asset_id IS NULL) AS without_observations\n\
             FROM chosen\nLEFT JOIN (\n  SELECT DISTINCT asset_id FROM {}{in_snapshot}\n) AS seen\n\
             ON seen.asset_id = chosen.asset_id",
            indented(&inner),
            observations.sql()?
        );
        Ok(Statement { sql, parameters: parts.parameters })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{assets, observations};
    use super::super::statement::Tables;
    use super::*;

    fn profile() -> Vec<(&'static str, Statement)> {
        let selection = Selection { kinds: vec!["sign".into()], limit: Some(3), ..Selection::default() };
        let (rows, assets) = (observations(), assets());
        let tables = Tables { rows: &rows, observations: None, earlier: None, answered: None };
        Writer { selection: &selection, tables, snapshot: Some("5f78") }.profile(Some(&assets)).unwrap()
    }

    #[test]
    fn each_statement_reads_the_columns_it_tells_of() {
        let statements = profile();
        let names: Vec<&str> = statements.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["totals", "classes", "views", "years", "without_observations"]);
        assert_eq!(
            statements[3].1.sql,
            "WITH chosen AS (
  SELECT capture_time
  FROM `demo.imagery_insights___us.cropped_observations_latest`
  WHERE snapshot_id = @snapshot_id
    AND asset_type IN UNNEST(@asset_types)
)
SELECT EXTRACT(YEAR FROM capture_time) AS year, COUNT(*) AS row_count
FROM chosen
GROUP BY year
ORDER BY year"
        );
        assert!(statements.iter().all(|(_, statement)| !statement.sql.contains("gcs_uri")));
    }

    #[test]
    fn assets_without_observations_are_found_by_a_left_join() {
        let (_, statement) = &profile()[4];
        assert_eq!(
            statement.sql,
            "WITH chosen AS (
  SELECT DISTINCT asset_id
  FROM `demo.imagery_insights___us.cropped_assets_latest`
  WHERE snapshot_id = @snapshot_id
    AND asset_type IN UNNEST(@asset_types)
)
SELECT
  COUNT(*) AS assets,
  COUNTIF(seen.asset_id IS NULL) AS without_observations
FROM chosen
LEFT JOIN (
  SELECT DISTINCT asset_id FROM `demo.imagery_insights___us.cropped_observations_latest` WHERE snapshot_id = @snapshot_id
) AS seen
ON seen.asset_id = chosen.asset_id"
        );
    }
}
