"""NameAgent: a name with evidence, or None with the reason."""

from __future__ import annotations

from sensorium.core.people.inquiry import Case

CASE = Case("V1", ("Ann Lee", "Bo Ray"), lines=("4 s, on the screen: ANN LEE, Ann Lee",))


class NameAgentContract:
    """Of every NameAgent: `agent` knows that V1 is Ann Lee, `broken` has a model that answers nonsense."""

    def checked(self, answer):
        """An answer is a name with evidence and a probability, or nobody and why."""
        assert 0 <= answer.score <= 1
        assert answer.calls >= 0
        assert answer.cost >= 0
        if answer.name is None:
            assert answer.reason
            assert answer.score == 0
        else:
            assert answer.name == answer.name.strip()
            assert answer.evidence
            shown = " ".join(CASE.lines).casefold()
            assert all(quote.url or quote.text.casefold() in shown for quote in answer.evidence)
        return answer

    def test_a_name_comes_with_evidence_that_was_shown(self, agent):
        assert self.checked(agent.name(CASE)).name == "Ann Lee"

    def test_nobody_comes_with_the_reason(self, agent):
        """Where the case shows nothing, whatever the model says."""
        assert self.checked(agent.name(Case("V1"))).name is None

    def test_a_bad_answer_raises_nothing(self, broken):
        assert self.checked(broken.name(CASE)).name is None
