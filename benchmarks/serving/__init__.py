"""The speed of `lstmcore serve`: latency, requests a second, batching, memory.

    python -m benchmarks.serving.load

The client is a C program, `client.c`, so that little of the cores goes to it.
"""
