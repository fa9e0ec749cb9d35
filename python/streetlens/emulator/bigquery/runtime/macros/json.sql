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
