"""Harness of the benchmarks: cases, machine, peers' processes, and measurement in turns."""
