"""A Gram matrix from its law, without features."""

from __future__ import annotations

from _measure import Row, interleaved, main, seconds

import relubias as rb


def rows(runs):
    spiked = [(1e3, 1), (2.0, 10**6), (1.0, 10**12)]
    laws = {
        "isotropic": rb.ensembles.Gaussian(rb.ensembles.isotropic(10**12)),
        "three eigenvalues": rb.ensembles.Gaussian(spiked),
    }
    calls = {name: lambda law=law: law.sample_gram(100, 0) for name, law in laws.items()}
    timings, _ = interleaved(calls, runs=runs)
    slowest = max(timings.values(), key=lambda timing: timing.cpu)
    mine = timings.pop("isotropic")
    return [
        Row(
            subject="A Gram matrix from its law, n=100, d=1e12",
            ours=mine,
            peers=list(timings.values()),
            figure="under 10 ms",
            reached=slowest.cpu < 0.010,
            measured=f"{seconds(mine.cpu)}; {seconds(slowest.cpu)} for three distinct eigenvalues",
        )
    ]


if __name__ == "__main__":
    main(rows)
