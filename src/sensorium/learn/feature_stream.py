"""Features of a library for a PyTorch DataLoader: shared out over ranks and workers, and resumed.

`state_dict` and `load_state_dict` are those that torchdata's StatefulDataLoader asks a dataset for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from sensorium.adapters.stores.feature_shards import read_features
from sensorium.core.errors import UsageError
from sensorium.core.record import digest
from sensorium.library.library import Library, open_library


class FeatureStream(IterableDataset):
    """Every row of features once an epoch, over all ranks and workers together.

    Gives ``{"values": tensor, "media", "uri", "name", "model", "start", "end", "num_valid"}``. `name` keeps
    one output. `seed` shuffles, another way each epoch (None: in the order of the library). `rank` and
    `num_ranks` are those of torch.distributed where it runs, else 0 of 1. With `even` all parts are of one
    length, for training that waits for each other; at most one row a part is left out.

    An epoch is one iteration. The next one follows by itself in this process and in workers that stay
    (`persistent_workers`); where workers begin anew, say which it is: ``stream.set_epoch(n)``.

    Raises:
        UsageError: no features of that name, a rank outside of the ranks, or a state of another stream.

    >>> stream = FeatureStream("library", "patches", seed=0)  # doctest: +SKIP
    >>> loader = StatefulDataLoader(stream, num_workers=2)  # doctest: +SKIP
    """

    def __init__(
        self,
        library: str | os.PathLike[str] | Library,
        name: str | None = None,
        *,
        seed: int | None = None,
        rank: int | None = None,
        num_ranks: int | None = None,
        even: bool = False,
    ) -> None:
        library = library if isinstance(library, Library) else open_library(library)
        self._rows = list(library.feature_rows(None, name))
        if not self._rows:
            raise UsageError(
                f"{library.path}: expected features{f' {name!r}' if name else ''}, found none"
            )
        self._seed, self._even = seed, even
        self._rank, self._num_ranks = _place(rank, num_ranks)
        keys = [[row["media"], row["name"], row["start"], row["tensor"]] for _, row in self._rows]
        self._of = digest([keys, seed, even, self._rank, self._num_ranks])
        self._epoch = self._given = 0
        self._resumed: dict[str, Any] | None = None

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next iteration is of; it decides the order."""
        self._epoch, self._resumed = epoch, None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        part, num_parts = self._part()
        state, self._resumed = self._resumed, None
        self._given = 0
        if state is not None:
            if state["parts"] != num_parts or state["part"] != part:
                raise UsageError(
                    f"FeatureStream: expected {state['parts']} parts (ranks times workers) as in the state, "
                    f"got {num_parts}; use as many workers and ranks"
                )
            self._epoch, self._given = state["epoch"], state["given"]
        mine = self._mine(part, num_parts)
        for index in mine[self._given :]:
            self._given += 1
            yield self._row(index)
        self._epoch, self._given = self._epoch + 1, 0

    def state_dict(self) -> dict[str, Any]:
        """Where this part stands: plain numbers and the digest of what is streamed."""
        part, num_parts = self._part()
        state = {"epoch": self._epoch, "given": self._given, "part": part, "parts": num_parts}
        return {**state, "of": self._of}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The next iteration goes on where `state` was taken."""
        if state.get("of") != self._of:
            raise UsageError(
                "FeatureStream: expected the state of a stream of the same features, seed and rank; "
                "the library, or an option, is another one"
            )
        self._resumed = dict(state)

    def _part(self) -> tuple[int, int]:
        worker = get_worker_info()
        number, of = (worker.id, worker.num_workers) if worker else (0, 1)
        return self._rank * of + number, self._num_ranks * of

    def _mine(self, part: int, num_parts: int) -> list[int]:
        order = np.arange(len(self._rows))
        if self._seed is not None:
            order = np.random.default_rng([self._seed, self._epoch]).permutation(order)
        if self._even:
            order = order[: len(order) // num_parts * num_parts]
        return [int(each) for each in order[part::num_parts]]

    def _row(self, index: int) -> dict[str, Any]:
        folder, row = self._rows[index]
        values = torch.from_numpy(np.array(read_features(folder, row).values))
        columns = ("media", "uri", "name", "model", "start", "end", "num_valid")
        return {"values": values, **{column: row[column] for column in columns}}


def _place(rank: int | None, num_ranks: int | None) -> tuple[int, int]:
    from torch import distributed

    running = distributed.is_available() and distributed.is_initialized()
    if num_ranks is None:
        num_ranks = distributed.get_world_size() if running else 1
    if rank is None:
        rank = distributed.get_rank() if running else 0
    if not 0 <= rank < num_ranks:
        raise UsageError(f"rank: expected 0 to {num_ranks - 1}, got {rank}")
    return rank, num_ranks
