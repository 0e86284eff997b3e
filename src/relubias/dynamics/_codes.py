"""Integers and constants that the compiled kernels share with their NumPy twins."""

from __future__ import annotations

# why `advance` returned
STOPPED = 0  # the stopping time was reached
SMALL_RESIDUAL = 1  # the residual on active samples is below the tolerance
ATTEMPT = 2  # a certificate is due and no switch came since the last one was
BUFFER_FULL = 3  # no room for the switches of one more step
DIVERGED = 4  # the residual left the range of numbers
UNDECIDED = 6  # a value moved to within its rounding error of zero; its switch is not noted
CYCLE = 5  # the state came back to where it was, several times in a row

# what `freeze_test` found
FROZEN = 0  # the pattern never changes again
SWITCH_COMES = 1  # the frozen limit contradicts the pattern
BALL_FAILS = 2  # no contradiction, no proof
NEEDS_EIGENBASIS = 3  # outside the test's conditions
EXHAUSTED = 4  # out of iterations

# positions in the integer counters of a run
TIME = 0
N_SWITCHES = 1
LAST_SWITCH = 2
N_BUFFERED = 3
NEXT_ATTEMPT = 4
LAST_ATTEMPT = 5
NEXT_SAVE = 6
SAVED_AT = 7
WATCHED = 8  # flat index of the entry compared first
RETURNED_AT = 9
PERIOD = 10
N_RETURNS = 11
QUIET_FROM = 12  # last switch or jump
N_COUNTERS = 13

# positions in the rounding bounds of a run; 0 is the bound on the error in weight space
GROWTH = 1  # factor by which the next step can enlarge it; 0 until computed
CAN_GROW = 2  # 1 where some pattern may have a factor above one
TRUSTED = 3  # 1 once undecided signs are taken as computed
N_ROUNDING = 4

FIRST_ATTEMPT = 16
ATTEMPT_GAP = 64  # steps between certificates in a run that keeps switching
FIRST_SAVE = 64
HUGE = 1e100  # in units of the largest label or start; beyond it a run has diverged
STEP_ROUNDING = 2.0**-95  # error of a primal value per unit of path: sums of up to 2**10 terms
SUM_ROUNDING = 2.0**-102  # error of one double-double sum, relative to it
SHADOW_MARGIN = 2.0**-32  # of what rounding did in plain doubles; double-double does 2**-52 of it
FLUSH = 2.0**-700  # a smaller velocity counts as lost
CYCLE_TOLERANCE = 1e-13  # of the largest change in one step
CYCLE_RETURNS = 8
EPS = 2.0**-52
BALL_MARGIN = 1e-13  # rounding margin of the ball test, of the largest primal value
BALL_SLACK = 1.0 + 1e-9  # covers the rounding of norms
PIVOT_TOLERANCE = 1e-13  # a smaller relative Cholesky pivot counts as singular
EIGEN_MARGIN = 1e-13  # rounding margin of the eigenbasis bounds, of the largest primal value
NULL_TOLERANCE = 16.0  # times p * eps: relative size of an eigenvalue that counts as zero
NULL_PART = 1e-9  # of a sample in null modes, above which its residual may not tend to zero
QUIET_STRETCH = 600  # switch-free steps that pay for a look ahead
COMPILED_TEST_LIMIT = 128  # samples above which LAPACK does the freeze test


def attempt_gap(time: int, quiet_from: int) -> int:
    """Return the steps until the next test: a quarter of the run, later of its quiet stretch."""
    return 1 + max((time - quiet_from) // 4, min(time // 4, ATTEMPT_GAP))
