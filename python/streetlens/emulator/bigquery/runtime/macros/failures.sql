-- Failures: the cast of a marked message to BOOLEAN raises it. DuckDB evaluates a constant CASE condition while
-- planning, so a failing check must be a result of CASE, never its condition.
CREATE MACRO bq_raise(message) AS CAST('{failure}' || message || '{failure}' AS BOOLEAN);
CREATE MACRO bq_fail(x, message) AS list_extract([x], CAST(bq_raise(message) AS BIGINT));
CREATE MACRO bq_not_negative(n, name) AS
    CASE
    WHEN n >= 0 THEN n
    WHEN n IS NULL THEN NULL
    ELSE bq_fail(n, 'Second argument in ' || name || '() cannot be negative') END;
CREATE MACRO bq_step(n) AS
    CASE
    WHEN n <> 0 THEN n
    WHEN n IS NULL THEN NULL
    ELSE bq_fail(n, 'Sequence step cannot be 0.') END;
