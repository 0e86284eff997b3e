"""Budget of a search: deadline, gap, Ctrl-C, reports."""

from __future__ import annotations

import math
import os
import signal
import threading
import time

import pytest

from relubias.minnorm.search import Search, interruptible


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)  # the handler runs between two bytecodes


def test_search_without_limits_never_stops():
    search = Search()
    search.note(2.0, 2.0, 5)
    assert not search.stops()
    assert (search.incumbent, search.bound, search.n_nodes, search.gap) == (2.0, 2.0, 5, 0.0)


def test_search_stops_at_its_deadline():
    assert Search(time.monotonic() - 1.0).stops()
    assert not Search(time.monotonic() + 60.0).stops()


def test_search_stops_once_the_gap_is_small_enough():
    search = Search(rel_gap=0.1)
    assert search.gap == 1.0
    search.note(2.0, 1.0, 1)
    assert not search.stops()
    search.note(2.0, 1.9, 2)
    assert search.stops()


def test_search_keeps_the_best_of_what_it_is_told():
    search = Search()
    search.note(2.0, 1.0, 1)
    search.note(3.0, 0.5, 2)
    assert (search.incumbent, search.bound) == (2.0, 1.0)


def test_search_reports_growing_fractions_and_a_sentence():
    heard = []
    search = Search(report=lambda fraction, text: heard.append((fraction, text)))
    search.note(2.0, 1.0, 1)
    time.sleep(0.21)
    search.note(2.0, 1.5, 20)
    assert [fraction for fraction, _ in heard] == [0.0, 0.5]
    assert heard[1][1] == "norm 2, bound 1.5, gap 0.25, 20 nodes"
    search.note(2.0, 1.6, 21)  # too soon for another report
    assert len(heard) == 2


def test_part_of_a_search_shares_deadline_and_interrupts_but_not_norms():
    search = Search(rel_gap=0.5)
    part = search.part()
    part.note(2.0, 1.9, 1)
    assert part.stops()
    assert search.incumbent == math.inf
    other = search.part()
    search.is_interrupted = True
    assert other.stops()


def test_first_interrupt_stops_and_the_second_raises():
    search = Search()
    search.note(2.0, 1.0, 1)
    with interruptible(search):
        press_ctrl_c()
        assert search.stops()
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_interrupt_before_there_is_a_network_raises():
    with pytest.raises(KeyboardInterrupt), interruptible(Search()):
        press_ctrl_c()


def test_other_threads_and_other_handlers_are_left_alone():
    inside = []

    def run():
        with interruptible(Search()):
            inside.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert inside == [signal.default_int_handler]
