from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time

import pytest

from relubias.explorer._encode import decoded
from relubias.explorer.compute import compute
from relubias.explorer.pool import Pool
from relubias.explorer.security import Refused
from relubias.explorer.service import Computing
from relubias.sweep._child import read_frame, write_frame
from relubias.sweep._processes import surroundings

SLOW = "tests.explorer.slow_child"


def with_pool(work, **options):
    """Run ``work(pool)`` beside a pool that is stopped afterwards; return lines of the terminal."""
    lines = []

    async def go():
        pool = Pool(say=lines.append, **{"module": SLOW, "n_children": 1, **options})
        await pool.start()
        try:
            await work(pool)
        finally:
            await pool.stop()

    asyncio.run(go())
    return lines


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def refused(question):
    with pytest.raises(Refused) as caught:
        await question
    return caught.value


def test_answers_come_from_children():
    async def work(pool):
        header, body = await pool.ask({"say": "x"}, b"abc" * 100_000)
        assert header["said"] == "x"
        assert body == b"abc" * 100_000
        assert header["pid"] != os.getpid()

    assert with_pool(work) == []


def test_a_computation_is_cut_in_time_and_the_child_replaced():
    async def work(pool):
        first = (await pool.ask({}))[0]["pid"]
        begun = time.monotonic()
        refusal = await refused(pool.ask({"seconds": 60}))
        assert refusal.status == 503
        assert "0.3 seconds" in str(refusal)
        assert time.monotonic() - begun < 5.0
        second = (await pool.ask({}))[0]["pid"]
        assert second != first
        assert not is_running(first)

    assert with_pool(work, seconds=0.3) == []


def test_the_child_of_the_first_page_has_more_time(monkeypatch):
    """While the others load, the machine is busy: its work is cut later."""
    monkeypatch.setenv("RELUBIAS_TEST_CHILD", "late")

    async def work(pool):
        assert (await pool.ask({"seconds": 0.6, "say": 1}))[0]["plain"] == ["plain"]

    assert with_pool(work, n_children=2, seconds=0.3) == []


def test_a_child_that_ends_is_named_and_replaced():
    async def work(pool):
        refusal = await refused(pool.ask({"exit": 7}))
        assert refusal.status == 503
        assert "ended" in str(refusal)
        assert (await pool.ask({"say": 1}))[0]["said"] == 1

    (line,) = with_pool(work)
    assert "exit status 7" in line


def test_a_newer_request_of_a_page_takes_the_place_of_one_that_waits():
    async def work(pool):
        await pool.ask({})
        running = asyncio.create_task(pool.ask({"seconds": 0.5, "say": 0}, sender="a"))
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(pool.ask({"say": k}, sender="a")) for k in (1, 2, 3)]
        other = asyncio.create_task(pool.ask({"say": "b"}, sender="b"))
        assert (await waiting[2])[0]["said"] == 3
        assert [(await refused(task)).status for task in waiting[:2]] == [409, 409]
        assert (await other)[0]["said"] == "b"
        assert (await running)[0]["said"] == 0

    with_pool(work)


def test_old_work_of_a_page_that_asks_anew_is_cut():
    async def work(pool):
        await pool.ask({})
        begun = time.monotonic()
        old = asyncio.create_task(pool.ask({"seconds": 60}, sender="a"))
        await asyncio.sleep(0.1)
        new = asyncio.create_task(pool.ask({"say": "new"}, sender="a"))
        assert (await refused(old)).status == 503
        assert (await new)[0]["said"] == "new"
        assert time.monotonic() - begun < 30

    assert with_pool(work, seconds=50) == []


def test_long_work_of_one_page_does_not_hold_up_another():
    async def work(pool):
        while len([child for child in pool._idle if not child.is_plain]) < 2:
            await asyncio.sleep(0.05)
        long = asyncio.create_task(pool.ask({"seconds": 3}, sender="a"))
        await asyncio.sleep(0.1)
        assert (await pool.ask({"say": "b"}, sender="b"))[0]["said"] == "b"
        assert not long.done()
        await long

    with_pool(work, n_children=2)


def test_a_crowd_is_told_to_wait():
    async def work(pool):
        await pool.ask({})
        asked = [asyncio.create_task(pool.ask({"seconds": 0.2}, sender=str(k))) for k in range(6)]
        await asyncio.sleep(0)
        refusal = await refused(pool.ask({}, sender="late"))
        assert refusal.status == 503
        assert "too much to do" in str(refusal)
        await asyncio.gather(*asked)

    with_pool(work, most_waiting=5)


def test_who_leaves_is_not_computed_for():
    async def work(pool):
        await pool.ask({})
        first = asyncio.create_task(pool.ask({"seconds": 0.3}))
        await asyncio.sleep(0.05)
        left = asyncio.create_task(pool.ask({"exit": 9}))
        await asyncio.sleep(0.05)
        left.cancel()
        await first
        assert (await pool.ask({"say": 1}))[0]["said"] == 1

    assert with_pool(work) == []


def test_stopping_leaves_no_process_and_no_question():
    pids = []

    async def go():
        pool = Pool(module=SLOW, n_children=2, say=print)
        await pool.start()
        for _ in range(2):
            pids.extend(h["pid"] for h, _ in await asyncio.gather(*(pool.ask({}) for _ in "ab")))
        asked = asyncio.create_task(pool.ask({"seconds": 60}))
        waiting = [asyncio.create_task(pool.ask({"seconds": 60})) for _ in range(3)]
        await asyncio.sleep(0.1)
        await pool.stop()
        for task in (asked, *waiting):
            assert (await refused(task)).status == 503

    asyncio.run(go())
    assert not [pid for pid in set(pids) if is_running(pid)]


def test_a_child_that_never_starts_is_said_and_given_up(monkeypatch):
    monkeypatch.setenv("RELUBIAS_TEST_CHILD", "stillborn")

    async def work(pool):
        refusal = await refused(pool.ask({}))
        assert refusal.status == 503
        assert "does not start" in str(refusal)
        assert (await refused(pool.ask({}))).status == 503

    lines = with_pool(work)
    assert len(lines) == 3
    assert "exit status 3" in lines[0]


def test_children_without_compiled_code_are_replaced():
    async def work(pool):
        seen = set()
        for _ in range(3000):
            seen.add(tuple((await pool.ask({}))[0]["plain"]))
            if seen >= {()} and not [child for child in pool._children if child.is_plain]:
                break
            await asyncio.sleep(0.02)
        assert () in seen
        assert not [child for child in pool._children if child.is_plain]

    with_pool(work, n_children=2)


# --- the real child ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def child():
    """Return a running child; it works without compiled code, and that changes no number."""
    command = [sys.executable, "-m", "relubias.explorer._child", str(os.getpid()), "plain"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **surroundings()
    ) as process:
        assert read_frame(process.stdout)[0] == {"is_ready": True}
        yield process
        process.stdin.close()
        assert process.wait(20) == 0


def ask(child, header, body=b""):
    write_frame(child.stdin, header, body)
    return read_frame(child.stdout)


def test_the_child_answers_as_the_function_does(child):
    state = {"n": 6, "d": 300, "signs": "+-", "kappa": 0.5}
    header, body = ask(child, {"kind": "run", "state": state})
    expected, found = compute(state), json.loads(body)
    assert header == {}
    for answer in (expected, found):
        answer.pop("ms")
    assert found == json.loads(json.dumps(expected))


def test_the_child_refuses_with_the_field(child):
    state = {"n": 4, "d": 100, "start": "disjoint", "negative": 0.5}
    header, body = ask(child, {"kind": "run", "state": state})
    assert header["field"] == "start"
    assert body == b""


def test_the_child_survives_an_error_of_ours(child):
    header, _ = ask(child, {"kind": "run"})
    assert "KeyError" in header["failure"]
    assert "is_gram" in ask(child, {"kind": "read", "name": "a.csv"}, b"1,2\n3,4\n")[0]


def test_the_child_runs_out_of_memory_before_the_machine_does(child):
    """A table whose counts are out of proportion is refused, whatever it would unpack to."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pa.table({"a": pa.array([1.0]).take(pa.array([0] * 3_000_000)), "y": [1.0] * 3_000_000})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    body = sink.getvalue().to_pybytes()
    assert len(body) < 1 << 20
    header, _ = ask(child, {"kind": "read", "name": "bomb.parquet"}, body)
    assert "6,000,000" in header["refusal"]


def test_a_file_lives_as_long_as_the_server():
    async def go():
        pool = Pool(n_children=1, seconds=60)
        service = Computing(pool)
        await service.start()
        try:
            about = await service.store("mine.csv", b"a,b,y\n1,0,1\n0,2,-0.5\n")
            assert about["n"] == about["d"] == 2
            state = {"data": about["id"], "signs": "+-", "kappa": 0.5}
            answer = json.loads(await service.run(state, "me"))
            assert decoded(answer["labels"]).tolist() == [1.0, -0.5]
            assert answer["state"]["n"] == 2
            for child in list(pool._children):  # the file outlives the process that read it
                child.end()
            await asyncio.sleep(0.2)
            with pytest.raises(Refused):
                await service.run(state, "me")
            again = json.loads(await service.run(state, "me"))
            assert again["limit"] == answer["limit"]
            for k in range(4):
                await service.store(f"{k}.csv", b"1,2\n3,4\n")
            with pytest.raises(Exception, match="upload it again"):
                await service.run(state, "me")
        finally:
            await service.stop()

    asyncio.run(go())
