"""How large a C_alpha Gaussian data need in Corollary 1, by spectrum and number of samples.

    python tests/campaigns/gram_constants.py --instances 200 --seed 0

Prints quantiles of delta over max(sqrt(n / d_2), n / d_inf). Exit status 1 if any instance exceeds
the proved constant 18, or the bound on the inverse with the constant of the matrix itself.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "src")]

import numpy as np  # noqa: E402

import relubias as rb  # noqa: E402
from relubias.ensembles import Gaussian, Spectrum, isotropic, power_law  # noqa: E402
from relubias.theory.lai2026 import Corollary1  # noqa: E402

SIZES = (5, 10, 30, 100)


def spectra(n):
    """Return spectra from twice as many features as samples upwards, by name."""
    return {
        "isotropic, d = 2 n": isotropic(2 * n),
        "isotropic, d = n^2": isotropic(n * n),
        "isotropic, d = 100 n^2": isotropic(100 * n * n),
        "one spike of 50, d = n^2": Spectrum([50.0, 1.0], [1, n * n]),
        "ten spikes of 10, d = 10 n": Spectrum([10.0, 1.0], [10, 10 * n]),
        "power law 0.75, d = 20 n^2": power_law(20 * n * n, 0.75),
    }


def needed(law, n, seed):
    """Return the constant that one Gram matrix needs, and whether the inverse needs no more."""
    problem = rb.Problem(Gaussian(law).sample_gram(n, seed=seed), np.ones(n))
    constant = Corollary1().check(problem, spectrum=law)[0].constants["C_alpha measured"]
    edge = Corollary1(constant=constant * (1 + 1e-9)).check(problem, spectrum=law)
    return constant, edge[0].holds is True and edge[1].holds is not False


def main(instances, seed):
    failures = 0
    for n in SIZES:
        for name, law in spectra(n).items():
            found = [needed(law, n, [seed, n, i]) for i in range(instances)]
            constants = np.array([constant for constant, _ in found])
            failures += int((constants > 18).sum()) + sum(not same for _, same in found)
            least, median, high, most = np.quantile(constants, [0, 0.5, 0.95, 1])
            print(
                f"n = {n:3d}, {name:<28} least {least:.2f}, median {median:.2f}, "
                f"95% {high:.2f}, most {most:.2f}",
                flush=True,
            )
    print(f"{failures} failures")
    return int(failures > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.exit(main(options.instances, options.seed))
