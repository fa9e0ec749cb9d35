-- Numbers
CREATE MACRO bq_numeric(x) AS CAST(x AS DECIMAL(38,9));
CREATE MACRO bq_numeric_function(name, x, y) AS
    CAST(bq_decimal_function(name, CAST(x AS VARCHAR), CAST(y AS VARCHAR)) AS DECIMAL(38,9));
CREATE MACRO bq_numeric_text(x) AS
    CASE
    WHEN x = trunc(x) THEN split_part(CAST(x AS VARCHAR), '.', 1)
    ELSE rtrim(CAST(x AS VARCHAR), '0') END;
CREATE MACRO bq_divide(a, b) AS
    CASE
    WHEN b = 0 THEN CAST(bq_raise('division by zero: ' || bq_float_text(a) || ' / ' || bq_float_text(b)) AS DOUBLE)
    WHEN isfinite(a / b) OR NOT isfinite(a) OR NOT isfinite(b) THEN a / b
    ELSE CAST(bq_raise('double overflow: ' || bq_float_text(a) || ' / ' || bq_float_text(b)) AS DOUBLE) END;
CREATE MACRO bq_float_add(a, b) AS
    CASE
    WHEN isfinite(a + b) OR NOT isfinite(a) OR NOT isfinite(b) THEN a + b
    ELSE CAST(bq_raise('double overflow: ' || bq_float_text(a) || ' + ' || bq_float_text(b)) AS DOUBLE) END;
CREATE MACRO bq_float_subtract(a, b) AS
    CASE
    WHEN isfinite(a - b) OR NOT isfinite(a) OR NOT isfinite(b) THEN a - b
    ELSE CAST(bq_raise('double overflow: ' || bq_float_text(a) || ' - ' || bq_float_text(b)) AS DOUBLE) END;
CREATE MACRO bq_float_multiply(a, b) AS
    CASE
    WHEN isfinite(a * b) OR NOT isfinite(a) OR NOT isfinite(b) THEN a * b
    ELSE CAST(bq_raise('double overflow: ' || bq_float_text(a) || ' * ' || bq_float_text(b)) AS DOUBLE) END;
CREATE MACRO bq_ieee_divide(a, b) AS
    CASE
    WHEN b <> 0 OR isnan(a) OR isnan(b) THEN CASE
    WHEN isnan(a) OR isnan(b) THEN CAST('nan' AS DOUBLE)
    ELSE a / b END
    WHEN a IS NULL OR b IS NULL THEN NULL
    WHEN a = 0 THEN CAST('nan' AS DOUBLE)
    WHEN (a > 0) = (signbit(b) = false) THEN CAST('inf' AS DOUBLE)
    ELSE CAST('-inf' AS DOUBLE) END;
CREATE MACRO bq_numeric_multiply(a, b) AS
    CAST(bq_decimal_operation('*', CAST(a AS VARCHAR), CAST(b AS VARCHAR)) AS DECIMAL(38,9));
CREATE MACRO bq_numeric_divide(a, b) AS
    CAST(bq_decimal_operation('/', CAST(a AS VARCHAR), CAST(b AS VARCHAR)) AS DECIMAL(38,9));
CREATE MACRO bq_numeric_round(x, n) AS CAST(bq_decimal_round(CAST(x AS VARCHAR), n, true) AS DECIMAL(38,9));
CREATE MACRO bq_numeric_trunc(x, n) AS
    CAST(bq_decimal_round(CAST(x AS VARCHAR), n, false) AS DECIMAL(38,9));
CREATE MACRO bq_numeric_from_text(x) AS CAST(bq_decimal_text(x) AS DECIMAL(38,9));
CREATE MACRO bq_float_to_numeric(x) AS CAST(bq_decimal_of_float(x) AS DECIMAL(38,9));
CREATE MACRO bq_float_to_int64(x) AS
    CASE
    WHEN isnan(x) OR isinf(x) OR abs(x) >= 9223372036854775808.0
        THEN CAST(bq_raise('Illegal conversion of non-finite floating point number to an integer: '
        || bq_float_text(x)) AS BIGINT)
    ELSE CAST(round(x) AS BIGINT) END;
CREATE MACRO bq_finite(result, a, b, shown) AS
    CASE
    WHEN isfinite(result) OR result IS NULL OR NOT isfinite(a) OR NOT isfinite(b) THEN result
    ELSE CAST(bq_raise('Floating point error in function: ' || shown) AS DOUBLE) END;
CREATE MACRO bq_float_from_text(x) AS
    CASE
    WHEN regexp_full_match(x, '\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*')
        OR regexp_full_match(x, '(?i)\s*[+-]?(nan|inf|infinity)\s*') THEN CAST(x AS DOUBLE)
    WHEN regexp_full_match(x, '(?i)\s*[+-]?0x[0-9a-f]+\s*') THEN CAST(bq_hex_int64(x) AS DOUBLE)
    WHEN x IS NOT NULL THEN CAST(bq_raise('Bad double value: ' || x) AS DOUBLE) END;
CREATE MACRO bq_integer_divide(a, b) AS
    CASE
    WHEN b = 0 THEN CAST(bq_raise('division by zero: DIV(' || a || ', ' || b || ')') AS BIGINT)
    ELSE CAST(a // b AS BIGINT) END;
CREATE MACRO bq_mod(a, b) AS
    CASE
    WHEN b = 0 THEN a + CAST(bq_raise('division by zero: MOD(' || a || ', ' || b || ')') AS BIGINT)
    ELSE a % b END;
CREATE MACRO bq_floor_divide(a, b) AS
    CAST(CASE
    WHEN a >= 0 OR a % b = 0 THEN a // b
    ELSE a // b - 1 END AS BIGINT);
CREATE MACRO bq_truncate_divide(a, b) AS CAST(a // b AS BIGINT);
CREATE MACRO bq_round_float(x, n) AS
    CASE
    WHEN isnan(x) OR isinf(x) THEN x
    ELSE round(x, CAST(n AS INTEGER)) END;
CREATE MACRO bq_trunc_float(x, n) AS
    CASE
    WHEN isnan(x) OR isinf(x) THEN x
    ELSE trunc(x * pow(10, n)) / pow(10, n) END;
CREATE MACRO bq_shift_left(a, n) AS
    CASE
    WHEN n < 0 THEN CAST(bq_raise('Bitwise shift by negative offset.') AS BIGINT)
    WHEN n >= 64 THEN 0
    ELSE bq_shift(a, n) END;
CREATE MACRO bq_shift_right(a, n) AS
    CASE
    WHEN n < 0 THEN CAST(bq_raise('Bitwise shift by negative offset.') AS BIGINT)
    WHEN n >= 64 THEN 0
    ELSE bq_shift(a, -n) END;
CREATE MACRO bq_float_eq(a, b) AS (a = b AND NOT isnan(a));
CREATE MACRO bq_float_ne(a, b) AS (a <> b OR isnan(a));
CREATE MACRO bq_float_lt(a, b) AS (a < b AND NOT isnan(b));
CREATE MACRO bq_float_le(a, b) AS (a <= b AND NOT isnan(a) AND NOT isnan(b));
CREATE MACRO bq_float_gt(a, b) AS (a > b AND NOT isnan(a));
CREATE MACRO bq_float_ge(a, b) AS (a >= b AND NOT isnan(a) AND NOT isnan(b));
CREATE MACRO bq_greatest(items) AS
    CASE
    WHEN list_count(items) < len(items) THEN NULL
    ELSE list_max(items) END;
CREATE MACRO bq_float_least(items) AS
    CASE
    WHEN list_count(items) < len(items) THEN NULL
    WHEN len(list_filter(items, lambda e: isnan(e))) > 0 THEN CAST('nan' AS DOUBLE)
    ELSE list_min(items) END;
CREATE MACRO bq_least(items) AS CASE WHEN list_count(items) < len(items) THEN NULL ELSE list_min(items) END;
CREATE MACRO bq_float_json(x) AS
    CAST(CASE
    WHEN isnan(x) OR isinf(x) THEN '"' || CASE
    WHEN isnan(x) THEN 'NaN'
    WHEN x > 0 THEN 'Infinity'
    ELSE '-Infinity' END || '"'
    ELSE bq_float_text(x) END AS JSON);
