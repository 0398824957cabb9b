"""How far a command is, on a terminal and in a log."""

from __future__ import annotations

import io

from core.progress_line import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_one_line_a_stage_that_is_written_over():
    stream = Terminal()
    line = ProgressLine(stream)
    for done in range(1001):
        line.tell("read images", done, 1000)
    line.tell("wait", 0, 0)
    line.close()
    shown = [text.split("\r")[-1].rstrip() for text in stream.getvalue().split("\n")]
    assert shown == ["read images: 1,000 of 1,000 images", "wait", ""]
    assert stream.getvalue().count("\r") < 10  # not a thousand writings


def test_a_log_gets_a_line_a_stage():
    stream = io.StringIO()
    line = ProgressLine(stream, units="steps")
    for done in range(3):
        line.tell("read", done, 3)
    line.tell("wait", 0, 0)
    line.close()
    assert stream.getvalue() == "read: 3 steps\nwait\n"
