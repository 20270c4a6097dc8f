"""``lstmcore serve``: models of a folder over HTTP, by the Open Inference Protocol."""

from __future__ import annotations

import argparse
from typing import Any

from .common import CommandError, add_computing, need, real_number, whole_number


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "serve",
        help="serve the models of a folder over HTTP",
        description=(
            "Serve the models of a folder by the Open Inference Protocol V2.\n"
            "FOLDER has NAME.safetensors, or NAME/1/model.safetensors, .keras or .onnx."
        ),
        epilog=(
            "examples:\n"
            "  lstmcore serve models\n"
            "  lstmcore serve models --host 0.0.0.0 --port 9000 --token-file token.txt"
        ),
    )
    parser.set_defaults(execute=execute)
    option = parser.add_argument
    option("folder", metavar="FOLDER", help="the folder of models")
    option("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    option(
        *("--port",),
        metavar="N",
        type=whole_number(0, 65535),
        default=8000,
        help="the port, 0 for any that is free (default: 8000)",
    )
    option(
        *("--grpc-port",),
        metavar="N",
        type=whole_number(0, 65535),
        help="serve gRPC as well, at this port",
    )
    _add_models(parser)
    _add_access(parser)
    _add_limits(parser)
    add_computing(parser, seed=False)


def _add_models(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option(
        *("--poll",),
        metavar="S",
        type=real_number(0),
        default=2.0,
        help="seconds between looks at the folder, 0 for none but the first (default: 2)",
    )
    option("--admin", action="store_true", help="clients may load and unload models")
    option(
        *("--drain",),
        metavar="S",
        type=real_number(0),
        default=5.0,
        help="seconds of normal service after SIGTERM (default: 5)",
    )
    option(
        *("--grace",),
        metavar="S",
        type=real_number(1),
        default=30.0,
        help="seconds after that for what is under way (default: 30)",
    )


def _add_access(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option("--token-file", metavar="PATH", help="a file with the bearer token clients must show")
    option(
        *("--no-token-for",),
        metavar="WHAT",
        action="append",
        choices=("health", "metrics"),
        default=[],
        help="health or metrics, which then need no token; may be given twice",
    )
    option("--log", choices=("json", "text"), default="json", help="form of logs (default: json)")
    option("--access-log", action="store_true", help="log every request")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    limits = (
        ("--max-body", "BYTES", 16 << 20, "bytes of a request"),
        ("--max-rows", "N", 4096, "rows of a request"),
        ("--max-steps", "N", 100_000, "time steps of a request"),
        ("--max-batch", "N", 64, "rows of requests that are computed together"),
        ("--max-queue", "N", 1024, "requests that wait for a model"),
        ("--max-sequences", "N", 10_000, "sequences that are open"),
    )
    for name, metavar, default, what in limits:
        parser.add_argument(
            name,
            metavar=metavar,
            type=whole_number(1),
            default=default,
            help=f"largest number of {what} (default: {default})",
        )
    parser.add_argument(
        *("--timeout",),
        metavar="S",
        type=real_number(0, 86400, open_low=True),
        default=60.0,
        help="seconds that a request may take (default: 60)",
    )
    parser.add_argument(
        *("--sequence-idle",),
        metavar="S",
        type=real_number(0, 86400, open_low=True),
        default=60.0,
        help="seconds without a request after which a sequence is closed (default: 60)",
    )


def execute(args: argparse.Namespace) -> None:
    """Execute the command."""
    for module in ("starlette", "uvicorn", "httptools", "prometheus_client"):
        need(module, "serve", "serve")
    if args.grpc_port is not None:
        for module in ("grpc", "google.protobuf"):
            need(module, "serve-grpc", "serve --grpc-port")
    from ..serving import logs
    from ..serving.limits import Limits
    from ..serving.server import Options, Server

    logs.set_up(args.log)

    limits = Limits(
        max_body=args.max_body,
        max_rows=args.max_rows,
        max_steps=args.max_steps,
        max_batch=args.max_batch,
        max_queue=args.max_queue,
        timeout=args.timeout,
    )
    options = Options(
        args.folder,
        host=args.host,
        port=args.port,
        poll=args.poll,
        admin=args.admin,
        drain=args.drain,
        grace=args.grace,
        token_file=args.token_file,
        without_token=args.no_token_for,
        access_log=args.access_log,
        sequence_idle=args.sequence_idle,
        max_sequences=args.max_sequences,
        grpc_port=args.grpc_port,
        limits=limits,
    )
    try:
        Server(options, on_ready=lambda server: _announce(args, server)).run()
    except ValueError as error:  # of the token
        raise CommandError(str(error)) from None


def _announce(args: argparse.Namespace, server: Any) -> None:
    """Print the address, which the system chose for port 0."""
    host = f"[{args.host}]" if ":" in args.host else args.host
    models = len(server.engine.entries)
    print(f"serving {models} models of {args.folder} at http://{host}:{server.port}", flush=True)
