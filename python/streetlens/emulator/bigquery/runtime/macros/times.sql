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
