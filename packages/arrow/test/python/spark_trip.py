"""Reads with Spark what the tests wrote into a folder, prints it, and writes the same rows in Spark's own way."""

import datetime as dt
import decimal
import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import types as t

folder = Path(sys.argv[1])
spark = (
    SparkSession.builder.master("local[1]")
    # So little runs that compiling it well takes longer than it saves.
    .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
    .getOrCreate()
)


def plain(value):
    """None, bool, text, lists and dicts; numbers are text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, t.Row):
        return {key: plain(item) for key, item in value.asDict().items()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat()


def show(frame):
    return {"types": dict(frame.dtypes), "rows": [plain(list(row)) for row in frame.collect()]}


text_schema = "i64 bigint, d38 decimal(38,10), text string, day date, us timestamp"
read = {
    "parquet": show(spark.read.parquet(str(folder / "out.parquet"))),
    "csv": show(spark.read.csv(str(folder / "out.csv"), header=True, schema=text_schema, escape='"', multiLine=True)),
    "jsonl": show(spark.read.json(str(folder / "out.jsonl"), schema=text_schema)),
}

schema = t.StructType(
    [
        t.StructField("flag", t.BooleanType()),
        t.StructField("i8", t.ByteType()),
        t.StructField("i64", t.LongType()),
        t.StructField("f32", t.FloatType()),
        t.StructField("f64", t.DoubleType()),
        t.StructField("d9", t.DecimalType(9, 2)),
        t.StructField("d38", t.DecimalType(38, 10)),
        t.StructField("text", t.StringType()),
        t.StructField("raw", t.BinaryType()),
        t.StructField("day", t.DateType()),
        t.StructField("us", t.TimestampNTZType()),
        t.StructField("us_utc", t.TimestampType()),
        t.StructField("list", t.ArrayType(t.LongType())),
        t.StructField("struct", t.StructType([t.StructField("a", t.LongType()), t.StructField("B c", t.StringType())])),
        t.StructField("map", t.MapType(t.StringType(), t.DecimalType(20, 3))),
    ]
)
d = decimal.Decimal
first = dt.datetime(2026, 11, 25, 9, 30, 0, 123456)
last = dt.datetime(1969, 12, 31, 23, 59, 59, 999999)
utc = dt.timezone.utc
rows = [
    (True, -128, -(2**63), 1.5, 0.1, d("-1.50"), d("-1234567890123456789012345678.0123456789"), 'Grüße \U0001f600, "x"\nand y', b"\x00\xff", dt.date(1969, 12, 31), first, first.replace(tzinfo=utc), [1, None, 2**62], (1, "x"), {"k": d("-1.250"), "l": None}),
    (None,) * 15,
    (False, 127, 2**63 - 1, float("nan"), float("-inf"), d("9999999.99"), d("98765.0000000001"), "", b"", dt.date(9999, 12, 31), last, last.replace(tzinfo=utc), [], (None, None), {}),
]
frame = spark.createDataFrame(rows, schema).coalesce(1)
frame.write.parquet(str(folder / "int96"))  # Spark's default for instants
spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
frame.write.parquet(str(folder / "micros"))
frame.limit(0).write.parquet(str(folder / "empty"))
simple = frame.select("i64", "text", "day", "us_utc", "flag")
simple.write.csv(str(folder / "csv"), header=True, escape='"')
frame.select("i64", "text", "day", "us_utc", "flag", "list", "struct", "map").write.json(str(folder / "json"), ignoreNullFields=False)
spark.stop()
print(json.dumps(read))
