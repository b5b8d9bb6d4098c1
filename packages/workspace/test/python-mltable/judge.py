"""Reads MLTable folders with the Python package `mltable`: a folder a line as JSON, and its rows a line as JSON.

Values keep their kinds: text, true, false and null are themselves, {"i": "5"} is an integer, {"f": "1.5"} a float,
{"t": "2020-01-31T00:00:00.000000000"} an instant in UTC, {"b": "00ff"} bytes; lists and {"o": {...}} hold values.
"""

import datetime
import json
import math
import os
import sys

# Nothing leaves this machine: what would be sent anywhere meets a port that is closed.
for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
    os.environ[name] = "http://127.0.0.1:9"

# The package prints to the standard output, which is for answers here.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

import mltable  # noqa: E402
import numpy  # noqa: E402
import pandas  # noqa: E402


def value(item):
    if item is None or item is pandas.NaT:
        return None
    if isinstance(item, (bool, numpy.bool_)):
        return bool(item)
    if isinstance(item, str):
        return item
    if isinstance(item, (int, numpy.integer)):
        return {"i": str(int(item))}
    if isinstance(item, (float, numpy.floating)):
        number = float(item)
        return {"f": repr(number) if math.isfinite(number) else str(number)}
    if isinstance(item, (numpy.datetime64, pandas.Timestamp, datetime.datetime)):
        stamp = pandas.Timestamp(item)
        if stamp.tzinfo is not None:
            stamp = stamp.tz_convert("UTC").tz_localize(None)
        return {"t": stamp.isoformat(timespec="nanoseconds")}
    if isinstance(item, bytes):
        return {"b": item.hex()}
    if isinstance(item, dict):
        return {"o": {str(key): value(part) for key, part in item.items()}}
    if isinstance(item, (list, tuple, numpy.ndarray)):
        return [value(part) for part in item]
    return {"other": type(item).__name__, "text": str(item)}


def read(folder):
    frame = mltable.load(folder).to_pandas_dataframe()
    columns = [{"name": str(name), "dtype": str(dtype)} for name, dtype in zip(frame.columns, frame.dtypes)]
    series = [frame.iloc[:, at].tolist() for at in range(len(columns))]
    return {"columns": columns, "rows": [[value(item) for item in row] for row in zip(*series)] if series else [], "count": len(frame)}


for line in sys.stdin:
    try:
        answer = read(json.loads(line))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic of its engine is no Exception
        answer = {"error": type(error).__name__, "message": str(error)[:500]}
    answers.write(json.dumps(answer, ensure_ascii=True, separators=(",", ":")) + "\n")
    answers.flush()
