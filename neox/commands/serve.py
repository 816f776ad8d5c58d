"""`neox serve`: a model behind OpenAI's HTTP interface, with a page to try it."""

from __future__ import annotations

import argparse
import os
import sys

from neox.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", metavar="DIR", help="run or model folder (default: the newest run)"
    )
    parser.add_argument("--name", help="the model's name for clients (default: the folder's)")
    parser.add_argument("--host", default="127.0.0.1", help="address (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--slots", type=int, default=16, help="texts at once (default 16)")
    parser.add_argument(
        "--max-waiting", type=int, default=256, help="texts that may wait; more are refused (429)"
    )
    parser.add_argument(
        "--api-key",
        action="append",
        metavar="KEY",
        help="ask for this key; may be repeated (also NEOX_API_KEYS, separated by commas)",
    )
    parser.add_argument("--threads", type=int, default=1, help="of torch (default 1)")
    parser.add_argument(
        "--drain", type=int, default=30, metavar="S", help="seconds that running texts get to end"
    )


def run(args: argparse.Namespace) -> int:
    if min(args.slots, args.max_waiting, args.threads, args.drain) < 1:
        raise InputError("--slots, --max-waiting, --threads and --drain must be at least 1")
    if not 0 < args.port < 65536:
        raise InputError(f"--port {args.port} is not a port")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise InputError(
            "serving needs the packages fastapi and uvicorn", remedy="pip install 'neox[serve]'"
        ) from None
    import torch

    from neox.commands.generate import newest_run
    from neox.serve.app import Settings
    from neox.serve.run import serve

    torch.set_num_threads(args.threads)
    model = args.model or newest_run()
    listed = [key for key in os.environ.get("NEOX_API_KEYS", "").split(",") if key]
    keys = [*(args.api_key or []), *listed]
    print(f"http://{args.host}:{args.port} serves {model}", file=sys.stderr, flush=True)
    fine = serve(
        model,
        name=args.name,
        host=args.host,
        port=args.port,
        slots=args.slots,
        max_waiting=args.max_waiting,
        settings=Settings(keys),
        drain=args.drain,
    )
    return 0 if fine else 2
