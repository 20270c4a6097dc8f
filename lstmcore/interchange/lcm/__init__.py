"""Model files of liblstmcore, which run in C programs."""
