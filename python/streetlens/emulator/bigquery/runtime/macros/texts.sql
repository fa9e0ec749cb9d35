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
