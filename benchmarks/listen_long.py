"""`sensorium listen` on a file at its own pace: does memory or latency grow?

    python benchmarks/listen_long.py --data ../shared/data --minutes 10

Plays joined read speech in real time through the command line and prints, minute by minute, the memory
that it holds and the time from the end of a word to the moment its line is read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import wave
from collections import defaultdict
from pathlib import Path

import numpy as np
from speech_live import RATE, joined


def main() -> None:
    """One row per minute."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--minutes", type=float, default=10)
    options = parser.parse_args()
    samples, _ = joined(options.data, options.minutes * 60)
    samples = samples[: round(options.minutes * 60 * RATE)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "joined.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
        command = [sys.executable, "-m", "sensorium", "listen", str(path), "--real-time", "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        rows(process)


def rows(process: subprocess.Popen) -> None:
    """Reads the events as they come."""
    began, late, held = None, defaultdict(list), {}
    for line in process.stdout or ():
        now, event = time.monotonic(), json.loads(line)
        if began is None:
            began = now - event["at"]  # the first event comes at once when its sound was heard
        minute = int((now - began) // 60)
        status = Path(f"/proc/{process.pid}/statm").read_text().split()
        held[minute] = int(status[1]) * 4096 / 1e6
        if event["event"] == "word":
            late[minute].append(now - began - event["end"])
        elif event["event"] == "note":
            print(event["message"], file=sys.stderr)
    print("| minute | memory MB | words | latency mean, 95 % |\n|---|---|---|---|")
    for minute, values in sorted(late.items()):
        mean, high = np.mean(values), np.percentile(values, 95)
        print(f"| {minute} | {held[minute]:.0f} | {len(values)} | {mean:.2f} s, {high:.2f} s |")


if __name__ == "__main__":
    main()
