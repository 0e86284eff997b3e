"""Laws of features and labels."""

from __future__ import annotations

import relubias as rb
from tests.meta.entries._base import Argument, Entry, Y, features, gram, seed, signs

ENTRIES: dict[str, Entry] = {
    "ensembles.isotropic": Entry(
        rb.ensembles.isotropic, {"d": Argument(5, "count"), "value": Argument(1.0, "positive")}
    ),
    "ensembles.spiked": Entry(
        rb.ensembles.spiked,
        {
            "d": Argument(5, "count"),
            "spike": Argument(4.0, "positive"),
            "n_spikes": Argument(1, "count"),
            "value": Argument(1.0, "positive"),
        },
    ),
    "ensembles.power_law": Entry(
        rb.ensembles.power_law,
        {
            "d": Argument(5, "count"),
            "exponent": Argument(0.5, "real"),
            "value": Argument(1.0, "positive"),
        },
    ),
    "ensembles.Orthogonal": Entry(
        rb.ensembles.Orthogonal,
        {"d": Argument(5, "count"), "scale": Argument(1.0, "optional positive")},
    ),
    "labels.gaussian": Entry(
        rb.ensembles.labels.gaussian, {"scale": Argument(1.0, "non-negative")}
    ),
    "labels.uniform_magnitude": Entry(
        rb.ensembles.labels.uniform_magnitude,
        {
            "low": Argument(1.0, "non-negative"),
            "high": Argument(2.0, "positive"),
            "n_negative": Argument(1, "optional count"),
        },
    ),
    "labels.planted": Entry(
        rb.ensembles.labels.planted,
        {"teacher_signs": signs, "noise": Argument(0.0, "non-negative")},
    ),
}

ENTRIES["ensembles.Spectrum"] = Entry(
    rb.ensembles.Spectrum,
    {
        "values": Argument(Y + 2.0, "values"),
        "multiplicities": Argument([1, 2, 3], "multiplicities"),
    },
)

for _law in ("Gaussian", "Rademacher", "Uniform", "Sphere"):
    _cls = getattr(rb.ensembles, _law)
    ENTRIES[f"ensembles.{_law}"] = Entry(_cls, {"spectrum": Argument(Y + 2.0, "spectrum")})
    _sampler = _cls(rb.ensembles.isotropic(6))
    for _method in ("sample", "sample_gram", "features"):
        ENTRIES[f"ensembles.{_law}.{_method}"] = Entry(
            getattr(_sampler, _method), {"n": Argument(3, "count"), "seed": seed}
        )
    ENTRIES[f"ensembles.{_law}.sample_gram (progress)"] = Entry(
        _sampler.sample_gram, {"progress": Argument(False, "progress")}, {"n": 3, "seed": 0}
    )
for _name, _labels in {
    "gaussian": rb.ensembles.labels.gaussian(),
    "uniform_magnitude": rb.ensembles.labels.uniform_magnitude(1.0, 2.0),
}.items():
    ENTRIES[f"labels.{_name}()"] = Entry(_labels, {"n": Argument(3, "count"), "seed": seed})
_planted = rb.ensembles.labels.planted([1, -1])
ENTRIES["labels.planted() (features)"] = Entry(
    _planted, {"n": Argument(3, "count"), "seed": seed, "features": features}
)
ENTRIES["labels.planted() (gram)"] = Entry(
    _planted, {"n": Argument(3, "count"), "seed": seed, "gram": gram}
)
