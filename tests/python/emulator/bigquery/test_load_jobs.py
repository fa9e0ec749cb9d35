"""Load jobs with Google's own client: what arrives, what is refused and in which words, and that a job is atomic."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.api_core.exceptions import BadRequest, Conflict, GoogleAPICallError, NotFound
from google.cloud import bigquery
from google.cloud.bigquery import LoadJob, LoadJobConfig, SchemaField

_numbers = itertools.count()
NAME = SchemaField("name", "STRING", mode="REQUIRED")
NAIVE = datetime.fromisoformat("2025-01-02T03:00:00")
VIEWS = SchemaField("views", "INTEGER")


@pytest.fixture
def table(client: bigquery.Client) -> Iterator[str]:
    name = f"streetlens-demo.own.loaded_{next(_numbers)}"
    yield name
    client.delete_table(name, not_found_ok=True)


def parquet(columns: dict[str, Any]) -> io.BytesIO:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    file.seek(0)
    return file


def load_parquet(client: bigquery.Client, table: str, columns: dict[str, Any], **options: Any) -> LoadJob:
    inference = bigquery.ParquetOptions.from_api_repr(
        {"enableListInference": options.pop("infer_lists", True)}
    )
    config = LoadJobConfig(source_format="PARQUET", parquet_options=inference, **options)
    job: LoadJob = client.load_table_from_file(parquet(columns), table, job_config=config)
    return job


def load_json(client: bigquery.Client, table: str, rows: list[dict[str, Any]], **options: Any) -> LoadJob:
    config = LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", **options)
    job: LoadJob = client.load_table_from_json(rows, table, job_config=config)
    return job


def rows_of(client: bigquery.Client, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in client.list_rows(table)]


EVERY_COLUMN: dict[str, Any] = {
    "i": pa.array([1, None], pa.int32()),
    "f": pa.array([1.5, None], pa.float64()),
    "b": pa.array([True, None]),
    "s": pa.array(["a'b", None]),
    "y": pa.array([b"\x00\xff", None]),
    "d": pa.array([date(2025, 1, 2), None]),
    "m": pa.array([time(1, 2, 3, 4), None], pa.time64("us")),
    "at": pa.array([datetime(2025, 1, 2, 3, 4, 5, 6, timezone.utc), None], pa.timestamp("us", "UTC")),
    "n": pa.array([Decimal("1.5"), None], pa.decimal128(38, 9)),
    "tags": pa.array([["p", "q"], []]),
    "point": pa.array([{"x": 1.5, "l": [{"k": 1}, {"k": 2}]}, None]),
}


def test_every_type_of_parquet_arrives_as_what_it_is(client: bigquery.Client, table: str) -> None:
    job = load_parquet(client, table, EVERY_COLUMN)
    job.result()
    first, second = rows_of(client, table)
    assert first == {name: column[0].as_py() for name, column in EVERY_COLUMN.items()}
    assert second == dict.fromkeys(EVERY_COLUMN) | {"tags": []}
    types = [(field.name, field.field_type, field.mode) for field in client.get_table(table).schema]
    assert types == [
        ("i", "INTEGER", "NULLABLE"),
        ("f", "FLOAT", "NULLABLE"),
        ("b", "BOOLEAN", "NULLABLE"),
        ("s", "STRING", "NULLABLE"),
        ("y", "BYTES", "NULLABLE"),
        ("d", "DATE", "NULLABLE"),
        ("m", "TIME", "NULLABLE"),
        ("at", "TIMESTAMP", "NULLABLE"),
        ("n", "NUMERIC", "NULLABLE"),
        ("tags", "STRING", "REPEATED"),
        ("point", "RECORD", "NULLABLE"),
    ]


def test_a_declared_schema_decides_what_parquet_columns_become(client: bigquery.Client, table: str) -> None:
    columns = {
        "place": ["POINT(2 48)", None],
        "at": pa.array([NAIVE] * 2, pa.timestamp("us")),
        "n": pa.array([Decimal("1.25"), Decimal("-7")], pa.decimal128(20, 4)),
        "unlisted": [1, 2],
    }
    schema = [
        SchemaField("n", "BIGNUMERIC"),
        SchemaField("place", "GEOGRAPHY"),
        SchemaField("at", "DATETIME"),
        SchemaField("absent", "STRING", mode="REPEATED"),
    ]
    load_parquet(client, table, columns, schema=schema).result()
    assert rows_of(client, table) == [
        {"n": Decimal("1.25"), "place": "POINT(2 48)", "at": NAIVE, "absent": []},
        {"n": Decimal(-7), "place": None, "at": NAIVE, "absent": []},
    ]


def test_a_list_without_list_inference_is_a_struct_of_its_groups(client: bigquery.Client, table: str) -> None:
    load_parquet(client, table, {"tags": [["a", "b"], None]}, infer_lists=False).result()
    (field,) = client.get_table(table).schema
    assert (field.field_type, field.fields[0].name, field.fields[0].mode) == ("RECORD", "list", "REPEATED")
    assert rows_of(client, table)[0] == {"tags": {"list": [{"element": "a"}, {"element": "b"}]}}


def test_a_declared_array_without_list_inference_is_refused(client: bigquery.Client, table: str) -> None:
    schema = [SchemaField("tags", "STRING", mode="REPEATED")]
    job = load_parquet(client, table, {"tags": [["a"]]}, infer_lists=False, schema=schema)
    with pytest.raises(BadRequest, match="referenced variable 'tags' has array levels of 1"):
        job.result()


def test_a_parquet_column_of_another_type_is_refused(client: bigquery.Client, table: str) -> None:
    job = load_parquet(client, table, {"views": ["a"]}, schema=[VIEWS])
    message = "Parquet column 'views' has type BYTE_ARRAY which does not match the target cpp_type INT64"
    with pytest.raises(BadRequest, match=message):
        job.result()
    with pytest.raises(NotFound):
        client.get_table(table)


def test_a_json_column_is_refused_in_parquet(client: bigquery.Client, table: str) -> None:
    job = load_parquet(client, table, {"j": ['{"a": 1}']}, schema=[SchemaField("j", "JSON")])
    with pytest.raises(BadRequest, match="Unsupported field type: JSON"):
        job.result()


def test_what_is_not_parquet_is_refused(client: bigquery.Client, table: str) -> None:
    config = LoadJobConfig(source_format="PARQUET")
    job = client.load_table_from_file(io.BytesIO(b"no parquet"), table, job_config=config)
    with pytest.raises(BadRequest, match="Input file is not in Parquet format"):
        job.result()
    assert job.state == "DONE"
    assert job.error_result["reason"] == "invalid"


def test_the_job_counts_what_it_loaded(client: bigquery.Client, table: str) -> None:
    job = load_parquet(client, table, {"name": ["a", "bc"], "views": [1, 2]})
    job.result()
    assert (job.output_rows, job.input_files, job.output_bytes) == (2, 1, 2 + 1 + 2 + 2 + 16)
    assert job.input_file_bytes == len(parquet({"name": ["a", "bc"], "views": [1, 2]}).getvalue())
    assert client.get_table(table).num_rows == 2


@pytest.mark.filterwarnings("ignore:Loading DataFrames via google-cloud-bigquery:PendingDeprecationWarning")
@pytest.mark.filterwarnings("ignore:Loading pandas DataFrame into BigQuery will require:FutureWarning")
def test_a_dataframe_arrives(client: bigquery.Client, table: str) -> None:
    frame = pd.DataFrame({"name": ["a", None], "views": [1, 2], "tags": [["x"], ["y", "z"]]})
    client.load_table_from_dataframe(frame, table).result()
    assert rows_of(client, table)[1] == {"name": None, "views": 2, "tags": ["y", "z"]}


def test_json_rows_are_detected_and_arrive(client: bigquery.Client, table: str) -> None:
    rows = [
        {"name": "a", "n": 1, "at": "2025-01-02T03:04:05Z", "in": {"x": [1.5, 2]}},
        {"name": "b", "ok": True},
    ]
    load_json(client, table, rows).result()
    first, second = rows_of(client, table)
    assert first["in"] == {"x": [1.5, 2.0]}
    assert first["at"] == datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    assert (second["n"], second["ok"]) == (None, True)


def test_json_rows_of_every_declared_type_arrive(client: bigquery.Client, table: str) -> None:
    kinds = {
        "i": ("INTEGER", "12", 12),
        "j": ("JSON", '{"a": [1]}', {"a": [1]}),
        "g": ("GEOGRAPHY", "POINT(1 2)", "POINT(1 2)"),
        "n": ("NUMERIC", "1.25", Decimal("1.25")),
        "y": ("BYTES", "AP8=", b"\x00\xff"),
        "t": ("TIME", "01:02:03", time(1, 2, 3)),
        "m": ("DATETIME", "2025-01-02T03:04:05", datetime.fromisoformat("2025-01-02T03:04:05")),
    }
    schema = [SchemaField(name, kind) for name, (kind, _, _) in kinds.items()]
    row = {name: value for name, (_, value, _) in kinds.items()}
    load_json(client, table, [row], schema=schema).result()
    assert rows_of(client, table) == [{name: value for name, (_, _, value) in kinds.items()}]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"name": "a", "nope": 1}, "JSON parsing error in row starting at position 14: No such field: nope"),
        ({"name": "a", "views": "x"}, "Could not convert value to integer. Field: views; Value: x"),
        ({"views": 1}, "Missing required field: name"),
        ({"name": ["a"]}, "Array specified for non-repeated field: name"),
    ],
)
def test_a_json_row_that_does_not_fit_fails_the_whole_job(
    client: bigquery.Client, table: str, row: dict[str, Any], problem: str
) -> None:
    job = load_json(client, table, [{"name": "a"}, row], schema=[NAME, VIEWS])
    with pytest.raises(
        BadRequest, match=r"JSON table encountered too many errors, giving up. Rows: 2; errors: 1"
    ):
        job.result()
    assert problem in job.errors[1]["message"]
    with pytest.raises(NotFound):
        client.get_table(table)


def test_bad_records_are_left_out_up_to_the_allowed_number(client: bigquery.Client, table: str) -> None:
    rows: list[dict[str, Any]] = [{"name": "a"}, {"views": 1}, {"name": "b"}]
    job = load_json(client, table, rows, schema=[NAME, VIEWS], max_bad_records=1)
    job.result()
    assert (job.output_rows, job.error_result, len(job.errors)) == (2, None, 1)
    assert [row["name"] for row in rows_of(client, table)] == ["a", "b"]


def test_csv_rows_arrive(client: bigquery.Client, table: str) -> None:
    text = b'name,views,at\n"a, b",1,2025-01-02\nc,,2025-01-03\n'
    config = LoadJobConfig(source_format="CSV", autodetect=True)
    client.load_table_from_file(io.BytesIO(text), table, job_config=config).result()
    assert rows_of(client, table) == [
        {"name": "a, b", "views": 1, "at": date(2025, 1, 2)},
        {"name": "c", "views": None, "at": date(2025, 1, 3)},
    ]


def test_rows_are_appended_unless_the_table_is_to_be_replaced_or_empty(
    client: bigquery.Client, table: str
) -> None:
    load_parquet(client, table, {"views": [1]}).result()
    load_parquet(client, table, {"views": [2]}).result()
    assert [row["views"] for row in rows_of(client, table)] == [1, 2]
    with pytest.raises(Conflict, match=r"Already Exists: Table streetlens-demo:own.loaded_"):
        load_parquet(client, table, {"views": [3]}, write_disposition="WRITE_EMPTY").result()
    load_parquet(client, table, {"other": ["x"]}, write_disposition="WRITE_TRUNCATE").result()
    assert rows_of(client, table) == [{"other": "x"}]


def test_a_table_that_may_not_be_created_is_not(client: bigquery.Client, table: str) -> None:
    with pytest.raises(NotFound, match=r"Not found: Table streetlens-demo:own.loaded_"):
        load_parquet(client, table, {"views": [1]}, create_disposition="CREATE_NEVER").result()


def test_a_column_is_added_when_that_is_allowed_only(client: bigquery.Client, table: str) -> None:
    load_parquet(client, table, {"views": [1]}).result()
    job = load_parquet(client, table, {"views": [2], "tags": [["a"]]})
    with pytest.raises(BadRequest, match=r"Cannot add fields \(field: tags\)"):
        job.result()
    options = ["ALLOW_FIELD_ADDITION"]
    load_parquet(client, table, {"views": [2], "tags": [["a"]]}, schema_update_options=options).result()
    assert rows_of(client, table) == [{"views": 1, "tags": []}, {"views": 2, "tags": ["a"]}]


def test_a_nested_field_is_added_when_that_is_allowed(client: bigquery.Client, table: str) -> None:
    load_parquet(client, table, {"in": [[{"a": 1}], []]}).result()
    options = ["ALLOW_FIELD_ADDITION"]
    load_parquet(client, table, {"in": [[{"a": 2, "b": "x"}]]}, schema_update_options=options).result()
    assert [row["in"] for row in rows_of(client, table)] == [[{"a": 1, "b": None}], [], [{"a": 2, "b": "x"}]]


def test_a_required_column_is_relaxed_when_that_is_allowed_only(client: bigquery.Client, table: str) -> None:
    load_json(client, table, [{"name": "a"}], schema=[NAME]).result()
    relaxed = [SchemaField("name", "STRING")]
    with pytest.raises(BadRequest, match="Field name has changed mode from REQUIRED to NULLABLE"):
        load_json(client, table, [{"name": None}], schema=relaxed).result()
    options = ["ALLOW_FIELD_RELAXATION"]
    load_json(client, table, [{"name": None}], schema=relaxed, schema_update_options=options).result()
    assert rows_of(client, table) == [{"name": "a"}, {"name": None}]


def test_a_column_never_changes_its_type(client: bigquery.Client, table: str) -> None:
    load_parquet(client, table, {"views": [1]}).result()
    message = r"Provided Schema does not match Table streetlens-demo:own.loaded_\d+. Field views has changed type from"
    with pytest.raises(BadRequest, match=f"{message} INTEGER to STRING"):
        load_parquet(client, table, {"views": ["a"]}).result()


def test_schema_updates_need_an_append(client: bigquery.Client, table: str) -> None:
    options = {"write_disposition": "WRITE_TRUNCATE", "schema_update_options": ["ALLOW_FIELD_ADDITION"]}
    with pytest.raises(BadRequest, match="Schema update options should only be specified with WRITE_APPEND"):
        load_parquet(client, table, {"views": [1]}, **options)


def test_a_job_id_loads_once(client: bigquery.Client, table: str) -> None:
    config = LoadJobConfig(source_format="PARQUET")
    job_id = f"load_once_{next(_numbers)}"
    client.load_table_from_file(parquet({"views": [1]}), table, job_id=job_id, job_config=config).result()
    with pytest.raises(Conflict, match=f"Already Exists: Job streetlens-demo:US.{job_id}"):
        client.load_table_from_file(parquet({"views": [1]}), table, job_id=job_id, job_config=config)
    assert client.get_table(table).num_rows == 1
    job = client.get_job(job_id)
    assert isinstance(job, LoadJob)
    assert job.output_rows == 1


def test_a_load_job_names_a_data_set_that_is_not_there(client: bigquery.Client) -> None:
    with pytest.raises(NotFound, match="Not found: Dataset streetlens-demo:nowhere"):
        load_parquet(client, "streetlens-demo.nowhere.t", {"views": [1]})


def test_a_load_job_runs_where_its_data_set_is(client: bigquery.Client) -> None:
    job = load_parquet(client, "streetlens-demo.tokyo.loaded", {"views": [1]})
    job.result()
    assert job.location == "asia-northeast1"
    config = LoadJobConfig(source_format="PARQUET")
    with pytest.raises(NotFound, match="Dataset streetlens-demo:tokyo was not found in location EU"):
        client.load_table_from_file(
            parquet({"views": [1]}), "streetlens-demo.tokyo.loaded", location="EU", job_config=config
        )
    client.delete_table("streetlens-demo.tokyo.loaded")


def test_a_load_without_any_schema_fails(client: bigquery.Client, table: str) -> None:
    with pytest.raises(BadRequest, match="No schema specified on job or table"):
        load_json(client, table, [{"a": 1}], autodetect=False).result()


def test_what_a_load_job_cannot_do_here_is_refused_by_name(client: bigquery.Client, table: str) -> None:
    with pytest.raises(GoogleAPICallError, match="sourceUris"):
        client.load_table_from_uri("gs://bucket/file.parquet", table)
    with pytest.raises(GoogleAPICallError, match="AVRO"):
        client.load_table_from_file(io.BytesIO(b""), table, job_config=LoadJobConfig(source_format="AVRO"))
