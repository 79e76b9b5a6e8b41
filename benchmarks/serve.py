"""How many clients of `sensorium serve` are held at real time, on this machine and with the real models.

Each client plays recordings of read speech at their own pace to `/v1/listen` and notes when a word comes.
Held is who, after the last sound, waits for the end no longer than `--late` seconds. The computing time is
that of the server's process (Linux), for a second of sound; the load says how quiet the machine was.

    python benchmarks/serve.py --data ../shared/data --clients 1 2 4 6 8 --seconds 40
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from websockets.sync.client import connect

from sensorium.adapters.media.reader import MediaReader

RATE = 16_000
CHUNK = 0.1  # seconds


def speech(folder: Path, seconds: float, first: int) -> bytes:
    """Raw samples of recordings one after the other, another one first for each client."""
    reader, parts = MediaReader(), []
    files = sorted(
        [*folder.glob("ls_*.flac"), *folder.glob("libri*.wav"), *folder.glob("2412*.flac")]
    )
    while sum(map(len, parts)) < seconds * RATE:
        ref = reader.probe(str(files[(first + len(parts)) % len(files)]))
        parts.append(np.concatenate([chunk.mono() for chunk in reader.audio(ref, RATE)]))
    samples = np.concatenate(parts)[: round(seconds * RATE)]
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


class Client(threading.Thread):
    """Plays sound at its pace and keeps when each event came."""

    def __init__(self, url: str, sound: bytes, turns: bool) -> None:
        super().__init__()
        self._url = f"{url.replace('http', 'ws')}/v1/listen?turns={str(turns).lower()}"
        self._sound = sound
        self.delays: list[float] = []  # seconds from the end of a word to its event
        self.behind = 0
        self.waited = 0.0

    def run(self) -> None:
        with connect(self._url, ping_interval=None, compression=None) as socket:
            socket.recv()
            started = time.monotonic()
            threading.Thread(target=self._play, args=(socket, started), daemon=True).start()
            for text in socket:
                event, now = json.loads(text), time.monotonic() - started
                if event["event"] == "word":
                    self.delays.append(now - event["end"])
                self.behind += event.get("kind") == "behind"
            self.waited = time.monotonic() - started - len(self._sound) / 2 / RATE

    def _play(self, socket, started: float) -> None:
        size = round(CHUNK * RATE) * 2
        for number, first in enumerate(range(0, len(self._sound), size), start=1):
            time.sleep(max(0.0, started + number * CHUNK - time.monotonic()))
            socket.send(self._sound[first : first + size])
        socket.send(json.dumps({"event": "end"}))


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(process: int, url: str, folder: Path, number: int, arguments) -> str:
    seconds = arguments.seconds
    clients = [
        Client(url, speech(folder, seconds, each), arguments.turns) for each in range(number)
    ]
    before = cpu_seconds(process)
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    used = (cpu_seconds(process) - before) / (number * seconds)
    delays = np.array([delay for each in clients for delay in each.delays])
    held = sum(each.waited <= arguments.late for each in clients)
    return (
        f"| {number} | {held} | {np.median(delays):.1f} | {np.percentile(delays, 95):.1f} | "
        f"{max(each.waited for each in clients):.1f} | {sum(each.behind for each in clients)} | {used:.2f} | "
        f"{os.getloadavg()[0]:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--late", type=float, default=3.0)
    parser.add_argument("--turns", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "sensorium", "serve", f"{folder}/library", "--port", "0"]
        server = subprocess.Popen(
            [*command, "--live", "64", "--copies", str(arguments.copies)],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            url = server.stderr.readline().strip()
            threading.Thread(target=server.stderr.read, daemon=True).start()
            time.sleep(2.0)
            warm = Client(url, speech(arguments.data / "speech", 6.0, 0), arguments.turns)
            warm.start()
            warm.join()
            print(
                "| clients | held | median delay, s | 95 % | longest wait | behind | CPU | load |"
            )
            print("|---:|---:|---:|---:|---:|---:|---:|---:|")
            for number in arguments.clients:
                row = measured(server.pid, url, arguments.data / "speech", number, arguments)
                print(row, flush=True)
        finally:
            server.terminate()
            server.wait(60)


if __name__ == "__main__":
    main()
