"""The table that the tests hand to and fro, and values as JSON has them: exact, as text."""

import datetime as dt
import decimal
import json
import math

import pyarrow as pa

DECIMAL = decimal.Decimal
UTC = dt.timezone.utc
FIRST = dt.datetime(2026, 11, 25, 9, 30, 0, 123456)
LAST = dt.datetime(1969, 12, 31, 23, 59, 59, 999999)
MILLIS = dt.datetime(2026, 11, 25, 9, 30, 0, 123000)

COLUMNS = [
    ("flag", pa.bool_(), [True, None, False]),
    ("i8", pa.int8(), [-128, None, 127]),
    ("i16", pa.int16(), [-32768, None, 32767]),
    ("i32", pa.int32(), [-(2**31), None, 2**31 - 1]),
    ("i64", pa.int64(), [-(2**63), None, 2**63 - 1]),
    ("u8", pa.uint8(), [0, None, 255]),
    ("u16", pa.uint16(), [0, None, 65535]),
    ("u32", pa.uint32(), [0, None, 2**32 - 1]),
    ("u64", pa.uint64(), [0, None, 2**64 - 1]),
    ("f32", pa.float32(), [1.5, None, math.nan]),
    ("f64", pa.float64(), [0.1, None, -math.inf]),
    ("d9", pa.decimal128(9, 2), [DECIMAL("-1.50"), None, DECIMAL("9999999.99")]),
    ("d18", pa.decimal128(18, 4), [DECIMAL("-1.5000"), None, DECIMAL("12345678901234.5678")]),
    (
        "d38",
        pa.decimal128(38, 10),
        [DECIMAL("-1234567890123456789012345678.0123456789"), None, DECIMAL("0.0000000001")],
    ),
    ("text", pa.string(), ["Grüße \U0001f600", None, ""]),
    ("long", pa.large_string(), ["a text of more than twelve bytes", None, "é" * 300]),
    ("raw", pa.binary(), [b"\x00\xff", None, b""]),
    ("day", pa.date32(), [dt.date(1969, 12, 31), None, dt.date(9999, 12, 31)]),
    ("clock", pa.time64("us"), [dt.time(10, 11, 12, 123456), None, dt.time(0)]),
    ("ms", pa.timestamp("ms"), [MILLIS, None, dt.datetime(1, 1, 1)]),
    ("us", pa.timestamp("us"), [FIRST, None, LAST]),
    ("ns", pa.timestamp("ns"), [1_795_599_000_123_456_789, None, -1]),
    ("ms_utc", pa.timestamp("ms", "UTC"), [MILLIS.replace(tzinfo=UTC), None, dt.datetime(1970, 1, 1, tzinfo=UTC)]),
    ("us_utc", pa.timestamp("us", "UTC"), [FIRST.replace(tzinfo=UTC), None, LAST.replace(tzinfo=UTC)]),
    ("oslo", pa.timestamp("us", "Europe/Oslo"), [FIRST.replace(tzinfo=UTC), None, LAST.replace(tzinfo=UTC)]),
    ("category", pa.dictionary(pa.int8(), pa.string()), ["x", None, "y"]),
    ("list", pa.list_(pa.int64()), [[1, None, 2**62], None, []]),
    (
        "struct",
        pa.struct([("a", pa.int64()), ("B c", pa.list_(pa.string()))]),
        [{"a": 1, "B c": ["x", None]}, None, {"a": None, "B c": None}],
    ),
    (
        "map",
        pa.map_(pa.string(), pa.decimal128(20, 3)),
        [[("k", DECIMAL("-1.250")), ("l", None)], None, []],
    ),
]


# Types that tables here have not: each comes through as one that holds its values.
ODD = [
    ("large text", pa.large_string(), ["x", None, "é" * 20]),
    ("text view", pa.string_view(), ["short", None, "a text of more than twelve bytes, é"]),
    ("large raw", pa.large_binary(), [b"\x00", None, b"\xff" * 20]),
    ("raw view", pa.binary_view(), [b"\x00\xff", None, b"\xff" * 20]),
    ("fixed raw", pa.binary(3), [b"abc", None, b"\x00\x01\x02"]),
    ("large list", pa.large_list(pa.int64()), [[1, None], None, []]),
    ("fixed list", pa.list_(pa.string(), 2), [["a", None], None, ["c", "d"]]),
    ("half", pa.float16(), [1.5, None, -2.25]),
    ("day in ms", pa.date64(), [dt.date(1969, 12, 31), None, dt.date(2026, 11, 25)]),
    ("seconds", pa.time32("s"), [dt.time(10, 11, 12), None, dt.time(0)]),
    ("millis", pa.time32("ms"), [dt.time(10, 11, 12, 123000), None, dt.time(0)]),
    ("ns of day", pa.time64("ns"), [dt.time(10, 11, 12, 123456), None, dt.time(0)]),
    ("at seconds", pa.timestamp("s"), [dt.datetime(2026, 11, 25), None, dt.datetime(1, 1, 1)]),
    ("instant in s", pa.timestamp("s", "UTC"), [MILLIS.replace(tzinfo=UTC, microsecond=0), None, dt.datetime(1, 1, 1, tzinfo=UTC)]),
    ("instant in ns", pa.timestamp("ns", "Europe/Oslo"), [1_795_599_000_123_456_000, None, -1000]),
    ("nothing", pa.null(), [None, None, None]),
    ("of numbers", pa.dictionary(pa.int32(), pa.int64()), [2**62, None, -1]),
    ("of bytes", pa.dictionary(pa.int16(), pa.binary()), [b"\xff", None, b""]),
]
INDICES = pa.array([1, None, 0], pa.int8())
DICTIONARIES = {
    "of decimals": pa.array([DECIMAL("-1.250"), DECIMAL("7.000")], pa.decimal128(20, 3)),
    "of flags": pa.array([False, True]),
    "of lists": pa.array([["x", None], []], pa.list_(pa.string())),
    "of structs": pa.array([{"a": 1, "b": True}, {"a": None, "b": False}], pa.struct([("a", pa.int8()), ("b", pa.bool_())])),
}


def odd() -> pa.Table:
    plain = {name: pa.array(values, kind) for name, kind, values in ODD}
    few = {name: pa.DictionaryArray.from_arrays(INDICES, values) for name, values in DICTIONARIES.items()}
    return pa.table({**plain, **few})


def table() -> pa.Table:
    fields = [pa.field(name, kind) for name, kind, _ in COLUMNS]
    return pa.table([pa.array(values, kind) for _, kind, values in COLUMNS], schema=pa.schema(fields))


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
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()
    return value.isoformat()


def show(what) -> None:
    print(json.dumps(what, ensure_ascii=True))
