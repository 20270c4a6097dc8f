"""Every kernel by itself: products in every format, packing, cells, optimizers, in C."""

import subprocess

import pytest

from lstmcore import _core

INTERNAL = ("-Isrc_c", "-Itests/core", "-Wno-psabi")


@pytest.mark.timeout(600)  # it may have to build the library
@pytest.mark.parametrize("bits", [32, 64])
def test_kernels(library, tmp_path, bits):
    program = library.program(
        "tests/core/check_kernels.c", tmp_path, *INTERNAL, f"-DREAL_F64={bits // 64}"
    )
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    said = dict(line.split(": ") for line in done.stdout.splitlines())
    assert list(said) == [f"{isa}, float{bits}" for isa in _core.isas()]
    for isa, line in zip(_core.isas(), said.values(), strict=True):
        assert line.split(", ")[2:] == (dot_products(isa) if bits == 32 else [])


def dot_products(isa):
    """Those that the machine has for an instruction set: the program says which it has checked."""
    _core.set_isa(isa)
    try:
        return [
            f"{storage} {dot}"
            for storage in ("float16", "bfloat16", "int8")
            for dot in _core.dot_products(storage)
            if dot != "none"
        ]
    finally:
        _core.set_isa(None)


@pytest.mark.timeout(600)
def test_a_file_may_overwrite_two_parts(library, tmp_path):
    program = library.program("tests/core/own_parts.c", tmp_path, *INTERNAL, "-ffp-contract=fast")
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.stdout == "3 tiles, 3 cells, same numbers\n"
