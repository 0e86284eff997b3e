"""What the campaigns share: workers, a progress line, counts and counterexamples."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Outcome", "campaign"]


@dataclass(slots=True)
class Outcome:
    """One job's answer: what to count and measure, what went wrong, and how to repeat it."""

    name: str
    counts: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)


def campaign(
    title: str,
    job: Callable[[Any], Outcome],
    arguments: Iterable[Any],
    workers: int,
    *,
    watch: Callable[[Outcome], None] | None = None,
) -> int:
    """Run the jobs, print counts and every counterexample; return the exit status.

    Interrupted, it prints what it has seen, and the status is 1.

    `watch` sees every outcome in this process, to make more of its values.
    """
    jobs = list(arguments)
    totals: Counter[str] = Counter()
    failed: list[Outcome] = []
    began = last = time.monotonic()
    done = 0
    for done, outcome in enumerate(_until_interrupted(_run(job, jobs, workers)), start=1):
        totals.update(outcome.counts)
        if watch is not None:
            watch(outcome)
        if outcome.failures:
            failed.append(outcome)
            print(f"\nFAILED {outcome.name}", flush=True)
            for failure in outcome.failures:
                print(f"    {failure}", flush=True)
        now = time.monotonic()
        if now - last > 1.0 or done == len(jobs):
            last = now
            line = f"{title}: {done}/{len(jobs)}, {len(failed)} failed, {now - began:.0f} s"
            end = "\r" if sys.stderr.isatty() and done < len(jobs) else "\n"
            if sys.stderr.isatty() or done == len(jobs) or int(now - began) % 30 == 0:
                print(line, end=end, file=sys.stderr, flush=True)
    width = max((len(name) for name in totals), default=0)
    for name, count in sorted(totals.items()):
        print(f"{name:<{width}}  {count}")
    print(f"{done} instances, {len(failed)} failed")
    return 1 if failed or done < len(jobs) else 0


def _until_interrupted(outcomes: Iterable[Outcome]) -> Iterable[Outcome]:
    """Yield outcomes; Ctrl-C ends them, so that what was seen is still printed."""
    try:
        yield from outcomes
    except KeyboardInterrupt:
        print("\ninterrupted", flush=True)


def _run(job: Callable[[Any], Outcome], jobs: list[Any], workers: int) -> Iterable[Outcome]:
    if workers <= 1:
        yield from map(job, jobs)
        return
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    with ProcessPoolExecutor(workers) as pool:
        try:
            yield from pool.map(job, jobs, chunksize=max(1, min(20, len(jobs) // (4 * workers))))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
