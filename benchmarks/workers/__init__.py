"""One worker per library: a process that prepares a case and times bursts of calls of it."""
