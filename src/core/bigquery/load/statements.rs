//! The SQL that brings rows from a staging table into their table. Names are checked and quoted; values never appear.

use super::super::wire::TableFieldSchema;
use super::fit::mode;
use super::target::Target;

/// What goes through a staging table as text: a load job refuses JSON in Parquet, and a BIGNUMERIC may have more digits
/// than any decimal there.
pub(super) fn needs_conversion(columns: &[TableFieldSchema]) -> bool {
    columns.iter().any(|column| is_text(column) || needs_conversion(&column.fields))
}

fn is_text(column: &TableFieldSchema) -> bool {
    matches!(column.field_type.as_str(), "JSON" | "BIGNUMERIC" | "BIGDECIMAL")
}

/// The columns of the staging table.
pub(super) fn staged(columns: &[TableFieldSchema]) -> Vec<TableFieldSchema> {
    let staged = |column: &TableFieldSchema| TableFieldSchema {
        name: column.name.clone(),
        field_type: if is_text(column) { "STRING" } else { &column.field_type }.to_owned(),
        mode: column.mode.clone(),
        fields: staged(&column.fields),
        ..TableFieldSchema::default()
    };
    columns.iter().map(staged).collect()
}

/// Which rows are the same, and whose values win.
pub(super) struct Matching<'a> {
    /// The columns that tell rows apart.
    pub(super) keys: &'a [String],
    /// Whether some of them are null.
    pub(super) has_null_keys: bool,
    /// A row that has this column keeps its values where the new row lacks it.
    pub(super) kept_column: Option<&'a str>,
}

/// `MERGE` by key. A key of several columns is matched in all; nulls match nulls where there are some.
pub(super) fn merge(
    target: &Target,
    staging: &Target,
    columns: &[TableFieldSchema],
    matching: &Matching<'_>,
) -> String {
    let Matching { keys, has_null_keys, kept_column } = *matching;
    let on = keys.iter().map(|key| {
        let (target, source) = (column_of("target", key), column_of("source", key));
        if has_null_keys {
            format!("({target} = {source} OR ({target} IS NULL AND {source} IS NULL))")
        } else {
            format!("{target} = {source}")
        }
    });
    let others = columns.iter().filter(|column| !keys.contains(&column.name));
    let updates: Vec<_> =
        others.map(|column| format!("{} = {}", quoted(&column.name), column_of("source", &column.name))).collect();
    let condition = kept_column.map_or_else(String::new, |column| {
        format!(" AND ({} IS NOT NULL OR {} IS NULL)", column_of("source", column), column_of("target", column))
    });
    let update = match updates.as_slice() {
        [] => String::new(),
        updates => format!("WHEN MATCHED{condition} THEN UPDATE SET {}\n", updates.join(", ")),
    };
    format!(
        "MERGE INTO {} AS target\nUSING {} AS source\nON {}\n{update}WHEN NOT MATCHED THEN INSERT ({}) VALUES ({})",
        target.quoted(),
        source(staging, columns),
        on.collect::<Vec<_>>().join(" AND "),
        names(columns),
        names_of("source", columns),
    )
}

/// `INSERT` of all staged rows.
pub(super) fn insert(target: &Target, staging: &Target, columns: &[TableFieldSchema]) -> String {
    format!("INSERT INTO {} ({})\n{}", target.quoted(), names(columns), select(staging, columns))
}

/// All staged rows in the place of all rows, in one statement, so that nobody sees a half of it.
pub(super) fn replace(target: &Target, staging: &Target, columns: &[TableFieldSchema]) -> String {
    format!(
        "MERGE INTO {} AS target\nUSING {} AS source\nON FALSE\nWHEN NOT MATCHED BY SOURCE THEN DELETE\n\
         WHEN NOT MATCHED THEN INSERT ({}) VALUES ({})",
        target.quoted(),
        source(staging, columns),
        names(columns),
        names_of("source", columns),
    )
}

/// The staged rows in the types of the table.
fn source(staging: &Target, columns: &[TableFieldSchema]) -> String {
    if needs_conversion(columns) { format!("({})", select(staging, columns)) } else { staging.quoted() }
}

fn select(staging: &Target, columns: &[TableFieldSchema]) -> String {
    let values = columns.iter().map(|column| {
        let (value, name) = (value("staged", column, 0), quoted(&column.name));
        if needs_conversion(std::slice::from_ref(column)) { format!("{value} AS {name}") } else { value }
    });
    format!("SELECT {} FROM {} AS staged", values.collect::<Vec<_>>().join(", "), staging.quoted())
}

fn names(columns: &[TableFieldSchema]) -> String {
    columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
}

fn names_of(parent: &str, columns: &[TableFieldSchema]) -> String {
    columns.iter().map(|column| column_of(parent, &column.name)).collect::<Vec<_>>().join(", ")
}

/// A staged value in the type of the table. `depth` keeps the names of nested lists apart.
fn value(parent: &str, column: &TableFieldSchema, depth: usize) -> String {
    let plain = column_of(parent, &column.name);
    if !needs_conversion(std::slice::from_ref(column)) {
        return plain;
    }
    if mode(column) == "REPEATED" {
        let item = format!("item{depth}");
        let converted = converted(&item, column, depth + 1);
        return format!(
            "ARRAY(SELECT {converted} FROM UNNEST({plain}) AS {item} WITH OFFSET AS place{depth} ORDER BY place{depth})"
        );
    }
    converted(&plain, column, depth)
}

fn converted(plain: &str, column: &TableFieldSchema, depth: usize) -> String {
    if column.field_type == "JSON" {
        // Numbers that FLOAT64 cannot hold exactly are rounded, as everywhere in JSON.
        return format!("PARSE_JSON({plain}, wide_number_mode => 'round')");
    }
    if is_text(column) {
        return format!("CAST({plain} AS BIGNUMERIC)");
    }
    let fields = column.fields.iter().map(|field| format!("{} AS {}", value(plain, field, depth), quoted(&field.name)));
    format!("IF({plain} IS NULL, NULL, STRUCT({}))", fields.collect::<Vec<_>>().join(", "))
}

fn column_of(parent: &str, name: &str) -> String {
    format!("{parent}.{}", quoted(name))
}

/// Names with a backtick or a backslash were refused before.
fn quoted(name: &str) -> String {
    format!("`{name}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, field_type: &str, mode: &str, fields: Vec<TableFieldSchema>) -> TableFieldSchema {
        TableFieldSchema {
            name: name.into(),
            field_type: field_type.into(),
            mode: Some(mode.into()),
            fields,
            ..TableFieldSchema::default()
        }
    }

    fn target(table: &str) -> Target {
        Target::parse(&format!("d.{table}"), "p").unwrap()
    }

    fn by_id(has_null_keys: bool, kept_column: Option<&'static str>) -> Matching<'static> {
        static KEYS: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
        Matching { keys: KEYS.get_or_init(|| vec!["id".to_owned()]), has_null_keys, kept_column }
    }

    #[test]
    fn a_row_that_lacks_the_kept_column_changes_none_that_has_it() {
        let columns = [column("id", "INTEGER", "NULLABLE", vec![]), column("a", "STRING", "NULLABLE", vec![])];
        let sql = merge(&target("t"), &target("s"), &columns, &by_id(false, Some("a")));
        assert!(sql.contains("WHEN MATCHED AND (source.`a` IS NOT NULL OR target.`a` IS NULL) THEN UPDATE"));
    }

    #[test]
    fn a_merge_updates_what_matches_and_inserts_the_rest() {
        let columns = [column("id", "INTEGER", "NULLABLE", vec![]), column("a", "STRING", "NULLABLE", vec![])];
        let sql = merge(&target("t"), &target("s"), &columns, &by_id(false, None));
        assert_eq!(
            sql,
            "MERGE INTO `p`.`d`.`t` AS target\nUSING `p`.`d`.`s` AS source\nON target.`id` = source.`id`\n\
             WHEN MATCHED THEN UPDATE SET `a` = source.`a`\n\
             WHEN NOT MATCHED THEN INSERT (`id`, `a`) VALUES (source.`id`, source.`a`)"
        );
    }

    #[test]
    fn null_keys_match_and_a_row_of_nothing_but_keys_is_not_updated() {
        let sql = merge(&target("t"), &target("s"), &[column("id", "INTEGER", "NULLABLE", vec![])], &by_id(true, None));
        assert!(sql.contains("(target.`id` = source.`id` OR (target.`id` IS NULL AND source.`id` IS NULL))"));
        assert!(!sql.contains("UPDATE"));
    }

    #[test]
    fn json_is_staged_as_text_and_parsed_wherever_it_is() {
        let inner = vec![column("raw", "JSON", "NULLABLE", vec![]), column("n", "INTEGER", "NULLABLE", vec![])];
        let columns = [column("list", "RECORD", "REPEATED", inner)];
        assert!(needs_conversion(&columns));
        assert_eq!(staged(&columns)[0].fields[0].field_type, "STRING");
        assert_eq!(
            insert(&target("t"), &target("s"), &columns),
            "INSERT INTO `p`.`d`.`t` (`list`)\n\
             SELECT ARRAY(SELECT IF(item0 IS NULL, NULL, STRUCT(PARSE_JSON(item0.`raw`, wide_number_mode => 'round') \
             AS `raw`, item0.`n` AS `n`)) FROM UNNEST(staged.`list`) AS item0 WITH OFFSET AS place0 ORDER BY place0) \
             AS `list` FROM `p`.`d`.`s` AS staged"
        );
    }
}
