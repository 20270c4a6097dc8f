"""The binding to the C core: Cython sources of `lstmcore._core`, what loads it, and the BLAS."""
