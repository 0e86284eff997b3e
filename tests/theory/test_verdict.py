import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relubias.theory import Place, Role, Verdict
from relubias.theory.verdict import decided


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_an_outcome_is_only_claimed_where_every_true_margin_has_its_sign(margin, error):
    holds = decided(margin, error)
    ends = margin - error, margin + error
    if holds is True:
        assert min(ends) >= 0 < margin
    if holds is False:
        assert max(ends) <= 0 >= margin
    if holds is None:
        assert min(ends) <= 0 <= max(ends)


@pytest.mark.parametrize(
    ("margin", "error", "holds"),
    [
        (0.0, 0.0, False),
        (math.inf, math.inf, True),
        (-math.inf, 0.0, False),
        (math.nan, 0.0, None),
        (1.0, math.nan, None),
        (1.0, math.inf, None),
        (1.0, 1.0, None),
    ],
)
def test_special_margins(margin, error, holds):
    assert decided(margin, error) is holds


def test_a_verdict_says_what_where_and_how_sure():
    verdict = Verdict(
        condition="paper.claim", role=Role.INVARIANT, margin=-0.25, rounding_error=1e-3,
        step=3, sample=2, detail="It is said so.",
    )  # fmt: skip
    assert (verdict.holds, verdict.outcome) == (False, "fails")
    assert verdict.place == Place(3, -1, 2)
    assert str(verdict.place) == "step 3, sample 2"
    assert str(verdict) == "paper.claim: fails, margin -0.25 +- 0.001. It is said so."
