"""The tables of `scripts/bench`."""

import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from bench_kit import LONG_PROMPT_BYTES, STREAM_EVENTS, STREAM_PACE_MS


def fmt(value, digits=1):
    return "–" if value is None else f"{value:,.{digits}f}"


def over(one, other, figure):
    one, other = one.median(figure), other.median(figure)
    return one / other if one and other else None


def added(target, direct, figure):
    one, other = target.median(figure), direct.median(figure)
    return None if one is None or other is None else one - other


def per_stream_kb(target, streams):
    held, before = target.median(f"rss_held_{streams}"), target.median(f"rss_before_{streams}")
    return None if held is None else (held - before) * 1024 / streams


def table(bench, args):
    direct, nginx, gateway = bench.direct, bench.nginx, bench.gateway
    rows = [
        ("CPU a request (closed loop, µs)", "request_cpu", 1),
        (f"CPU a stream of {STREAM_EVENTS} events, {STREAM_PACE_MS} ms apart (µs)", "stream_cpu", 0),
        ("CPU a stream event (µs)", "event_cpu", 1),
        (f"Requests a second, one core, {args.connections} connections", "closed_rps", 0),
        ("Latency there, p50 (µs)", "closed_p50", 0),
        ("Latency there, p99 (µs)", "closed_p99", 0),
        (f"Latency at {args.rate:,.0f} requests/s, p50 (µs)", "rate_p50", 0),
        (f"Latency at {args.rate:,.0f} requests/s, p99 (µs)", "rate_p99", 0),
        ("Time to first token, 20 streams/s, p50 (µs)", "first_p50", 0),
        ("Time to first token, 20 streams/s, p99 (µs)", "first_p99", 0),
        ("Resident memory when started (MB)", "rss_before_1000", 0),
        ("Resident memory with 1,000 streams open (MB)", "rss_held_1000", 0),
        ("Resident memory with 5,000 streams open (MB)", "rss_held_5000", 0),
        (f"CPU a request with a prompt of {LONG_PROMPT_BYTES // 1024} KB (µs)", "long_request_cpu", 1),
    ]
    out = ["| figure | direct | nginx | ModelGate | ModelGate / nginx |", "|---|---:|---:|---:|---:|"]
    for label, figure, digits in rows:
        if gateway.median(figure) is None:
            continue
        figures = [fmt(target.median(figure), digits) for target in (direct, nginx, gateway)]
        out.append(f"| {label} | {' | '.join(figures)} | {fmt(over(gateway, nginx, figure), 2)} |")
    out += ["", "| added over a direct call | nginx | ModelGate |", "|---|---:|---:|"]
    for label, figure in [(f"p50 at {args.rate:,.0f} requests/s", "rate_p50"),
                          (f"p99 at {args.rate:,.0f} requests/s", "rate_p99"),
                          ("time to first token, p50", "first_p50"), ("time to first token, p99", "first_p99")]:
        figures = [fmt(added(target, direct, figure), 0) for target in (nginx, gateway)]
        out.append(f"| {label} (µs) | {' | '.join(figures)} |")
    return "\n".join(out)


def variants(gateway):
    """The same closed loop under other circumstances."""
    plain = gateway.median("request_cpu")
    rows = [
        ("as above", ""),
        ("database away: the journal is written, nothing drains", "away_"),
        ("every rule on: expiry, addresses, time rules, four limits, a budget", "ruled_"),
        ("TLS to the vendor", "tls_"),
        ("the request log in PostgreSQL (its own processes not counted)", "postgres_"),
    ]
    out = ["| the closed loop | CPU a request (µs) | over the first | requests a second | p99 (µs) |", "|---|---:|---:|---:|---:|"]
    for label, name in rows:
        cpu = gateway.median(name + "request_cpu")
        if cpu is not None:
            out.append(f"| {label} | {cpu:.1f} | {cpu / plain:.2f} | {fmt(gateway.median(name + 'closed_rps'), 0)} "
                       f"| {fmt(gateway.median(name + 'closed_p99'), 0)} |")
    start = gateway.median("start_ms")
    out += ["", f"A start with a configured database, until calls are taken: {fmt(start, 0)} ms."]
    return "\n".join(out)


def marks(bench, instructions):
    """The project's own marks, each with what was measured."""
    direct, nginx, gateway = bench.direct, bench.nginx, bench.gateway

    def line(name, value, mark, text, digits=2):
        if value is None:
            return f"| {name} | {text} | – | not measured |"
        return f"| {name} | {text} | {value:,.{digits}f} | {'met' if value <= mark else '**missed**'} |"

    def ms(figure):
        value = added(gateway, direct, figure)
        return None if value is None else value / 1000

    away, plain = gateway.median("away_request_cpu"), nginx.median("request_cpu")
    return "\n".join([
        "| mark | target | measured | |", "|---|---|---:|---|",
        line("CPU a request with the drain paused and the journal on, over nginx", away and away / plain, 1.3, "≤ 1.3"),
        line("CPU a request with the request log in SQLite, over nginx", over(gateway, nginx, "request_cpu"), 1.6, "≤ 1.6"),
        line("CPU a request, absolute (µs)", gateway.median("request_cpu"), 25, "≤ 25"),
        line("CPU a stream event, over nginx", over(gateway, nginx, "event_cpu"), 1.3, "≤ 1.3"),
        line("user instructions a request", instructions.get("request"), 70_000, "≤ 70,000", 0),
        line("user instructions an event", instructions.get("event"), 10_000, "≤ 10,000", 0),
        line("p50 added at the fixed rate (ms)", ms("rate_p50"), 0.30, "≤ 0.30"),
        line("p99 at the fixed rate, over nginx", over(gateway, nginx, "rate_p99"), 1.3, "≤ 1.3"),
        line("time to first token added, p50 (ms)", ms("first_p50"), 0.3, "≤ 0.3"),
        line("memory a stream, of 1,000 (KB)", per_stream_kb(gateway, 1000), 30, "≤ 30"),
        line("memory a stream, of 5,000 (KB)", per_stream_kb(gateway, 5000), 30, "≤ 30"),
        line("memory when started (MB)", gateway.median("rss_before_1000"), 15, "≤ 15"),
    ])


def machine_line():
    model = next((l.split(":", 1)[1].strip() for l in Path("/proc/cpuinfo").read_text().splitlines()
                  if l.startswith("model name")), platform.machine())
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // (1024 * 1024)
    return f"{len(os.sched_getaffinity(0))} × {model}, {memory} GB, Linux {platform.release()}"


def report(args, bench, instructions, loads, took, recorded):
    date = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    command = " ".join(["scripts/bench", *sys.argv[1:]])
    nginx_version = subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr.strip().rsplit("/", 1)[-1]
    drained = instructions.get("drained")
    drained = f"\nA drained record costs {drained:,.0f} instructions on the database's threads.\n" if drained else ""
    others = "" if args.core else f"\n## Under other circumstances\n\n{variants(bench.gateway)}\n"
    return f"""# Benchmarks

Made by `{command}` ({args.rounds} interleaved rounds, {args.seconds:.0f} s each measurement, {took / 60:.0f} minutes in all) on {date}.

Machine: {machine_line()}. Load average before and after the run: {loads[0]:.2f} and {loads[1]:.2f}. nginx {nginx_version}.

The proxy under test has one core and one worker; simulator and load client share another core. HTTP/1.1 with keep-alive
on both sides, about 400 bytes of prompt, about 600 bytes of answer. The gateway (profile `{args.profile}`) checks keys, routes,
prices, writes its journal, and keeps the request log with its roll-ups in SQLite ({recorded:,} calls were in the log at the end). nginx is a
plain proxy without a log. All figures are medians of the rounds; CPU is user and system time of the proxy's own processes.

{table(bench, args)}
{others}
## Against the project's own marks

{marks(bench, instructions)}
{drained}
[profile.md](profile.md) says where the instructions go, and what was done about them.

## What this does not show

- No HTTP/2, and nothing of real vendors: their latency is a thousand times what any proxy adds.
- Latency under a microscope: client, vendor and kernel share one core, so p99 is mostly the scheduler's. Ratios between
  rows of one run mean something; figures of two machines, or of two runs, do not.
- No failover, no tools, no more than one worker.
"""
