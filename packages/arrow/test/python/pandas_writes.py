"""Writes the table in the formats and dialects that pandas and pyarrow have, into the folder of the first argument."""

import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

import values

folder = Path(sys.argv[1])
table = values.table()
pq.write_table(table, folder / "plain.parquet", use_dictionary=False, compression="none")
pq.write_table(table, folder / "pages.parquet", data_page_version="2.0", compression="zstd")
times = table.select(["us", "us_utc"])
pq.write_table(times, folder / "int96.parquet", use_deprecated_int96_timestamps=True)
pq.write_table(table.slice(0, 0), folder / "empty.parquet")
nano = pa.timestamp("ns", "UTC")
instants = [1_795_599_000_123_456_789]
nanos = pa.table({"t": pa.array(instants, nano), "deep": pa.array([{"in": at} for at in instants], pa.struct([("in", nano)])), "i": [1]})
pq.write_table(nanos, folder / "nanos-utc.parquet")

frame = table.to_pandas(types_mapper=pd.ArrowDtype)
frame.to_parquet(folder / "frame.parquet")
simple = frame[["i64", "u32", "text", "day", "us", "flag"]]
simple.to_csv(folder / "frame.csv", index=False)
simple.to_json(folder / "frame.jsonl", orient="records", lines=True, force_ascii=False, date_format="iso", date_unit="us")
feather.write_feather(table, folder / "frame.feather", compression="uncompressed")
with pa.ipc.new_stream(folder / "frame.arrow", table.schema) as writer:
    writer.write_table(table)
feather.write_feather(table, folder / "zstd.feather", compression="zstd")
feather.write_feather(table, folder / "lz4.feather", compression="lz4")
many = range(120_000)
texts = [f"text {at % 977} of {at // 50}" for at in many]
feather.write_feather(pa.table({"number": [at * 7919 % 120_011 for at in many], "text": texts}), folder / "many.feather", compression="lz4")
with pa.ipc.new_stream(folder / "odd.arrow", values.odd().schema) as writer:
    writer.write_table(values.odd().slice(0, 1))
    writer.write_table(values.odd().slice(1))
