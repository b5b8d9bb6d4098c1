"""Run by mltable-python.ts: reads an MLTable folder into a pandas frame, and prints what that took."""

import json
import os
import resource
import sys
import time

for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
    os.environ[name] = "http://127.0.0.1:9"


def peak_of_process() -> int:
    """In bytes. On Linux `getrusage` begins with what the parent held."""
    if sys.platform != "linux":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024


answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import mltable  # noqa: E402
import pandas  # noqa: E402, F401

before = time.process_time()
started = time.perf_counter()
frame = mltable.load(sys.argv[1]).to_pandas_dataframe()
ms = (time.perf_counter() - started) * 1000
cpu = (time.process_time() - before) * 1000
json.dump(
    {
        "ms": ms,
        "cpu": cpu,
        "rss": peak_of_process(),
        "rows": len(frame),
        "columns": len(frame.columns),
        "nulls": int(frame["passenger_count"].isna().sum()),
        "cents": round(float(frame["fare_amount"].sum()) * 100),
    },
    answer,
)
