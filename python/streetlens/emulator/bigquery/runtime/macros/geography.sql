-- Geography
CREATE MACRO bq_st_geogpoint(lon, lat) AS
    CASE
    WHEN lat BETWEEN -90 AND 90 THEN bq_point_text(lon, lat)
    WHEN lat IS NULL OR lon IS NULL THEN NULL
    ELSE CAST(bq_raise('ST_GeogPoint failed: Latitude must be between -90 and 90 degrees. Actual value: ' || bq_float_text(lat)) AS VARCHAR) END;
