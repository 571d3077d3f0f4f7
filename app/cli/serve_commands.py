"""``serve``, ``worker``, ``migrate``."""

from __future__ import annotations

import argparse
import errno
import signal
import sys
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.cli.allocating import share_memory
from app.cli.collecting import settling
from app.errors import Unavailable
from app.settings import Env, Settings, load_settings

if TYPE_CHECKING:
    from flask import Flask

    from app.store.worker import Worker

DRAIN_SECONDS = 30


def register(commands: Any) -> None:
    """Add this module's commands."""
    serve = commands.add_parser("serve", help="serve the pages and the API (with a worker, unless set otherwise)")
    serve.add_argument("--no-worker", action="store_true", help="serve only; run `convenor worker` separately")
    serve.set_defaults(run=_serve)
    worker = commands.add_parser("worker", help="run timers, notices and documents")
    worker.set_defaults(run=_worker)
    migrate = commands.add_parser("migrate", help="bring the database schema up to date")
    migrate.set_defaults(run=_migrate)


def application(settings: Settings, *, check: bool = True) -> Flask:
    """The application, on a schema it can serve."""
    with settling():
        from app import schema
        from app.factory import create_app

        app = create_app(settings)
    if check:
        schema.check(app)
    return app


def _migrate(_given: argparse.Namespace) -> int:
    from app import schema

    schema.migrate(application(load_settings(), check=False))
    print("The database schema is up to date.")
    return 0


def _catch_up(app: Flask) -> None:
    """A database that was put back from a copy must first forget what has been destroyed or sent since. Nothing of that, nor anything else,
    under keys that are another database's."""
    from app.keeping.fitting import require_keys
    from app.keeping.restore import catch_up
    from app.store.database import db, reading

    with app.app_context():
        with reading():
            require_keys(app.config["SETTINGS"], db.session())
            db.session.rollback()
        catch_up(app)


def _worker_of(app: Flask, settings: Settings) -> Worker:
    from app.store.worker import Worker

    return Worker(app, lease=timedelta(seconds=settings.lease_seconds), demo=settings.env is not Env.PRODUCTION)


def _worker(_given: argparse.Namespace) -> int:
    share_memory()
    settings = load_settings()
    app = application(settings)
    _catch_up(app)
    worker = _worker_of(app, settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    print("The worker is running.", flush=True)
    worker.run()
    return 0


def _serve(given: argparse.Namespace) -> int:
    from app import schema
    from app.api import waiting
    from app.cli.web_server import WebServer

    share_memory()
    settings = load_settings()
    app = application(settings, check=False)
    if settings.env is Env.DEMO:
        from app.demo import seed

        with app.app_context():
            seed.require_none_real()
        schema.migrate(app)
        with app.app_context():
            seed.ensure(app)
    schema.check(app)
    _catch_up(app)
    try:
        server = WebServer(app, settings.bind, settings.port, most=app.config["MAX_CONTENT_LENGTH"])
    except (OSError, ValueError) as error:  # waitress: a name that it cannot look up
        if isinstance(error, ValueError) or error.errno != errno.EADDRINUSE:
            raise Unavailable(
                f"Convenor cannot listen at {settings.bind}, port {settings.port}: look at CONVENOR_BIND and CONVENOR_PORT."
            ) from None
        raise Unavailable(
            f"Port {settings.port} is in use: stop what uses it, or choose another with CONVENOR_PORT."
        ) from None
    worker: Worker | None = None
    thread: threading.Thread | None = None
    if settings.embedded_worker and not given.no_worker:
        worker = _worker_of(app, settings)
        thread = threading.Thread(target=worker.run, name="worker", daemon=True)
        thread.start()

    def stop(*_: object) -> None:
        if worker is not None:
            worker.stop()
        waiting.end()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    _greet(app, settings)
    server.run()
    end = time.monotonic() + DRAIN_SECONDS
    if worker is not None:
        worker.stop()
    server.drain(DRAIN_SECONDS)
    if thread is not None:
        # The job in hand is finished; a longer one goes on elsewhere when its lease has run out.
        thread.join(max(0.0, end - time.monotonic()))
    return 0


def _greet(app: Flask, settings: Settings) -> None:
    print(f"Convenor is serving {settings.base_url}", flush=True)
    if settings.env is Env.DEMO:
        from app.demo import people

        with app.app_context():
            print(people.who_to_be(), flush=True)
        print("Move the demo's time with: .venv/bin/convenor demo advance P3D", flush=True)
    sys.stdout.flush()
