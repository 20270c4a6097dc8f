"""What the tests of the commands share."""

from lstmcore import cli

QUICK = ["--window", "12", "--horizon", "3", "--hidden", "4", "--epochs", "2"]


def fails(capsys, argv):
    """Call a command that fails; return its exit code and error line."""
    try:
        code = cli.main(argv)
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return code, out, err.rstrip("\n")


def demo_of(*options):
    """The arguments of a quick `lstmcore demo` of the file of prices."""
    return ["demo", "--data", "prices.csv", "--column", "price", *QUICK, *options]
