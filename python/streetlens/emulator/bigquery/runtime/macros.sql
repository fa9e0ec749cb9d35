-- DuckDB macros with BigQuery's semantics, for everything that plain SQL can express.

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

-- Texts, bytes and conversions from text
CREATE MACRO bq_int64_from_text(x) AS
    CASE
    WHEN regexp_full_match(x, '\s*[+-]?[0-9]+\s*') THEN CAST(x AS BIGINT)
    WHEN regexp_full_match(x, '\s*[+-]?0[xX][0-9a-fA-F]+\s*') THEN bq_hex_int64(x)
    WHEN x IS NULL THEN NULL
    ELSE CAST(bq_raise('Bad int64 value: ' || x) AS BIGINT) END;
CREATE MACRO bq_bool_from_text(x) AS
    CASE lower(x)
    WHEN 'true' THEN true
    WHEN 'false' THEN false
    ELSE CASE
    WHEN x IS NOT NULL THEN bq_raise('Bad bool value: ' || x) END END;
CREATE MACRO bq_date_from_text(x) AS
    CASE
    WHEN regexp_full_match(x, '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') THEN CAST(x AS DATE)
    WHEN x IS NOT NULL THEN CAST(CAST(bq_raise('Invalid date: ''' || x || '''') AS VARCHAR) AS DATE) END;
CREATE MACRO bq_time_from_text(x) AS
    CASE
    WHEN regexp_full_match(x, '[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]{1,6})?') THEN CAST(x AS TIME)
    WHEN x IS NOT NULL THEN CAST(CAST(bq_raise('Invalid time string "' || x || '"') AS VARCHAR) AS TIME) END;
CREATE MACRO bq_datetime_from_text(x) AS
    CASE
    WHEN regexp_full_match(x,
        '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]{0,6})?)?')
        THEN CAST(upper(x) AS TIMESTAMP)
    WHEN x IS NOT NULL THEN CAST(CAST(bq_raise('Invalid datetime string "' || x || '"') AS VARCHAR)
        AS TIMESTAMP) END;
CREATE MACRO bq_fraction(micros) AS
    CASE
    WHEN micros = 0 THEN ''
    WHEN micros % 1000 = 0 THEN '.' || lpad(CAST(micros // 1000 AS VARCHAR), 3, '0')
    ELSE '.' || lpad(CAST(micros AS VARCHAR), 6, '0') END;
CREATE MACRO bq_datetime_text(x) AS
    left(CAST(x AS VARCHAR), 19) || bq_fraction((epoch_us(x) % 1000000 + 1000000) % 1000000);
CREATE MACRO bq_datetime_micros(x) AS
    left(CAST(x AS VARCHAR), 19) || CASE
    WHEN epoch_us(x) % 1000000 = 0 THEN ''
    ELSE '.' || lpad(CAST((epoch_us(x) % 1000000 + 1000000) % 1000000 AS VARCHAR), 6, '0') END;
CREATE MACRO bq_time_micros(x) AS
    left(CAST(x AS VARCHAR), 8) || CASE
    WHEN epoch_us(DATE '1970-01-01' + x) % 1000000 = 0 THEN ''
    ELSE '.' || lpad(CAST(epoch_us(DATE '1970-01-01' + x) % 1000000 AS VARCHAR), 6, '0') END;
CREATE MACRO bq_time_text(x) AS
    left(CAST(x AS VARCHAR), 8) || bq_fraction(epoch_us(DATE '1970-01-01' + x) % 1000000);
CREATE MACRO bq_limited(x, n) AS
    CASE
    WHEN len(x) <= n OR x IS NULL THEN x
    ELSE bq_fail(x, 'Value has length ' || len(x) || ' which exceeds the maximum length ' || n) END;
CREATE MACRO bq_substr(s, p) AS
    CASE
    WHEN p > 0 THEN substr(s, p)
    WHEN p = 0 OR -p >= length(s) THEN s
    ELSE right(s, -p) END;
CREATE MACRO bq_substr_length(s, p, n) AS left(bq_substr(s, p), bq_not_negative(n, 'SUBSTR'));
CREATE MACRO bq_bytes_substr(b, p, n) AS
    CASE
    WHEN p > 0 THEN bq_bytes_slice(b, p, n)
    WHEN p = 0 OR -p >= octet_length(b) THEN bq_bytes_slice(b, 1, n)
    ELSE bq_bytes_slice(b, octet_length(b) + p + 1, n) END;
CREATE MACRO bq_pad_checked(s, n, pad) AS
    CASE
    WHEN n < 0 THEN CAST(bq_raise('Second argument (output size) for LPAD/RPAD cannot be negative') AS VARCHAR)
    WHEN pad = '' THEN CAST(bq_raise('Third argument (pad pattern) for LPAD/RPAD cannot be empty') AS VARCHAR)
    ELSE s END;
CREATE MACRO bq_split(s, d) AS
    CASE
    WHEN s IS NULL OR d IS NULL THEN NULL
    WHEN s = '' THEN ['']
    WHEN d = '' THEN bq_characters(s)
    ELSE string_split(s, d) END;

-- Arrays
CREATE MACRO bq_array_at(a, i) AS
    CASE
    WHEN i >= 0 AND i < len(a) THEN a[i + 1]
    WHEN a IS NULL OR i IS NULL THEN NULL
    ELSE bq_fail(a[1], 'Array index ' || i || ' is out of bounds') END;
CREATE MACRO bq_array_at_safe(a, i) AS CASE WHEN i >= 0 AND i < len(a) THEN a[i + 1] END;
CREATE MACRO bq_array_concat(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE list_concat(a, b) END;
CREATE MACRO bq_array_concat_all(lists) AS
    CASE
    WHEN list_count(lists) < len(lists) THEN NULL
    ELSE flatten(lists) END;
CREATE MACRO bq_array_slice(a, i, j) AS
    CASE
    WHEN i IS NULL OR j IS NULL THEN NULL
    ELSE list_slice(a, CASE WHEN i < 0 THEN greatest(len(a) + i, 0) ELSE i END + 1,
        CASE WHEN j < 0 THEN len(a) + j ELSE j END + 1) END;
CREATE MACRO bq_array_to_string(a, d) AS array_to_string(list_filter(a, lambda e: e IS NOT NULL), d);
CREATE MACRO bq_array_to_string_nulls(a, d, n) AS
    array_to_string(list_transform(a, lambda e: coalesce(e, n)), d);
CREATE MACRO bq_in_array(x, a) AS
    CASE
    WHEN a IS NULL OR len(a) = 0 THEN false
    WHEN x IS NULL THEN NULL
    WHEN list_contains(a, x) THEN true
    WHEN list_count(a) < len(a) THEN NULL
    ELSE false END;
CREATE MACRO bq_float_series(low, high, step) AS
    CASE
    WHEN step = 0 THEN [CAST(bq_raise('Sequence step cannot be 0.') AS DOUBLE)]
    ELSE list_transform(generate_series(0, CAST(greatest(floor((high - low) / step + 1e-9), -1)
        AS BIGINT)), lambda i: low + i * step) END;
CREATE MACRO bq_top_entries(entries, n) AS
    list_transform(list_slice(list_reverse_sort(list_transform(entries,
        lambda e: {'count': CAST(e.value AS BIGINT), 'value': e.key.v})), 1, n),
        lambda e: {'value': e.value, 'count': e.count});

-- Dates, times, intervals and ranges
CREATE MACRO bq_make_date(y, m, d) AS
    CASE
    WHEN y BETWEEN 1 AND 9999 AND m BETWEEN 1 AND 12 AND d BETWEEN 1 AND 31 THEN make_date(CAST(y
        AS INTEGER), CAST(m AS INTEGER), CAST(d AS INTEGER))
    WHEN y IS NULL OR m IS NULL OR d IS NULL THEN NULL
    ELSE CAST(CAST(bq_raise('Input calculates to invalid date: ' || y || '-' || m || '-' || d)
        AS VARCHAR) AS DATE) END;
CREATE MACRO bq_make_time(h, m, s) AS
    CASE
    WHEN h BETWEEN 0 AND 23 AND m BETWEEN 0 AND 59 AND s BETWEEN 0 AND 59 THEN make_time(h, m,
        CAST(s AS DOUBLE))
    WHEN h IS NULL OR m IS NULL OR s IS NULL THEN NULL
    ELSE CAST(CAST(bq_raise('Input calculates to invalid time: ' || h || ':' || m || ':' || s)
        AS VARCHAR) AS TIME) END;
CREATE MACRO bq_valid_date(d) AS
    CASE
    WHEN d BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' OR d IS NULL THEN d
    ELSE bq_fail(d, 'Date arithmetic leaves the range 0001-01-01 to 9999-12-31') END;
CREATE MACRO bq_valid_datetime(d) AS
    CASE
    WHEN d BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' OR d IS NULL THEN d
    ELSE bq_fail(d, 'Datetime arithmetic leaves the range 0001-01-01 to 9999-12-31') END;
CREATE MACRO bq_valid_timestamp(t) AS
    CASE
    WHEN epoch_us(t) BETWEEN -62135596800000000 AND 253402300799999999 OR t IS NULL THEN t
    ELSE bq_fail(t, 'Timestamp arithmetic leaves the range 0001-01-01 00:00:00+00 to 9999-12-31 23:59:59.999999+00') END;
CREATE MACRO bq_timestamp_of_micros(n) AS bq_valid_timestamp(make_timestamp(n) AT TIME ZONE 'UTC');
CREATE MACRO bq_zone_name(zone) AS CASE WHEN regexp_full_match(zone, '[+-][0-9]{1,2}(:?[0-9]{2})?') THEN 'UTC' ELSE zone END;
CREATE MACRO bq_zone_shift(zone) AS
    CASE
    WHEN regexp_full_match(zone, '[+-][0-9]{1,2}(:?[0-9]{2})?') THEN to_microseconds(bq_offset_micros(zone))
    ELSE to_microseconds(0) END;
CREATE MACRO bq_local(t, zone) AS ((t AT TIME ZONE bq_zone_name(zone)) + bq_zone_shift(zone));
CREATE MACRO bq_instant_later(d, zone) AS ((d - bq_zone_shift(zone)) AT TIME ZONE bq_zone_name(zone));
-- An hour that happens twice when clocks go back means its first occurrence.
CREATE MACRO bq_instant(d, zone) AS
    CASE
    WHEN bq_local(bq_instant_later(d, zone) - to_hours(1), zone) = d THEN bq_instant_later(d, zone) - to_hours(1)
    ELSE bq_instant_later(d, zone) END;
CREATE MACRO bq_timestamp_clock(x) AS
    regexp_extract(x, '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ Tt][0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{0,6})?)?)?');
CREATE MACRO bq_timestamp_zone(x) AS
    CASE upper(trim(substr(x, length(bq_timestamp_clock(x)) + 1)))
    WHEN '' THEN 'UTC'
    WHEN 'Z' THEN 'UTC'
    ELSE trim(substr(x, length(bq_timestamp_clock(x)) + 1)) END;
-- Date, time and zone are read apart: DuckDB knows neither every spelling of an offset nor the first of two equal hours.
CREATE MACRO bq_timestamp_from_text(x) AS
    CASE
    WHEN regexp_full_match(x, '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}'
        || '([ Tt][0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{0,6})?)?([+-][0-9]{1,2}(:?[0-9]{2})?)?)?'
        || '( ?[Zz]| [A-Za-z][A-Za-z0-9_+/-]*)?')
        THEN bq_instant(CAST(replace(upper(bq_timestamp_clock(x)), 'T', ' ') AS TIMESTAMP), bq_timestamp_zone(x))
    WHEN x IS NOT NULL THEN CAST(CAST(bq_raise('Invalid timestamp: ''' || x || '''') AS VARCHAR) AS TIMESTAMPTZ) END;
CREATE MACRO bq_isoyear_start(t) AS date_trunc('week', make_timestamp(isoyear(t), 1, 4, 0, 0, 0.0));
CREATE MACRO bq_format_zoned(f, t, zone) AS
    bq_format_time(f, epoch_us(bq_local(t, zone)), (epoch_us(bq_local(t, zone)) - epoch_us(t)) // 1000000, zone);
CREATE MACRO bq_datetime_subtract(a, b) AS
    to_days(CAST((epoch_us(a) - epoch_us(b)) // 86400000000 AS INTEGER))
        + to_microseconds((epoch_us(a) - epoch_us(b)) % 86400000000);
CREATE MACRO bq_interval_months(i) AS CAST(datepart('year', i) * 12 + datepart('month', i) AS BIGINT);
CREATE MACRO bq_interval_days(i) AS CAST(datepart('day', i) AS BIGINT);
CREATE MACRO bq_interval_micros(i) AS
    epoch_us(i - to_months(CAST(bq_interval_months(i) AS INTEGER)) - to_days(CAST(bq_interval_days(i)
        AS INTEGER)));
CREATE MACRO bq_interval_text(i) AS
    bq_interval_words(bq_interval_months(i), bq_interval_days(i), bq_interval_micros(i));
CREATE MACRO bq_interval_parse(x, span) AS
    to_months(CAST(bq_interval_number(x, span, 0) AS INTEGER)) + to_days(CAST(bq_interval_number(x, span,
        1) AS INTEGER)) + to_microseconds(bq_interval_number(x, span, 2));
CREATE MACRO bq_interval_from_text(x) AS bq_interval_parse(x, '');
CREATE MACRO bq_interval_divide(i, n) AS
    CASE
    WHEN n = 0 THEN bq_fail(i, 'Interval division by zero')
    WHEN bq_interval_months(i) % n <> 0 OR bq_interval_days(i) % n <> 0
        THEN bq_fail(i, 'INTERVAL division that carries months or days over is not supported by the streetlens emulator')
    ELSE to_months(CAST(bq_interval_months(i) // n AS INTEGER)) + to_days(CAST(bq_interval_days(i) // n AS INTEGER))
        + to_microseconds(bq_interval_micros(i) // n) END;
CREATE MACRO bq_interval_part(i, part) AS
    CAST(CASE part
    WHEN 'YEAR' THEN bq_interval_months(i) // 12
    WHEN 'MONTH' THEN bq_interval_months(i) % 12
    WHEN 'DAY' THEN bq_interval_days(i)
    WHEN 'HOUR' THEN bq_interval_micros(i) // 3600000000
    WHEN 'MINUTE' THEN bq_interval_micros(i) % 3600000000 // 60000000
    WHEN 'SECOND' THEN bq_interval_micros(i) % 60000000 // 1000000
    WHEN 'MILLISECOND' THEN bq_interval_micros(i) % 1000000 // 1000
    ELSE bq_interval_micros(i) % 1000000 END AS BIGINT);
CREATE MACRO bq_range(a, b) AS
    CASE
    WHEN a >= b THEN bq_fail({'start': a, 'end': b},
        'Range start element must be smaller than range end element')
    ELSE {'start': a, 'end': b} END;
CREATE MACRO bq_range_contains(r, x) AS
    (coalesce(r."start" <= x, x IS NOT NULL) AND coalesce(x < r."end", x IS NOT NULL));
CREATE MACRO bq_range_overlaps(a, b) AS
    (coalesce(a."start" < b."end", true) AND coalesce(b."start" < a."end", true));

-- JSON
CREATE MACRO bq_parse_json(x) AS CAST(bq_json_normal(x) AS JSON);
CREATE MACRO bq_json_document(x, path) AS
    CASE WHEN json_valid(x) THEN CAST(x AS JSON) ELSE CAST(nullif(bq_json_found(x, path), '') AS JSON) END;
CREATE MACRO bq_json_value(j, path) AS
    CASE
    WHEN json_type(j, path) NOT IN ('OBJECT', 'ARRAY', 'NULL') THEN json_extract_string(j, path) END;
CREATE MACRO bq_json_array(j, path) AS
    CASE
    WHEN json_type(j, path) = 'ARRAY' THEN CAST(json_extract(j, path) AS JSON[]) END;
CREATE MACRO bq_json_value_array(j, path) AS
    CASE
    WHEN json_type(j, path) = 'ARRAY' AND len(list_filter(CAST(json_extract(j, path) AS JSON[]),
        lambda e: json_type(e) IN ('OBJECT', 'ARRAY'))) = 0
        THEN list_transform(CAST(json_extract(j, path) AS JSON[]), lambda e: json_extract_string(e, '$')) END;
CREATE MACRO bq_json_at(j, i) AS
    CASE
    WHEN json_type(j) = 'ARRAY' AND i >= 0 THEN json_extract(j, '$[' || i || ']') END;
CREATE MACRO bq_json_member(j, k) AS
    CASE
    WHEN json_type(j) = 'OBJECT' THEN json_extract(j, '$."' || k || '"') END;
CREATE MACRO bq_json_kind(j) AS
    CASE json_type(j)
    WHEN 'OBJECT' THEN 'object'
    WHEN 'ARRAY' THEN 'array'
    WHEN 'VARCHAR' THEN 'string'
    WHEN 'BOOLEAN' THEN 'boolean'
    WHEN 'NULL' THEN 'null'
    ELSE 'number' END;
CREATE MACRO bq_json_type(j) AS CASE WHEN j IS NOT NULL THEN bq_json_kind(j) END;
CREATE MACRO bq_json_string(j) AS
    CASE
    WHEN json_type(j) = 'VARCHAR' THEN json_extract_string(j, '$')
    WHEN j IS NOT NULL THEN CAST(bq_raise('The provided JSON input is not a string') AS VARCHAR) END;
CREATE MACRO bq_json_bool(j) AS
    CASE
    WHEN json_type(j) = 'BOOLEAN' THEN CAST(json_extract_string(j, '$') AS BOOLEAN)
    WHEN j IS NOT NULL THEN bq_raise('The provided JSON input is not a boolean') END;
CREATE MACRO bq_json_int64(j) AS
    CASE
    WHEN json_type(j) IN ('BIGINT', 'UBIGINT') OR (json_type(j) = 'DOUBLE'
        AND CAST(json_extract_string(j, '$') AS DOUBLE) = trunc(CAST(json_extract_string(j, '$')
        AS DOUBLE))) THEN CAST(CAST(json_extract_string(j, '$') AS DECIMAL(38,9)) AS BIGINT)
    WHEN j IS NOT NULL THEN CAST(bq_raise('The provided JSON input is not an integer') AS BIGINT) END;
CREATE MACRO bq_json_float(j) AS
    CASE
    WHEN json_type(j) IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN CAST(json_extract_string(j, '$') AS DOUBLE)
    WHEN j IS NOT NULL THEN CAST(bq_raise('The provided JSON input is not a number') AS DOUBLE) END;

-- Geography
CREATE MACRO bq_st_geogpoint(lon, lat) AS
    CASE
    WHEN lat BETWEEN -90 AND 90 THEN bq_point_text(lon, lat)
    WHEN lat IS NULL OR lon IS NULL THEN NULL
    ELSE CAST(bq_raise('ST_GeogPoint failed: Latitude must be between -90 and 90 degrees. Actual value: ' || bq_float_text(lat)) AS VARCHAR) END;
