"""Rows are those of calling the public functions by hand, in any order and any company."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import relubias as rb
from relubias import InvalidInputError
from relubias.sweep import MEASURES, Plan, columns
from relubias.sweep._compute import compute, parameters, schema
from tests.sweep.plans import MEASURES as CHEAP
from tests.sweep.plans import plans

GOOD = {"n": 6, "d": 40, "kappa": 0.7, "replicates": 4}


def equal(first, second):
    """Whether two tables are equal, bit for bit."""
    return first.keys() == second.keys() and all(
        first[name].dtype.kind == second[name].dtype.kind
        and np.array_equal(first[name], second[name], equal_nan=first[name].dtype.kind == "f")
        for name in first
    )


def rows(table, places):
    return {name: values[places] for name, values in table.items()}


@settings(max_examples=25)
@given(plans(measure=CHEAP), st.data())
def test_rows_do_not_depend_on_order_or_company(plan, data):
    tasks = data.draw(
        st.lists(st.integers(0, plan.n_tasks - 1), min_size=1, max_size=12, unique=True)
    )
    together = compute(plan, tasks)
    order = data.draw(st.permutations(range(len(tasks))))
    assert equal(compute(plan, [tasks[k] for k in order]), rows(together, list(order)))
    alone = data.draw(st.integers(0, len(tasks) - 1))
    assert equal(compute(plan, [tasks[alone]]), rows(together, [alone]))


@settings(max_examples=25)
@given(plans(measure=CHEAP), st.data())
def test_rows_are_those_of_the_public_functions(plan, data):
    task = data.draw(st.integers(0, plan.n_tasks - 1))
    row = {name: values[0] for name, values in compute(plan, [task]).items()}
    problem, start, eta = by_hand(row)
    run = rb.gradient_descent(
        problem,
        start,
        step_size=eta,
        max_iter=int(row["algorithm_max_iter"]),
        momentum=float(row["algorithm_momentum"]),
    )
    active = run.limit.primal > 0
    wanted = problem.signs[:, None] * problem.labels > 0
    assert row["step_size"] == eta
    assert row["run_status"] == run.status.name
    assert row["n_steps"] == run.n_steps
    assert row["n_switches"] == run.n_switches
    assert row["last_switch"] == run.last_switch
    assert row["loss"] == run.loss
    assert row["selected"] == "/".join("".join(str(int(a)) for a in neuron) for neuron in active)
    assert row["one_step"] == (run.last_switch <= 1 and (active == wanted).all())


def by_hand(row):
    """Build problem, start and step size of a row from its columns and nothing else."""
    ensembles = rb.ensembles
    n, d, seed = int(row["n"]), int(row["d"]), int(row["seed"])
    options = {key: row.get(key) for key in row}
    spectrum = {
        "isotropic": lambda: ensembles.isotropic(d, options["spectrum_value"]),
        "spiked": lambda: ensembles.spiked(
            d, options["spectrum_spike"], int(options["spectrum_n_spikes"])
        ),
        "power_law": lambda: ensembles.power_law(d, options["spectrum_exponent"]),
    }[row["spectrum"]]()
    law = getattr(ensembles, row["features"].capitalize())(spectrum)
    gram = law.sample_gram(n, seed)
    if row["labels"] == "planted":
        teacher = [1 if sign == "+" else -1 for sign in row["labels_teacher"]]
        y = ensembles.labels.planted(teacher, row["labels_noise"])(n, seed, gram=gram)
    elif row["labels"] == "gaussian":
        y = ensembles.labels.gaussian(row["labels_scale"])(n, seed)
    else:
        count = row.get("labels_n_negative", math.nan)
        more = {} if math.isnan(count) else {"n_negative": int(count)}
        y = ensembles.labels.uniform_magnitude(row["labels_low"], row["labels_high"], **more)(
            n, seed
        )
    problem = rb.Problem(gram, y, [1 if sign == "+" else -1 for sign in row["signs"]])
    scale = row["start_scale"]
    if scale == "0.1*y_min":
        scale = 0.1 * float(np.abs(y).min())
    elif row["start"] == "gaussian" and isinstance(scale, str):
        scale = 0.01 / math.sqrt(law.trace) if "trace" in scale else float(scale)
    scale = float(scale)
    if row["start"] == "gaussian":
        start = rb.starts.gaussian(problem, scale, seed)
    else:
        start = rb.starts.all_positive(problem, scale)
    if "eta" in row:
        return problem, start, float(row["eta"])
    kappa = row["kappa"]
    if kappa == "min(1, trace/lambda_max)":
        kappa = min(1, law.trace / float(np.linalg.eigvalsh(gram)[-1]))
    return problem, start, float(kappa) / law.trace


@pytest.mark.parametrize("signs", ["+", "-", "+-"])
@pytest.mark.parametrize("momentum", [0.0, 0.4])
def test_gaps_and_norms_are_those_of_the_public_functions(signs, momentum):
    algorithm = {"name": "descent", "momentum": momentum}
    names = [name for name, measure in MEASURES.items() if "descent" in measure.algorithms]
    plan = Plan(**GOOD, signs=signs, measure=names, algorithm=algorithm)
    table = compute(plan, range(plan.n_tasks))
    for b in range(plan.n_tasks):
        case = plan.case(b)
        run = rb.gradient_descent(case.problem, case.start, step_size=0.7 / 40, momentum=momentum)
        shortest = rb.minimum_norm(case.problem)
        gap = rb.bias_gap(case.problem, run, shortest, trace=40.0)
        expected = {
            "gap": gap.distance, "gap_error": gap.rounding_error, "relative_gap": gap.relative,
            "gap_law": gap.prediction, "gap_ratio": gap.ratio, "norm": gap.first_norm,
            "minimum_norm": shortest.norm, "minimum_norm_bound": shortest.lower_bound,
            "minimum_norm_status": shortest.status, "tail": run.tail, "trace": 40.0,
            "minimum_norm_certificate": shortest.certificate.kind,
            "certificate": run.certificate.kind if run.certificate else "",
        }  # fmt: skip
        for name, value in expected.items():
            got = table[name][b]
            assert got == value or (got != got and value != value), name


def test_flows_are_those_of_the_public_function():
    names = [name for name, measure in MEASURES.items() if "flow" in measure.algorithms]
    plan = Plan(n=5, d=30, signs=["+", "+-"], algorithm="flow", replicates=3, measure=names)
    table = compute(plan, range(plan.n_tasks))
    for b in range(plan.n_tasks):
        case = plan.case(b)
        run = rb.gradient_flow(case.problem, case.start)
        gap = rb.bias_gap(case.problem, run, rb.minimum_norm(case.problem), trace=30.0)
        assert table["run_status"][b] == run.status.name
        assert table["last_switch"][b] == run.last_switch
        assert table["loss"][b] == run.loss
        assert table["gap"][b] == gap.distance
        assert table["n_switches"][b] == run.n_switches
        assert table["n_events"][b] == run.n_events


def test_data_that_cannot_be_fitted_have_no_gap():
    plan = Plan(n=6, d=2, kappa=0.1, start={"name": "gaussian", "scale": 0.1}, replicates=5,
                labels={"name": "uniform_magnitude", "low": 1, "high": 2, "n_negative": 0},
                algorithm={"name": "descent", "max_iter": 50},
                measure=["gap", "minimum_norm", "minimum_norm_status"])  # fmt: skip
    table = compute(plan, range(5))
    infeasible = table["minimum_norm_status"] == "INFEASIBLE"
    assert infeasible.any()
    assert np.isnan(table["gap"][infeasible]).all()


def test_a_start_that_does_not_exist_raises():
    plan = Plan(**GOOD | {"n": 6, "d": 2}, measure="loss")
    with pytest.raises(InvalidInputError, match="rank"):
        compute(plan, [0])


def test_disjoint_starts_give_every_sample_an_owner():
    plan = Plan(n=8, d=100, signs="++--", kappa=0.2, replicates=3, measure="loss",
                start={"name": "disjoint", "scale": "0.01*y_min"})  # fmt: skip
    for b in range(3):
        case = plan.case(b)
        active = case.start @ case.gram > 0
        agrees = case.problem.signs[:, None] * case.labels > 0
        assert ((active & agrees).sum(axis=0) == 1).all()
        counts = (active & agrees).sum(axis=1)
        assert abs(counts[0] - counts[1]) <= 1
        assert abs(counts[2] - counts[3]) <= 1
    assert np.isfinite(compute(plan, range(3))["loss"]).all()


@settings(max_examples=30)
@given(plans(measure=CHEAP))
def test_columns_are_those_of_the_schema(plan):
    kinds = {"int64": "i", "float64": "f", "bool": "b", "string": "U"}
    tasks = list(range(min(plan.n_tasks, 5)))
    table = compute(plan, tasks)
    assert [(name, values.dtype.kind) for name, values in table.items()] == [
        (name, kinds[kind]) for name, kind in schema(plan)
    ]
    assert equal(parameters(plan, tasks), rows_of_parameters(table, plan, tasks))
    assert table["task"].tolist() == tasks
    empty = compute(plan, [])
    assert list(empty) == list(table)
    assert all(values.size == 0 for values in empty.values())


def rows_of_parameters(table, plan, tasks):
    return {name: table[name] for name in parameters(plan, tasks)}


def test_expressions_are_columns_of_numbers_unless_they_need_the_data():
    plan = Plan(n=[4, 6], d="5*n", kappa="m/n", measure="trace",
                start={"name": "all_positive", "scale": ["0.1/n", "0.1*y_min"]})  # fmt: skip
    table = parameters(plan, range(plan.n_tasks))
    assert table["d"].tolist() == [20, 20, 30, 30]
    assert table["kappa"].tolist() == [1 / 4, 1 / 4, 1 / 6, 1 / 6]
    assert table["start_scale"].tolist() == ["0.025", "0.1*y_min", repr(0.1 / 6), "0.1*y_min"]


def largest(case) -> float:
    return case.run.limit.primal.max()


@columns(n_active=int, is_certified=bool, word=str)
def several(case):
    run = case.run
    return {
        "word": case.parameters["labels"],
        "n_active": int((run.limit.primal > 0).sum()),
        "is_certified": run.status is rb.Status.CERTIFIED,
    }


def undeclared(_):
    return {"a": 1.0}


@columns(a=float, b=float)
def incomplete(_):
    return {"a": 1.0}


@columns(status=str)
def reserved(_):
    return {"status": ""}


@columns(gap=float)
def second_gap(_):
    return {"gap": 0.0}


def test_functions_of_ones_own_become_columns():
    names = [f"{__name__}:largest", f"{__name__}:several"]
    plan = Plan(**GOOD, measure=["loss", largest, several])
    table = compute(plan, range(4))
    assert equal(table, compute(Plan(**GOOD, measure=["loss", *names]), range(4)))
    assert dict(schema(plan))["n_active"] == "int64"
    assert dict(schema(plan))["is_certified"] == "bool"
    for b in range(4):
        run = plan.case(b).run
        assert table["largest"][b] == run.limit.primal.max()
        assert table["n_active"][b] == (run.limit.primal > 0).sum()
        assert table["word"][b] == "uniform_magnitude"


@pytest.mark.parametrize("function", [undeclared, incomplete, reserved, second_gap])
def test_columns_that_were_not_declared_are_refused(function):
    plan = Plan(**GOOD, measure=["gap", function])
    with pytest.raises(InvalidInputError, match=r"^measure: "):
        compute(plan, [0])


@pytest.mark.parametrize("name", ["no.such.module:f", f"{__name__}:nothing", f"{__name__}:GOOD"])
def test_functions_that_cannot_be_imported_are_named(name):
    with pytest.raises(InvalidInputError, match=f"^measure: '{name}'"):
        schema(Plan(**GOOD, measure=name))


@pytest.mark.parametrize("kind", [None, "float", 3, complex, [float], np.float64])
def test_declared_types_are_the_four(kind):
    with pytest.raises(InvalidInputError, match=r"^a: "):
        columns(a=kind)


def test_verdicts_are_those_of_a_check():
    conditions = ["lai2026.theorem1", "lai2026.lemma9.a", "lai2026.theorem3"]
    plan = Plan(n=6, d=[30, 10**6], kappa=0.9, replicates=2,
                measure=["gap", *(f"verdict:{condition}" for condition in conditions)])  # fmt: skip
    table = compute(plan, range(4))
    answers = {True: "holds", False: "fails", None: "undecided"}
    for b in range(4):
        case = plan.case(b)
        report = rb.check(
            case.problem, case.start, step_size=case.step_size, spectrum=rb.ensembles.Gaussian(
                case.cell.d
            )
        )  # fmt: skip
        found = {verdict.condition: verdict for verdict in report.verdicts}
        for condition in conditions:
            margin, holds = (table[f"{condition}.{column}"][b] for column in ("margin", "holds"))
            if condition in found:
                assert holds == answers[found[condition].holds]
                np.testing.assert_array_equal(margin, found[condition].margin)
            else:
                assert holds == ""
                assert np.isnan(margin)
    assert set(table["lai2026.theorem1.holds"]) - {""}


def of_wrong_type(case):
    return case.wrong


def reads_as_int(case) -> int:
    return case.wrong


@columns(a=str, b=bool)
def of_wrong_columns(case):
    return {"a": case.wrong, "b": True}


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (of_wrong_type, 1j), (of_wrong_type, "x"), (of_wrong_type, None), (of_wrong_type, [1, [2]]),
        (of_wrong_type, np.ones(2)), (of_wrong_type, iter([1.0])), (of_wrong_type, {"a": 1.0}),
        (reads_as_int, 1.5), (reads_as_int, 10**30), (reads_as_int, np.uint64(2**64 - 1)),
        (of_wrong_columns, 3.0), (of_wrong_columns, b"x"),
    ],
)  # fmt: skip
def test_answers_of_another_type_are_named(function, value, monkeypatch):
    monkeypatch.setattr("relubias.sweep.case.Case.wrong", value, raising=False)
    with pytest.raises(InvalidInputError, match=rf"^measure: {function.__name__} returned"):
        compute(Plan(**GOOD, measure=function), [0])


@pytest.mark.parametrize("value", [np.float32(0.5), 1, True, np.array(2.0), math.nan])
def test_answers_that_are_numbers_are_taken(value, monkeypatch):
    monkeypatch.setattr("relubias.sweep.case.Case.wrong", value, raising=False)
    got = compute(Plan(**GOOD, measure=of_wrong_type), [0])["of_wrong_type"]
    np.testing.assert_array_equal(got, [float(value)])
