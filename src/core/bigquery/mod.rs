//! BigQuery: queries, jobs, tables.
