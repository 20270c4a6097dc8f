"""The harness: cases, the machine, the peers' processes, and measuring in turns."""
