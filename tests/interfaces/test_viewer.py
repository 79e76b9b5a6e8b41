"""People look, listen, search and correct in a real browser; what they say is kept, and can be taken back.

The browser is the distribution's Chromium (``apt-get install chromium``; ``.ci/run`` does it where it may),
driven by Playwright. Without either the tests that need it are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.people.cast import Cast

pytest.importorskip("fastapi", reason="the viewer needs fastapi: pip install 'sensorium[serve]'")
pytest.importorskip("httpx", reason="the test client needs httpx: pip install 'sensorium[test]'")

from viewer_served import CHROMIUM, browser, long_library, served_library, serving

IN_A_BROWSER = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on the path (apt-get install chromium, or set CHROMIUM)"
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    pytest.importorskip("playwright", reason="driving a browser needs playwright")
    with browser() as opened:
        yield opened


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return served_library(tmp_path)


@pytest.fixture
def page(chromium: Any, library: Library) -> Iterator[Any]:
    """The viewer in a tab; no script may fail and nothing may break its policy while it is used."""
    with serving(library) as url:
        tab = chromium.new_context(base_url=url).new_page()
        wrong: list[str] = []
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda said: said.type == "error" and wrong.append(said.text))
        tab.on("dialog", lambda box: wrong.append(box.message))
        tab.goto("/")
        yield tab
        tab.context.close()
        assert not wrong


def client(library: Library) -> Any:
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from sensorium.interfaces.viewer.app import router_for

    app = FastAPI()
    app.include_router(router_for(library))
    return TestClient(app)


def open_file(page: Any, name: str = "interview.mp4") -> None:
    page.goto("/#/")
    page.get_by_role("link", name=name).click()
    page.wait_for_selector(".said")


def until(page: Any, wanted: str) -> None:
    """Waits until an expression is true. Playwright's own waiting needs eval, which the policy forbids."""
    for _ in range(200):
        if page.evaluate(wanted):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"not so within 10 s: {wanted}")


def at(page: Any) -> float:
    return page.eval_on_selector("video", "media => media.currentTime")


@IN_A_BROWSER
def test_it_plays_and_the_words_follow(page: Any) -> None:
    open_file(page)
    until(page, "document.querySelector('video').readyState > 1")
    page.keyboard.press("Space")
    until(page, "document.querySelector('video').currentTime > 1.6")
    until(page, "document.querySelectorAll('.w[aria-current]').length === 1")
    page.keyboard.press("k")
    until(page, "document.querySelector('video').paused")
    now = at(page)
    words = page.locator(".w").all_text_contents()
    marked = page.locator(".w[aria-current]").text_content()
    assert abs(words.index(marked) * 0.35 + 1.0 - now) < 0.8
    assert page.locator(".track").get_attribute("aria-valuenow") == str(int(now))


@IN_A_BROWSER
def test_a_click_and_the_keys_jump(page: Any) -> None:
    open_file(page)
    until(page, "document.querySelector('video').readyState > 0")
    page.locator(".w", has_text="Thank").click()
    assert at(page) == pytest.approx(5.9, abs=0.1)
    page.keyboard.press("l")
    assert at(page) == pytest.approx(15.9, abs=0.1)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("j")
    assert at(page) == pytest.approx(0.9, abs=0.1)
    page.keyboard.press("Shift+ArrowRight")
    assert page.locator(".w[aria-current]").text_content() == "Good"
    box = page.locator(".track").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    assert at(page) == pytest.approx(15.0, abs=0.2)
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keyboard").is_visible()


@IN_A_BROWSER
def test_a_name_counts_in_all_files_until_it_is_undone(page: Any, library: Library) -> None:
    open_file(page)
    other = page.context.new_page()
    open_file(other, "evening <b>talk.mp4")
    page.locator(".said .who").first.click()
    page.get_by_label("Name", exact=True).fill("<i>Ann</i>")
    page.get_by_role("button", name="Save name").click()
    for tab in (page, other):  # the other tab hears of it at once
        until(tab, "document.querySelector('.said .who').textContent === '<i>Ann</i>'")
    page.reload()
    page.wait_for_selector(".said")
    assert page.locator(".said .who").first.text_content() == "<i>Ann</i>"
    page.locator("body").press("u")
    until(page, "document.querySelector('.said .who').textContent === 'S1'")
    until(other, "document.querySelector('.said .who').textContent === 'S1'")
    assert Cast(library.path).find("V1").name is None


@IN_A_BROWSER
def test_not_this_person_and_merge_and_their_undoing(page: Any, library: Library) -> None:
    open_file(page, "evening <b>talk.mp4")
    page.locator(".chip").first.click()
    page.get_by_role("button", name="In this file it is somebody else").click()
    until(page, "document.querySelector('#toasts').textContent.includes('is not V1')")
    cast = Cast(library.path)
    assert len(cast.all()) == 3
    page.locator(".chip").first.click()
    page.get_by_label("The same person as").select_option("V2")
    page.get_by_role("button", name="Merge").click()
    until(page, "document.querySelector('#toasts').textContent.includes('same as')")
    assert len(cast.all()) == 2
    page.goto("/#/history")
    for _ in range(2):
        page.get_by_role("button", name="Take back").first.click()
        page.wait_for_timeout(300)
    assert [len(who.samples) for who in cast.all()] == [4, 4]
    assert page.locator(".undone").count() == 2


@IN_A_BROWSER
def test_a_word_is_fixed_and_found(page: Any, library: Library) -> None:
    open_file(page)
    page.locator(".w", has_text="patches,").click()
    page.keyboard.press("e")
    page.get_by_label("What was said").fill("peaches,")
    page.keyboard.press("Enter")
    page.wait_for_selector(".w.fixed")
    assert page.locator(".w.fixed").text_content() == "peaches,"
    page.keyboard.press("/")
    page.keyboard.type("peach*")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hits")
    assert page.locator(".hits mark").all_text_contents() == ["peaches"]
    page.locator(".hits a").click()
    until(page, "document.querySelector('video')?.currentTime > 3")
    assert page.locator(".w[aria-current]").text_content() == "peaches,"
    page.keyboard.press("u")
    until(page, "document.querySelector('.w[aria-current]').textContent === 'patches,'")
    assert "peaches," not in set(library.words("interview.mp4").text)


@IN_A_BROWSER
def test_the_edge_of_a_turn_is_dragged_and_typed(page: Any, library: Library) -> None:
    open_file(page)
    page.wait_for_timeout(200)
    box, turn = page.locator(".track").bounding_box(), library.turns("interview.mp4").iloc[0]
    x, y = box["x"] + box["width"] * turn.end / 30, box["y"] + 22 + 26 + 11
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / 60, y, steps=4)
    page.mouse.up()
    until(page, "document.querySelector('#toasts').textContent.includes('a turn of S1')")
    moved = library.turns("interview.mp4").iloc[0]
    assert (moved.start, moved.end) == (turn.start, pytest.approx(turn.end + 0.5, abs=0.1))
    page.locator(".w").first.click()
    page.keyboard.press("t")
    page.get_by_label("begins, seconds").fill("0.75")
    page.get_by_role("button", name="Save").click()
    until(page, "document.querySelector('#toasts').textContent.includes('0.75')")
    assert library.turns("interview.mp4").iloc[0].start == 0.75
    assert len(library.records("turn", "interview.mp4")) == len(library.turns("interview.mp4"))


@IN_A_BROWSER
def test_review_asks_the_least_sure_first_and_takes_y_and_n(page: Any, library: Library) -> None:
    page.goto("/#/review")
    page.wait_for_selector(".question h2")
    assert page.locator(".question h2").text_content() == "Is this voice V1?"
    page.keyboard.press("y")
    until(page, "document.querySelector('.question').textContent.includes('2 of')")
    page.keyboard.press("n")
    until(page, "document.querySelector('.question').textContent.includes('3 of')")
    kinds = [each["kind"] for each in Gallery(Layout(library.path)).decisions()][2:]
    assert kinds == ["confirmed", "split"]
    page.get_by_role("link", name="Words").click()
    page.wait_for_selector(".question blockquote mark")
    page.keyboard.press("n")
    page.get_by_label("What was said").fill("peaches,")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('.question').textContent.includes('2 of')")
    assert "peaches," in set(library.words().text)


@IN_A_BROWSER
def test_three_hours_hold_few_nodes_wherever_one_looks(chromium: Any, tmp_path: Path) -> None:
    library = long_library(tmp_path)
    with serving(library) as url:
        page = chromium.new_context(base_url=url).new_page()
        page.goto("/")
        page.get_by_role("link", name="long.wav").click()
        page.wait_for_selector(".said")
        for share in (0.0, 0.37, 0.99):
            page.eval_on_selector(
                ".talk", f"talk => {{ talk.scrollTop = {share} * talk.scrollHeight }}"
            )
            page.wait_for_timeout(150)
            assert 0 < page.locator(".w").count() < 1500
            assert page.evaluate("document.querySelectorAll('*').length") < 2000
        page.locator(".w").last.click()
        until(page, "document.querySelector('audio').currentTime > 10000")
        seen = page.locator(".w[aria-current]").bounding_box()
        talk = page.locator(".talk").bounding_box()
        assert talk["y"] <= seen["y"] <= talk["y"] + talk["height"]
        page.context.close()


@IN_A_BROWSER
def test_on_a_phone_nothing_is_wider_than_the_screen(chromium: Any, library: Library) -> None:
    with serving(library) as url:
        phone = chromium.new_context(
            base_url=url, viewport={"width": 360, "height": 740}
        ).new_page()
        for room in ("#/", "#/people", "#/review", "#/history", "#/?q=patches"):
            phone.goto(f"/{room}")
            phone.wait_for_selector("main:not([aria-busy]) .room")
            assert phone.evaluate("document.documentElement.scrollWidth") <= 360, room
        open_file(phone)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360
        phone.context.close()


@IN_A_BROWSER
def test_everything_that_can_be_pressed_has_a_name(page: Any) -> None:
    open_file(page)
    nameless = """() => [...document.querySelectorAll('button, a, input, select, video, [role=slider]')]
        .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length))
        .map(e => e.outerHTML)"""
    assert page.evaluate(nameless) == []
    assert page.evaluate("document.activeElement.id") == "main"  # a new room is read from its start
    page.goto("about:blank")
    page.goto("/")
    page.wait_for_selector(".files")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator("[role=status][aria-live=polite]").count() == 1


@IN_A_BROWSER
def test_the_exported_page_plays_from_a_file(chromium: Any, library: Library) -> None:
    from sensorium.adapters.media.reader import MediaReader
    from sensorium.interfaces.viewer.page import write_page

    out = write_page(library, library.path.parent / "page.html", MediaReader(), "interview.mp4")
    tab = chromium.new_page()
    tab.goto(out.as_uri())
    until(tab, "document.querySelector('video').readyState > 1")
    tab.locator(".talk u", has_text="Thank").click()
    assert at(tab) == pytest.approx(5.9, abs=0.1)
    tab.evaluate("void document.querySelector('video').play()")
    until(tab, "document.querySelector('.talk .hit').textContent === \"it's\"")
    tab.close()


def test_an_original_is_handed_out_in_ranges_while_it_is_the_same(library: Library) -> None:
    from sensorium.core.record import digest

    asked, uri = client(library), library.chosen("interview.mp4")[0]["uri"]
    address = f"/media/{digest(uri)}"
    part = asked.get(address, headers={"Range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == Path(uri).read_bytes()[10:20]
    assert part.headers["content-type"] == "video/mp4"
    with open(uri, "ab") as file:
        file.write(b"x")
    gone = asked.get(address)
    assert gone.status_code == 410
    assert "the file has changed since" in gone.json()["error"]
    assert "has changed" in asked.get(f"/api/files/{digest(uri)}").json()["missing"]
    os.remove(uri)
    assert asked.get(address).status_code == 410


@pytest.mark.parametrize(
    "address",
    [
        "/media/..%2f..%2fetc%2fpasswd",
        "/media/%2e%2e",
        "/media/0123456789abcdef",
        "/static/..%2fapp.py",
        "/static/%2e%2e%2fapp.py",
        "/static/app.py",
        "/api/files/..%2fsensorium",
        "/api/files/..",
    ],
)
def test_no_address_leads_out_of_the_inputs(library: Library, address: str) -> None:
    assert client(library).get(address).status_code in (400, 404)


def test_every_answer_carries_a_policy_without_inline_scripts(library: Library) -> None:
    asked = client(library)
    for address in ("/", "/static/main.js", "/api/files", "/media/none"):
        policy = asked.get(address).headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
    text = asked.get("/").text
    assert "<script>" not in text
    assert " style=" not in text
    names = [each for each in text.split('"') if each.startswith("static/")]
    assert all(asked.get(f"/{name}").status_code == 200 for name in names)


@pytest.mark.parametrize(
    "deed",
    [
        {"do": "name", "identity": "nobody", "name": "Ann"},
        {"do": "merge", "identity": "V1", "other": "V1"},
        {"do": "word", "file": "../x", "start": 1, "end": 2, "heard": "a", "to": "b"},
        {"do": "word", "file": "FILE", "start": 1, "end": 2, "heard": "a", "to": "b"},
        {"do": "edge", "file": "FILE", "start": 5, "end": 1, "to_start": 0, "to_end": 1},
        {"do": "forget", "identity": "V1"},
        {"do": "name", "identity": "V1", "name": "x" * 1000},
    ],
)
def test_a_correction_that_cannot_be_is_refused_and_nothing_is_written(
    library: Library, deed: dict
) -> None:
    from sensorium.core.record import digest

    before = Gallery(Layout(library.path)).decisions()
    deed = {k: digest(library.inputs()[0]["uri"]) if v == "FILE" else v for k, v in deed.items()}
    answer = client(library).post("/api/corrections", json=deed)
    assert answer.status_code in (400, 422)
    assert client(library).post("/api/undo", json={"number": 1}).status_code == 400
    assert Gallery(Layout(library.path)).decisions() == before


def test_while_a_run_writes_a_correction_says_so(library: Library) -> None:
    from sensorium.library.lock import held

    with held(Layout(library.path)):
        deed = {"do": "name", "identity": "V1", "name": "Ann"}
        answer = client(library).post("/api/corrections", json=deed)
    assert answer.status_code == 409
    assert "another run is writing" in answer.json()["error"]


@IN_A_BROWSER
def test_the_page_of_a_title_is_walked_by_keyboard(page: Any, library: Library) -> None:
    """From the people to the title, and on it to somebody; names are text, pictures are there."""
    Cast(library.path).name("V1", "<img src=x onerror=alert(1)>")
    page.goto("/#/people")
    page.get_by_role("link", name="Who is there when").click()
    page.wait_for_selector("article")
    assert page.locator("article h3", has_text="<img src=x").count() == 1
    assert page.locator("article img").count() >= 2
    assert page.locator("svg a, table a").count() >= 2
    page.locator("table a").first.focus()
    page.keyboard.press("Enter")
    until(page, "location.hash.length > 1 && document.querySelector(location.hash) !== null")
