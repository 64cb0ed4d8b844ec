# SPDX-License-Identifier: MIT
"""Lines of TAP, for the scripts beside this one."""
NUMBER = 0
BAD = 0


def check(good, what, detail=""):
    """One line."""
    global NUMBER, BAD  # pylint: disable=global-statement
    NUMBER += 1
    BAD += not good
    print(f"{'ok' if good else 'not ok'} {NUMBER} - {what}{'' if good or detail == '' else f': {detail}'}", flush=True)
    return good


def finish():
    """The plan; the script's exit status."""
    print(f"1..{NUMBER}")
    return BAD != 0
