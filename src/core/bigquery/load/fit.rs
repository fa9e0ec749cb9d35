//! Whether rows fit a table: which columns they name, which are new, and what they would have to be.

use serde_json::{Value, json};

use super::super::wire::TableFieldSchema;
use super::NewColumns;
use super::infer::UNKNOWN;
use super::target::{ExistingTable, Target};
use crate::error::{Error, ErrorKind, Result};

/// The columns of the rows, as the table has them or will have them.
#[derive(Debug)]
pub(super) struct Fitted {
    /// Columns of the rows in their order, by the table's names and types.
    pub(super) columns: Vec<TableFieldSchema>,
    /// All columns of the table, once it has those that are new.
    pub(super) described: Vec<Value>,
    /// The paths of what the table lacks.
    pub(super) added: Vec<String>,
}

/// Columns for a table that is yet to be made.
pub(super) fn new_table(given: &[TableFieldSchema]) -> Result<Fitted> {
    check_known(given, &mut Vec::new())?;
    Ok(Fitted { columns: given.to_vec(), described: given.iter().map(|column| json!(column)).collect(), added: vec![] })
}

/// Columns for a table that is there. What it lacks is refused unless it may be added.
pub(super) fn existing_table(
    given: &[TableFieldSchema],
    table: &ExistingTable,
    target: &Target,
    new_columns: NewColumns,
) -> Result<Fitted> {
    let mut fitting = Fitting { target, added: Vec::new() };
    let mut described = table.described.clone();
    let columns = fitting.fields(given, &table.fields, &mut described, &mut Vec::new())?;
    if let (Some(first), NewColumns::Refuse) = (fitting.added.first(), new_columns) {
        let others = fitting.added.len() - 1;
        let further = if others > 0 { format!(" and {others} more of the rows' columns") } else { String::new() };
        return Err(Error::new(ErrorKind::InvalidInput, format!("`{target}` has no column `{first}`{further}"))
            .with_hint("pass `new_columns=\"add\"` to add what is missing, or leave the columns out"));
    }
    Ok(Fitted { columns, described, added: fitting.added })
}

struct Fitting<'a> {
    target: &'a Target,
    added: Vec<String>,
}

impl Fitting<'_> {
    fn fields(
        &mut self,
        given: &[TableFieldSchema],
        table: &[TableFieldSchema],
        described: &mut Vec<Value>,
        path: &mut Vec<String>,
    ) -> Result<Vec<TableFieldSchema>> {
        let mut fitted = Vec::with_capacity(given.len());
        for field in given {
            path.push(field.name.clone());
            let place = table.iter().position(|known| known.name.to_lowercase() == field.name.to_lowercase());
            if let Some(place) = place {
                fitted.push(self.column(field, &table[place], &mut described[place], path)?);
            } else {
                check_known(std::slice::from_ref(field), &mut path[..path.len() - 1].to_vec())?;
                self.added.push(path.join("."));
                described.push(json!(field));
                fitted.push(field.clone());
            }
            path.pop();
        }
        let is_given = |known: &&TableFieldSchema| fitted.iter().any(|field| field.name == known.name);
        match table.iter().filter(|known| mode(known) == "REQUIRED").find(|known| !is_given(known)) {
            Some(missing) => {
                path.push(missing.name.clone());
                let problem = format!(
                    "column `{}` of `{}` is REQUIRED, and the rows do not have it",
                    path.join("."),
                    self.target
                );
                Err(Error::new(ErrorKind::InvalidInput, problem).with_hint("add the column to the rows"))
            }
            None => Ok(fitted),
        }
    }

    fn column(
        &mut self,
        given: &TableFieldSchema,
        known: &TableFieldSchema,
        described: &mut Value,
        path: &mut Vec<String>,
    ) -> Result<TableFieldSchema> {
        let (given_type, known_type) = (standard(&given.field_type), standard(&known.field_type));
        let is_unknown = given.field_type == UNKNOWN;
        let is_same_shape = (mode(given) == "REPEATED") == (mode(known) == "REPEATED");
        // Only the table knows that a text is one of these.
        let is_text_of = given_type == "STRING" && matches!(known_type, "JSON" | "GEOGRAPHY");
        if !(is_unknown || given_type == known_type || is_text_of)
            || !(is_same_shape || (is_unknown && mode(given) != "REPEATED"))
        {
            return Err(self.mismatch(given, known, path));
        }
        if known_type == "STRUCT" && !is_unknown {
            let mut inner = described.get("fields").and_then(Value::as_array).cloned().unwrap_or_default();
            let given_fields = self.fields(&given.fields, &known.fields, &mut inner, path)?;
            described["fields"] = Value::Array(inner);
            // SQL assigns the fields of a STRUCT by their place, so the table's order counts; what the rows lack is null.
            let is_given = |known: &TableFieldSchema| given_fields.iter().find(|given| given.name == known.name);
            let mut fields: Vec<_> =
                known.fields.iter().map(|known| is_given(known).unwrap_or(known).clone()).collect();
            let is_new = |given: &&TableFieldSchema| known.fields.iter().all(|known| known.name != given.name);
            fields.extend(given_fields.iter().filter(is_new).cloned());
            return Ok(TableFieldSchema { fields, ..known.clone() });
        }
        Ok(known.clone())
    }

    fn mismatch(&self, given: &TableFieldSchema, known: &TableFieldSchema, path: &[String]) -> Error {
        let (given_type, known_type) = (in_words(given), in_words(known));
        let problem =
            format!("column `{}` is {given_type} in the rows and {known_type} in `{}`", path.join("."), self.target);
        let hint = match (standard(&given.field_type), standard(&known.field_type)) {
            ("DATETIME", "TIMESTAMP") => "give the column a time zone, for example UTC".to_owned(),
            ("TIMESTAMP", "DATETIME") => "take the time zone off the column".to_owned(),
            _ => format!("cast the column to {known_type}, or write to another table"),
        };
        Error::new(ErrorKind::InvalidInput, problem).with_hint(hint)
    }
}

/// A column of nothing but nulls has no type of its own.
fn check_known(fields: &[TableFieldSchema], path: &mut Vec<String>) -> Result<()> {
    for field in fields {
        path.push(field.name.clone());
        if field.field_type == UNKNOWN {
            let problem = format!("column `{}` holds only nulls, and nothing tells its type", path.join("."));
            return Err(Error::new(ErrorKind::InvalidInput, problem)
                .with_hint("cast it to the type that it shall have, or leave it out"));
        }
        check_known(&field.fields, path)?;
        path.pop();
    }
    Ok(())
}

pub(super) fn mode(field: &TableFieldSchema) -> &str {
    field.mode.as_deref().unwrap_or("NULLABLE")
}

/// The type by its name in SQL.
pub(super) fn standard(field_type: &str) -> &str {
    match field_type {
        "INTEGER" => "INT64",
        "FLOAT" => "FLOAT64",
        "BOOLEAN" => "BOOL",
        "RECORD" => "STRUCT",
        "DECIMAL" => "NUMERIC",
        "BIGDECIMAL" => "BIGNUMERIC",
        other => other,
    }
}

fn in_words(field: &TableFieldSchema) -> String {
    let field_type = standard(&field.field_type);
    if mode(field) == "REPEATED" { format!("ARRAY<{field_type}>") } else { field_type.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, field_type: &str, mode: &str) -> TableFieldSchema {
        TableFieldSchema {
            name: name.into(),
            field_type: field_type.into(),
            mode: Some(mode.into()),
            ..TableFieldSchema::default()
        }
    }

    fn fitted(given: &[TableFieldSchema], table: Vec<TableFieldSchema>, new_columns: NewColumns) -> Result<Fitted> {
        let described = table.iter().map(|field| json!(field)).collect();
        let table = ExistingTable {
            fields: table,
            described,
            created: "1".into(),
            is_empty: false,
            layout: serde_json::Map::new(),
        };
        existing_table(given, &table, &Target::parse("d.t", "p").unwrap(), new_columns)
    }

    #[test]
    fn a_column_takes_the_name_and_the_type_of_the_tables() {
        let given = [field("Shape", "STRING", "NULLABLE"), field("note", UNKNOWN, "NULLABLE")];
        let table = vec![field("note", "JSON", "NULLABLE"), field("shape", "GEOGRAPHY", "NULLABLE")];
        let fitted = fitted(&given, table, NewColumns::Refuse).unwrap();
        let names: Vec<_> =
            fitted.columns.iter().map(|column| (column.name.as_str(), column.field_type.as_str())).collect();
        assert_eq!(names, [("shape", "GEOGRAPHY"), ("note", "JSON")]);
    }

    #[test]
    fn a_mismatch_names_both_types() {
        let error =
            fitted(&[field("a", "DATETIME", "NULLABLE")], vec![field("a", "TIMESTAMP", "NULLABLE")], NewColumns::Add)
                .unwrap_err();
        assert_eq!(error.message(), "column `a` is DATETIME in the rows and TIMESTAMP in `p.d.t`");
        let error =
            fitted(&[field("a", "INTEGER", "NULLABLE")], vec![field("a", "INT64", "REPEATED")], NewColumns::Add)
                .unwrap_err();
        assert!(error.message().contains("INT64 in the rows and ARRAY<INT64>"));
    }

    #[test]
    fn a_new_column_is_refused_by_name_or_added_also_within_a_struct() {
        let mut given = field("a", "RECORD", "NULLABLE");
        given.fields = vec![field("x", "INTEGER", "NULLABLE"), field("y", "INTEGER", "NULLABLE")];
        let mut known = field("a", "RECORD", "NULLABLE");
        known.fields = vec![field("x", "INTEGER", "NULLABLE")];
        let error = fitted(&[given.clone()], vec![known.clone()], NewColumns::Refuse).unwrap_err();
        assert_eq!(error.message(), "`p.d.t` has no column `a.y`");
        let fitted = fitted(&[given], vec![known], NewColumns::Add).unwrap();
        assert_eq!(fitted.added, ["a.y"]);
        assert_eq!(fitted.described[0]["fields"][1]["name"], "y");
    }

    #[test]
    fn a_required_column_must_be_given() {
        let table = vec![field("a", "INTEGER", "NULLABLE"), field("b", "INTEGER", "REQUIRED")];
        let error = fitted(&[field("a", "INTEGER", "NULLABLE")], table, NewColumns::Refuse).unwrap_err();
        assert!(error.message().contains("`b`"));
    }

    #[test]
    fn a_column_of_nulls_needs_a_table_that_knows_its_type() {
        let error = new_table(&[field("a", UNKNOWN, "NULLABLE")]).unwrap_err();
        assert!(error.message().contains("only nulls"));
    }
}
