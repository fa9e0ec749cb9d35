"""GEOGRAPHY functions for points and small polygons; distances are on BigQuery's sphere."""

from __future__ import annotations

from streetlens.emulator.bigquery.sql.signatures import Signature, signature

FUNCTIONS: dict[str, list[Signature]] = {
    "ST_ASTEXT": [signature("GEOGRAPHY -> STRING", "{0}")],
    "ST_CONTAINS": [signature("GEOGRAPHY, GEOGRAPHY -> BOOL", "bq_st_contains({0}, {1})")],
    "ST_DISTANCE": [signature("GEOGRAPHY, GEOGRAPHY -> FLOAT64", "bq_st_distance({0}, {1})")],
    "ST_DWITHIN": [signature("GEOGRAPHY, GEOGRAPHY, FLOAT64 -> BOOL", "(bq_st_distance({0}, {1}) <= {2})")],
    "ST_GEOGFROMTEXT": [signature("STRING -> GEOGRAPHY", "bq_st_geogfromtext({0})")],
    "ST_GEOGPOINT": [signature("FLOAT64, FLOAT64 -> GEOGRAPHY", "bq_st_geogpoint({0}, {1})")],
    "ST_WITHIN": [signature("GEOGRAPHY, GEOGRAPHY -> BOOL", "bq_st_contains({1}, {0})")],
    "ST_X": [signature("GEOGRAPHY -> FLOAT64", "bq_st_x({0})")],
    "ST_Y": [signature("GEOGRAPHY -> FLOAT64", "bq_st_y({0})")],
}
