"""Counts instructions with callgrind: what other load on the machine does not move.

The serving thread alone is counted while the database is away (SQLite's write lock is held from outside); then the
lock goes, and what the drain costs for each record that waited. User code only, and valgrind's processor has no SHA
instructions and counts a `rep stosb` byte by byte.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import bench_kit as kit


def control(pid, *arguments):
    subprocess.run(["callgrind_control", *arguments, str(pid)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def totals(out, dump):
    """Instructions of each thread in one dump, the busiest first."""
    found = []
    for path in out.glob(f"cg.{dump}-*"):
        match = re.search(r"^(?:summary|totals): (\d+)", path.read_text(errors="replace"), re.M)
        found.append((int(match[1]) if match else 0, path))
    return sorted(found, reverse=True)


def measure(binary, load, folder, mode, seconds):
    """Instructions for each call (or event) on the serving thread, and for each record that was drained. Leaves the
    profiles in `folder`/callgrind."""
    out = folder / "callgrind"
    out.mkdir(parents=True)
    machine = kit.Machine()
    try:
        vendor = kit.free_port()
        machine.start(machine.other_cpu, [binary, "simulate", "--fast", "--port", vendor, "--tokens", kit.STREAM_EVENTS,
                      "--pace", kit.STREAM_PACE_MS if mode == "streams" else 0], stdout=subprocess.DEVNULL)
        kit.wait_for(vendor, "the simulator")
        valgrind = ["valgrind", "-q", "--tool=callgrind", "--separate-threads=yes", "--instr-atstart=no",
                    f"--callgrind-out-file={out}/cg"]
        pid, port, _ = kit.start_gateway(machine, binary, folder, {"plain": vendor}, before=valgrind)

        def run(for_seconds):
            command = [load, mode, "--url", f"http://127.0.0.1:{port}/v1/chat/completions", "--key", kit.KEY, "--model",
                       "plain", "--connections", "8", "--seconds", str(for_seconds)]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            return json.loads(out)

        while not run(2)["done"]:
            pass  # until everything that is made once is made
        time.sleep(1.5)
        with kit.DatabaseAway(folder):
            control(pid, "-i", "on")
            result = run(seconds)
            time.sleep(0.3)
            control(pid, "-d", "served")
            control(pid, "-i", "off")
            before = kit.rows_in(folder)
            control(pid, "-z")
            control(pid, "-i", "on")
        # the drain looks again after some seconds only
        until = time.monotonic() + 60
        while kit.rows_in(folder) < before + result["done"] and time.monotonic() < until:
            time.sleep(0.5)
        drained = kit.rows_in(folder) - before
        control(pid, "-d", "drained")
        control(pid, "-i", "off")
        served = totals(out, 1)[0][0]
        units = result["events"] if mode == "streams" else result["done"]
        return served / units, sum(count for count, _ in totals(out, 2)) / max(drained, 1)
    finally:
        machine.stop()


def instructions(binary, load, folder, seconds=6):
    """Of a request, of a stream event and of a drained record; empty where valgrind is not installed."""
    if not shutil.which("valgrind"):
        print("bench: valgrind is not installed, no instructions are counted", file=sys.stderr)
        return {}
    found = {}
    for mode, name in [("requests", "request"), ("streams", "event")]:
        print(f"bench: counting the instructions of a {name}", file=sys.stderr)
        place = folder / f"callgrind-{name}"
        place.mkdir()
        found[name], drained = measure(binary, load, place, mode, seconds)
        if mode == "requests":
            found["drained"] = drained
    return found


def top(profile, count=40):
    """The functions that cost most, callees included."""
    out = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", profile], check=True,
                         capture_output=True, text=True).stdout
    lines = [line for line in out.splitlines() if re.match(r"^ *[\d,]+ \(", line)]
    home = os.path.expanduser("~")
    return [line.replace(home, "~") for line in lines[:count]]
