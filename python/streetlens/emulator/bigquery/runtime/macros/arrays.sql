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
