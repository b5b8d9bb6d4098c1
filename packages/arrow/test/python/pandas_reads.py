"""Reads the files that the tests wrote into a folder, and prints types and values by file."""

import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.feather as feather
import pyarrow.json as pj
import pyarrow.parquet as pq

import values

folder = Path(sys.argv[1])


def of_table(table: pa.Table):
    table.validate(full=True)
    return {
        "types": {field.name: str(field.type) for field in table.schema},
        "rows": [values.plain(list(row.values())) for row in table.to_pylist()],
    }


def of_frame(frame: pd.DataFrame):
    """By way of pandas' own columns."""
    return of_table(pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None))


TEXT = "string[pyarrow]"
# What is not quoted is null, as our CSV has it; decimals are read as such, not as doubles.
exact = csv.ConvertOptions(
    strings_can_be_null=True,
    quoted_strings_can_be_null=False,
    column_types={"d38": pa.decimal128(38, 10)},
)
in_pandas = {"lines": True, "dtype_backend": "pyarrow", "engine": "pyarrow"}

values.show(
    {
        "given": of_table(values.table()),
        "odd": of_table(pq.read_table(folder / "odd.parquet")),
        "odd given": of_table(values.odd()),
        "nanos": of_table(pq.read_table(folder / "out-nanos.parquet")),
        "nanos given": of_table(pq.read_table(folder / "nanos-utc.parquet")),
        "taken in": of_table(pq.read_table(folder / "taken.parquet")),
        "parquet": of_table(pq.read_table(folder / "out.parquet")),
        "feather": of_table(feather.read_table(folder / "out.feather")),
        "arrow": of_table(pa.ipc.open_stream(folder / "out.arrow").read_all()),
        "csv": of_table(csv.read_csv(folder / "out.csv", convert_options=exact)),
        "jsonl": of_table(pj.read_json(folder / "out.jsonl")),
        "pandas parquet": of_frame(pd.read_parquet(folder / "out.parquet", dtype_backend="pyarrow")),
        "pandas feather": of_frame(pd.read_feather(folder / "out.feather", dtype_backend="pyarrow")),
        "pandas csv": of_frame(pd.read_csv(folder / "out.csv", dtype_backend="pyarrow", dtype={"d38": TEXT})),
        "pandas jsonl": of_frame(pd.read_json(folder / "out.jsonl", **in_pandas)),
    }
)
