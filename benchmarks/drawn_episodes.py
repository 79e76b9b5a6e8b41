"""Makes episodes of drawn characters with known truth: cuts, zooms, pans, mirrored figures, expressions,
other light, blur, something in front, two dresses, one to three in a picture.

Who is cast is half of what `drawn_figures` has: the figures of `tried` are those that features and thresholds
were chosen on, those of `kept` are for the report.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import drawn_figures
import numpy as np
from PIL import Image

from sensorium.testing.made_media import write_video

WIDTH, HEIGHT, RATE = 640, 360, 4
TRIED = ("chitose", "haru", "hibiki", "koharu", "nico", "shizuku", "unitychan")
KEPT = ("epsilon", "haruto", "izumi", "miku", "nipsilon", "tsumiki", "z16")


def cast(media: Path, half: str) -> drawn_figures.Cast:
    """The figures of one half: ``tried`` or ``kept``."""
    touhou = drawn_figures.touhou(media)
    mine = sorted(touhou)[half == "kept" :: 2]
    found = {who: touhou[who] for who in mine}
    found |= drawn_figures.live2d(media, KEPT if half == "kept" else TRIED)
    return found | (drawn_figures.question(media) if half == "kept" else {})


def make(
    figures: drawn_figures.Cast, media: Path, out: Path, episode: int, shots: int = 24
) -> Path:
    """One episode, and its truth as JSON beside it."""
    rng = np.random.default_rng(1000 + 10 * len(figures) + episode)
    backs = [
        cv2.resize(np.asarray(Image.open(file).convert("RGB")), (900, 506))
        for file in sorted([*media.rglob("bg *.jpg"), *media.rglob("bg *.png")])
    ]
    pictures: list[np.ndarray] = []
    faces: list[list[dict]] = []
    cuts: list[float] = []
    waiting: list[str] = []
    for _ in range(shots):
        cuts.append(len(pictures) / RATE)
        who: list[str] = []
        for _ in range(int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))):
            waiting = waiting or list(rng.permutation(sorted(figures)))
            place = next((i for i, each in enumerate(waiting) if each not in who), None)
            if place is not None:
                who.append(waiting.pop(place))
        shot = _Shot(figures, who, backs[rng.integers(len(backs))], episode, rng)
        for index in range(shot.length):
            pixels, heads = shot.picture(index)
            pictures.append(pixels)
            faces.append(heads)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"episode{episode + 1}.mp4"
    write_video(path, pictures, times=[index / RATE for index in range(len(pictures))])
    truth = {"faces": faces, "cuts": cuts, "rate": RATE, "length": len(pictures) / RATE}
    path.with_suffix(".json").write_text(json.dumps(truth))
    return path


class _Shot:
    """What one camera sees until the next cut."""

    def __init__(
        self,
        figures: drawn_figures.Cast,
        who: list[str],
        back: np.ndarray,
        episode: int,
        rng: np.random.Generator,
    ) -> None:
        self._who, self.length = who, int(RATE * rng.uniform(2.6, 4.2))
        x, y = rng.integers(0, 900 - WIDTH), rng.integers(0, 506 - HEIGHT)
        self._back = back[y : y + HEIGHT, x : x + WIDTH].astype(np.float32)
        low, high = {1: (95, 185), 2: (75, 125), 3: (70, 95)}[len(who)]
        self._size = rng.uniform(low, high)  # height of a head in pixels
        self._light = rng.uniform(0.75, 1.15) * rng.uniform(0.92, 1.08, 3)
        if rng.random() < 0.15:  # night
            self._light = rng.uniform(0.4, 0.6) * np.array([0.85, 0.9, 1.15])
        self._zoom, self._pan = rng.choice([0, 0, 0.15, -0.12]), rng.choice([0, 0, 30, -30])
        self._blurred, self._hidden = rng.random() < 0.12, rng.random() < 0.18
        self._moves = [_move(figures[each], episode, rng) for each in who]
        self._flips = rng.random(len(who)) < 0.4
        self._places = [
            (WIDTH * (i + 0.5) / len(who) + rng.uniform(-25, 25), HEIGHT * rng.uniform(0.3, 0.42))
            for i in range(len(who))
        ]

    def picture(self, index: int) -> tuple[np.ndarray, list[dict]]:
        part, canvas, heads = index / self.length, self._back.copy(), []
        size = self._size * (1 + self._zoom * part)
        for who, move, flip, at in zip(
            self._who, self._moves, self._flips, self._places, strict=True
        ):
            x, y = at[0] + self._pan * part, at[1] + 2 * np.sin(index / 2)
            number = min(int(part * len(move.pictures)), len(move.pictures) - 1)
            _paste(canvas, move.pictures[number], move.head, (x, y, size), bool(flip))
            box = [x - size / 2, y - size / 2, x + size / 2, y + size / 2]
            heads.append({"actor": who, "dress": move.dress, "box": [round(v, 1) for v in box]})
        if self._hidden:  # a post before half of the first one
            left = int(self._places[0][0] + self._pan * part - 0.9 * size)
            top = int(self._places[0][1] + 0.18 * size)
            cv2.rectangle(canvas, (left, top), (left + int(0.8 * size), HEIGHT), (70, 60, 55), -1)
        canvas = np.clip(canvas * self._light, 0, 255)
        if self._blurred:
            canvas = cv2.GaussianBlur(canvas, (0, 0), 1.6)
        return canvas.astype(np.uint8), heads


def _move(
    moves: list[drawn_figures.Move], episode: int, rng: np.random.Generator
) -> drawn_figures.Move:
    """One that this episode has for itself; the second dress is worn from the second episode on."""
    dresses = sorted({move.dress for move in moves})
    dress = dresses[0 if episode == 0 else int(rng.integers(len(dresses)))]
    mine = [move for move in moves if move.dress == dress][episode::3]
    return mine[int(rng.integers(len(mine)))]


def _paste(
    canvas: np.ndarray, picture: np.ndarray, head: tuple, at: tuple[float, float, float], flip: bool
) -> None:
    """Draws a figure so that its head is at (x, y) and so high."""
    scale = at[2] / head[2]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=how)
    x, y = head[0] * scale, head[1] * scale
    if flip:
        picture, x = picture[:, ::-1], picture.shape[1] - x
    left, top = int(at[0] - x), int(at[1] - y)
    first = (max(left, 0), max(top, 0))
    last = (min(left + picture.shape[1], WIDTH), min(top + picture.shape[0], HEIGHT))
    if last[0] <= first[0] or last[1] <= first[1]:
        return
    part = picture[first[1] - top : last[1] - top, first[0] - left : last[0] - left]
    cover = part[..., 3:] / 255
    where = canvas[first[1] : last[1], first[0] : last[0]]
    where[:] = where * (1 - cover) + part[..., :3] * cover
