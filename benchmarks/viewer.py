"""How smooth the viewer is on three hours with thirty thousand words, in a real Chromium.

``python benchmarks/viewer.py``: frame times and long tasks while it plays, scrolls and zooms, and what the
server takes for its answers. Without a GPU the browser draws in software, which is the slow case.
"""

from __future__ import annotations

import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "interfaces"))

from viewer_served import browser, long_library, serving

from sensorium.core.record import digest

WATCH = """() => {
    window.frames_ = []; window.tasks_ = [];
    let last = performance.now(); window.watching = true;
    const step = now => { frames_.push(now - last); last = now; if (watching) requestAnimationFrame(step); };
    requestAnimationFrame(step);
    window.seen_ = new PerformanceObserver(all => all.getEntries().forEach(e => tasks_.push(e.duration)));
    seen_.observe({type: 'longtask'});
}"""
TOLD = "() => { watching = false; seen_.disconnect(); return [frames_.slice(2), tasks_]; }"
SCROLL = """async () => {
    const talk = document.querySelector('.talk');
    for (let n = 0; n < 180; n++) {
        talk.scrollTop += n % 60 ? 90 : talk.scrollHeight / 4;
        await new Promise(requestAnimationFrame);
    }
}"""


def measured(page: Any, name: str, act: Any) -> None:
    """One line of the table: frames while `act` happens."""
    page.evaluate(WATCH)
    act()
    frames, tasks = page.evaluate(TOLD)
    frames.sort()
    middle, late = frames[len(frames) // 2], frames[int(len(frames) * 0.99)]
    nodes = page.evaluate("document.querySelectorAll('*').length")
    print(
        f"| {name} | {len(frames)} | {middle:.1f} | {late:.1f} | {frames[-1]:.0f} | "
        f"{len(tasks)} ({max(tasks, default=0):.0f} ms) | {nodes} |"
    )


def zoomed(page: Any) -> None:
    """Closer and back, as the keys do it."""
    for key in "++++++++------0":
        page.keyboard.press(key)
        page.wait_for_timeout(60)


def main() -> None:
    """Prints the tables of docs/viewer.md."""
    with tempfile.TemporaryDirectory() as folder:
        library = long_library(Path(folder))
        with serving(library) as url, browser() as chromium:
            name = digest(library.inputs()[0]["uri"])
            for address in ("/api/files", f"/api/files/{name}", f"/api/files/{name}/labels"):
                start = time.perf_counter()
                size = len(urllib.request.urlopen(url + address).read())
                taken = time.perf_counter() - start
                print(f"{address.replace(name, '<id>')}: {taken:.2f} s, {size / 1e6:.2f} MB")
            page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
            page.goto(f"{url}/#/file/{name}")
            page.wait_for_selector(".said")
            page.wait_for_timeout(1000)
            print("| what | frames | median ms | 99 % ms | longest ms | long tasks | nodes |")
            measured(page, "idle", lambda: page.wait_for_timeout(3000))
            page.keyboard.press("Space")
            measured(page, "playing", lambda: page.wait_for_timeout(8000))
            measured(page, "playing and scrolling", lambda: page.evaluate(SCROLL))
            measured(page, "playing and zooming", lambda: zoomed(page))


if __name__ == "__main__":
    main()
