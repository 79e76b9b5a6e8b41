"""Peak memory of `extract` on a long file against a short one.

    python benchmarks/memory.py VIDEO --minutes 10 120

Repeats VIDEO (packets copied, time stamps moved on) to the given lengths, extracts each in a process of
its own and prints the peak of its resident memory. The content repeats, so this says nothing about quality.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import av


def repeat(source: Path, target: Path, seconds: float) -> None:
    """Copies the packets of `source` again and again until `seconds` are full."""
    with av.open(str(source)) as first, av.open(str(target), "w") as out:
        streams = {s.index: out.add_stream_from_template(s) for s in first.streams}
        length, offset = first.duration / av.time_base, 0.0
        while offset < seconds:
            with av.open(str(source)) as again:
                for packet in again.demux():
                    if packet.dts is None:
                        continue
                    move = round(offset / packet.time_base)
                    packet.dts += move
                    packet.pts += move
                    packet.stream = streams[packet.stream.index]
                    out.mux(packet)
            offset += length


CHILD = """
import json, resource, sys, time
from sensorium.core.config import Config
from sensorium.run.executors import Options
from sensorium.run.extract import run
from sensorium.run.progress import Watcher
started = time.monotonic()
outcomes = run([sys.argv[1]], sys.argv[2], Config(), Options(num_workers=0), Watcher())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"peak_mb": round(peak), "seconds": round(time.monotonic() - started),
                  "failed": [f.message for o in outcomes for f in o.failures]}))
"""


def main() -> None:
    """One line per length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[10, 120])
    options = parser.parse_args()
    print("| minutes | peak MB | seconds of computing |\n|---|---|---|")
    for minutes in options.minutes:
        with tempfile.TemporaryDirectory() as folder:
            long = Path(folder) / "long.mkv"
            repeat(options.video, long, minutes * 60)
            command = [sys.executable, "-c", CHILD, str(long), str(Path(folder) / "library")]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            told = json.loads(done.stdout.splitlines()[-1])
            print(
                f"| {minutes:g} | {told['peak_mb']} | {told['seconds']} | {told['failed'] or ''}",
                flush=True,
            )


if __name__ == "__main__":
    main()
