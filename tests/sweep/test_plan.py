"""A plan says what its tasks are, and survives TOML."""

from __future__ import annotations

import dataclasses
import itertools
import pickle  # noqa: TID251 - plans travel to workers

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import relubias as rb
from relubias import InvalidInputError
from relubias.sweep import MEASURES, Plan, columns
from tests.sweep.plans import plans

GOOD = {"n": 10, "d": 50, "kappa": 0.9, "measure": "gap"}


def own_measure(case):
    return float(case.problem.scale)


@columns(largest=float, n_active=int)
def two_columns(case):
    primal = case.run.limit.primal
    return {"largest": primal.max(), "n_active": int((primal > 0).sum())}


@settings(max_examples=60)
@given(plans())
def test_toml_round_trips(plan):
    again = Plan.from_toml(plan.to_toml())
    assert again == plan
    assert again.digest == plan.digest
    assert again.to_toml() == plan.to_toml()
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_toml_is_read_from_a_file_as_well_as_from_text(tmp_path):
    plan = Plan(**GOOD)
    path = tmp_path / "plan.toml"
    path.write_text("# comment\r\n" + plan.to_toml().replace("\n", "\r\n"))
    assert Plan.from_toml(path) == Plan.from_toml(str(path)) == plan


def test_toml_takes_what_people_write():
    text = """
    n = [10, 20]
    d = ["5*n", "n**2"]
    kappa = [0.3, 0.9]
    measure = ["gap", "relative_gap"]
    replicates = 3

    [[labels]]
    name = "uniform_magnitude"
    low = 0.5
    high = 1.0
    n_negative = [1, 2]

    [start]
    name = "all_positive"
    scale = "0.01*y_min"
    """
    plan = Plan.from_toml(text)
    assert plan.n_tasks == 2 * 2 * 2 * 2 * 3
    assert plan.case(0).cell.d == 50


@settings(max_examples=40)
@given(plans())
def test_tasks_are_the_product_of_the_lists(plan):
    fields = ("n", "d", "spectrum", "features", "labels", "signs", "start", "algorithm")
    sizes = [len(getattr(plan, field)) for field in fields]
    sizes.append(len(plan.kappa or plan.eta))
    assert plan.n_tasks == np.prod(sizes) * plan.replicates
    seen = {(repr(cell), replicate) for cell, replicate in map(plan.cell, range(plan.n_tasks))}
    distinct_d = {(n, d) for n in plan.n for d in (plan.d or ())}
    resolved = {(n, {"5*n": 5 * n, "n**2 + 5": n**2 + 5}.get(d, d)) for n, d in distinct_d}
    if len(resolved) == len(distinct_d):  # no two dimensions happen to be equal
        assert len(seen) == plan.n_tasks or _has_equal_choices(plan)


def _has_equal_choices(plan):
    """Whether choices coincide once their expressions have values."""
    return any(n // 2 == 0 for n in plan.n) or 1.0 in [t for t in plan.kappa or ()]


@settings(max_examples=40)
@given(plans())
def test_chunks_cut_the_tasks_in_order_and_by_shape(plan):
    joined = list(itertools.chain.from_iterable(plan.chunks))
    assert joined == list(range(plan.n_tasks))
    for chunk in plan.chunks:
        assert len({plan.cell(task)[0].shape for task in chunk}) == 1
        assert plan.chunk_size is None or len(chunk) <= plan.chunk_size


def test_fields_given_as_objects_are_the_same_plan():
    labels = rb.ensembles.labels
    given_objects = Plan(
        **GOOD
        | {
            "labels": [labels.uniform_magnitude(0.5, 1.0, n_negative=3), labels.gaussian(2.0)],
            "signs": [(1, -1), (1,)],
            "n": np.array([10, 20]),
        }
    )
    tables = Plan(
        **GOOD
        | {
            "labels": [
                {"name": "uniform_magnitude", "low": 0.5, "high": 1, "n_negative": 3},
                {"name": "gaussian", "scale": 2},
            ],
            "signs": ["+-", "+"],
            "n": range(10, 30, 10),
        }
    )
    assert given_objects == tables
    assert hash(given_objects) == hash(tables)
    planted = Plan(**GOOD | {"labels": labels.planted((1, -1), noise=0.5)})
    assert planted.labels[0].get("teacher") == "+-"


def test_a_spectrum_of_pairs_has_its_own_dimension():
    spectrum = rb.ensembles.spiked(10**12, 100.0)
    plan = Plan(n=5, spectrum=spectrum, kappa=0.9, measure="gap")
    assert plan.cell(0)[0].d == 10**12
    assert plan.cell(0)[0].trace == spectrum.trace
    assert Plan.from_toml(plan.to_toml()) == plan
    with pytest.raises(InvalidInputError, match=r"^d: "):
        Plan(n=5, d=10, spectrum=spectrum, kappa=0.9, measure="gap")


def test_a_flow_runs_once_for_all_step_sizes():
    plan = Plan(
        **GOOD | {"kappa": [0.3, 0.6, 0.9], "algorithm": ["descent", "flow"], "replicates": 2}
    )
    assert plan.n_tasks == 3 * 2 + 2
    assert [plan.cell(task)[0].kappa for task in (0, 2, 4, 6, 7)] == [0.3, 0.6, 0.9, None, None]
    assert plan.case(7).step_size is None


def test_fields_can_be_paired():
    plan = Plan(n=[5, 10, 20], d=[50, 200, 800], kappa=[0.1, 0.9], together=[["n", "d"]],
                measure="gap")  # fmt: skip
    assert plan.n_tasks == 6
    pairs = {(plan.cell(task)[0].n, plan.cell(task)[0].d) for task in range(6)}
    assert pairs == {(5, 50), (10, 200), (20, 800)}
    assert plan == dataclasses.replace(plan, together=("n", "d"))


def test_a_seed_belongs_to_the_task_and_not_to_its_place():
    small = Plan(n=10, d=[50, 70], kappa=0.9, replicates=2, measure="gap")
    large = Plan(n=[5, 10], d=[20, "7*n", 50], kappa=[0.1, 0.9], replicates=5, measure="loss")
    seeds = {}
    for task in range(large.n_tasks):
        cell, replicate = large.cell(task)
        seeds[cell.n, cell.d, cell.kappa, replicate] = large.case(task).seed
    for task in range(small.n_tasks):
        cell, replicate = small.cell(task)
        assert small.case(task).seed == seeds[cell.n, cell.d, 0.9, replicate]


@pytest.mark.parametrize("field", ["n", "d", "labels", "spectrum", "features"])
def test_parts_of_the_data_have_seeds_of_their_own(field):
    values = {
        "n": [10, 11],
        "d": [50, 51],
        "labels": ["gaussian", {"name": "gaussian", "scale": 2.0}],
        "spectrum": ["isotropic", {"name": "power_law", "exponent": 1.0}],
        "features": ["gaussian", "sphere"],
    }
    plan = Plan(**GOOD | {field: values[field]})
    assert plan.case(0).seed != plan.case(1).seed
    shared = dataclasses.replace(plan, shared=[*plan.shared, field])
    assert shared.case(0).seed == shared.case(1).seed


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("kappa", [0.1, 0.9]),
        ("start", [{"name": "all_positive", "scale": s} for s in (0.1, 0.2)]),
        ("signs", ["+", "+-"]),
        ("algorithm", ["descent", "flow"]),
    ],
)
def test_runs_on_the_same_data_are_paired_unless_asked_otherwise(field, values):
    plan = Plan(**GOOD | {field: values})
    first, second = plan.case(0), plan.case(1)
    assert (first.gram == second.gram).all()
    assert (first.labels == second.labels).all()
    apart = dataclasses.replace(plan, shared=[])
    assert apart.case(0).seed != apart.case(1).seed


def test_replicates_and_roots_differ():
    plan = Plan(**GOOD | {"replicates": 50})
    other = dataclasses.replace(plan, seed=1)
    seeds = {p.case(task).seed for p in (plan, other) for task in range(50)}
    assert len(seeds) == 100


def test_every_field_is_in_the_digest():
    base = Plan(**GOOD)
    changes = {
        "n": 11, "d": 51, "kappa": 0.8, "measure": "loss", "replicates": 2, "seed": 1,
        "signs": "+-", "features": "sphere", "spectrum": {"name": "isotropic", "value": 2.0},
        "labels": "gaussian", "start": {"name": "gaussian", "scale": 1.0}, "shared": [],
        "algorithm": {"name": "descent", "tol": 1e-8}, "chunk_size": 7, "name": "other",
        "together": [["n", "d"]],
    }  # fmt: skip
    fields = {field.name for field in dataclasses.fields(Plan)}
    assert fields - set(changes) == {"eta"}
    digests = {dataclasses.replace(base, **{k: v}).digest for k, v in changes.items()}
    assert len(digests | {base.digest}) == len(changes) + 1


@settings(max_examples=40)
@given(plans())
def test_chunks_are_a_sequence(plan):
    listed = list(plan.chunks)
    assert len(plan.chunks) == len(listed)
    assert [plan.chunks[k] for k in range(-len(listed), len(listed))] == listed * 2
    assert plan.chunks[1:3] == tuple(listed[1:3])
    assert plan.chunks == Plan.from_toml(plan.to_toml()).chunks
    for place in (len(listed), -len(listed) - 1):
        with pytest.raises(IndexError):
            plan.chunks[place]


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(Plan(**GOOD).to_toml(), encoding="utf-8-sig")
    assert Plan.from_toml(path) == Plan(**GOOD)


def test_every_measure_says_what_it_is():
    assert all(len(measure.about) > 10 for measure in MEASURES.values())
    assert all(list(m.kinds) == [name] for name, m in MEASURES.items())


@given(st.integers(1, 200), st.integers(1, 4))
def test_chunk_sizes_follow_a_rule_of_the_plan_alone(n, m):
    plan = Plan(n=n, d="5*n", kappa=0.5, signs="+" * m, measure="loss", replicates=3000)
    assert plan.chunks == Plan.from_toml(plan.to_toml()).chunks
    assert 1 <= len(plan.chunks[0]) <= 2000


def test_paired_values_may_repeat():
    plan = rb.sweep.Plan(n=[4, 4], d=[8, 9], kappa=0.9, measure="gap", together=["n", "d"])
    assert plan.n_tasks == 2


def test_functions_are_named_and_not_run_by_reading_a_plan():
    plan = Plan(**GOOD | {"measure": ["gap", own_measure, two_columns]})
    assert '"tests.sweep.test_plan:own_measure"' in plan.to_toml()
    again = Plan.from_toml(plan.to_toml())
    assert again == plan
    unknown = Plan(**GOOD | {"measure": "no.such.module:name"})
    assert Plan.from_toml(unknown.to_toml()) == unknown
