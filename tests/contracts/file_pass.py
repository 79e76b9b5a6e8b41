"""Pass: a pure function of the file and of its recipe."""

from __future__ import annotations

import numpy as np

from sensorium.core.features import Features
from sensorium.core.record import KINDS, Record, digest


def plain(result):
    """What can be compared of a record or of features."""
    if isinstance(result, Features):
        return repr(result), result.values.tobytes(), str(result.axes)
    values = {k: np.nan_to_num(v) if isinstance(v, list) and v and isinstance(v[0], float) else v
              for k, v in result.values.items()}  # fmt: skip
    return result.kind, result.span, str(values), digest(result.provenance.plain())


class PassContract:
    """Of every Pass: fixtures `made` (makes a new one), `ref` (what it applies to), `other` (what not,
    or None) and `earlier` (records by kind).
    """

    def run(self, made, ref, earlier):
        """(results, seconds that were reported)."""
        reported: list[float] = []
        return list(made().run(ref, earlier, reported.append)), reported

    def test_the_recipe_is_plain_data_and_names_the_pass(self, made):
        one, other = made(), made()
        assert one.recipe()["name"] == one.name
        assert digest(dict(one.recipe())) == digest(dict(other.recipe()))
        assert isinstance(one.recipe()["version"], int)
        assert isinstance(one.needs, tuple)
        assert one.name not in one.needs

    def test_it_says_what_it_applies_to(self, made, ref, other):
        assert made().applies(ref) is True
        assert other is None or made().applies(other) is False

    def test_results_lie_in_the_file(self, made, ref, earlier):
        results, _ = self.run(made, ref, earlier)
        assert results
        models = {each["model"] for each in made().recipe()["models"]}
        for each in results:
            assert isinstance(each, (Record, Features))
            if isinstance(each, Features):
                assert each.model in models  # where the store looks its provenance up
            else:
                assert each.kind in KINDS
            if each.span is not None and ref.duration is not None:
                assert 0 <= each.span.start <= each.span.end <= ref.duration + 0.05

    def test_the_same_file_gives_the_same(self, made, ref, earlier):
        """Also a second time by the same pass: nothing of one file reaches the next."""
        one = made()
        first = [plain(each) for each in one.run(ref, earlier, lambda _: None)]
        assert [plain(each) for each in one.run(ref, earlier, lambda _: None)] == first
        assert [plain(each) for each in self.run(made, ref, earlier)[0]] == first

    def test_what_is_done_grows(self, made, ref, earlier):
        _, reported = self.run(made, ref, earlier)
        assert reported == sorted(reported)
        assert all(0 <= at <= (ref.duration or 0.0) + 0.05 for at in reported)
