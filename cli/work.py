"""`flask --app wsgi work`: the worker, which sends mails and removes old rows."""
from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

import click

import models
from config import Settings
from errors import HBNBError
from services import cleaning
from services.mail import delivery, transports

IDLE = 1        # seconds between two looks into the outbox
CLEANING = 3600     # seconds between two removals of old rows
END = 20        # seconds in which a worker that `beside` started must end

_log = logging.getLogger("hbnb.mail")


@click.command()
@click.option("--once", is_flag=True, help="Send the mails that are due, and end.")
@click.option("--parent", type=int, hidden=True, help="End when this process has ended.")
def work(once: bool, parent: int | None) -> None:
    """Send the mails of the outbox, and remove old rows, until it is told to stop.

    Any number of workers may run, also on several machines: each mail is sent by one of them.
    """
    worker = Worker(Settings.from_environ(), parent)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, worker.stop)
    models.check()
    sys.exit(not (worker.run_once() if once else worker.run()))


class Worker:
    """Sends mails until it is told to stop.

    Args:
        parent: the id of the parent process; the worker ends after it.
    """

    def __init__(self, settings: Settings, parent: int | None = None) -> None:
        self._settings, self._parent = settings, parent
        self._transport = transports.transport(settings)
        self._told_to_stop = False
        self._wake: SimpleQueue[None] = SimpleQueue()   # its `put` is safe in a signal handler
        self._is_away = False       # whether the storage could not be used the last time
        self._cleaned = -float(CLEANING)
        if not self._transport:
            _log.warning("Mails are kept, and not sent, until you set %s", transports.missing(settings))

    def stop(self, *_: object) -> None:
        """Signal handler: end after the present mail."""
        self._told_to_stop = True
        self._wake.put(None)

    @property
    def is_stopping(self) -> bool:
        return self._told_to_stop or self._parent not in (None, os.getppid())

    def run(self) -> bool:
        """Work until `stop` is called."""
        while not self.is_stopping:
            self.run_once()
            with suppress(Empty):
                self._wake.get(timeout=IDLE)
        return True

    def run_once(self) -> bool:
        """Send the mails that are due. Returns: whether the storage could be used."""
        try:
            while self._transport and not self.is_stopping and delivery.send_next(
                    self._transport, self._settings, lambda: self.is_stopping):
                pass
            self._clean()
        except HBNBError as error:
            if not self._is_away:
                _log.warning("The worker waits until the storage can be used: %s", error)
            self._is_away = True
            return False
        finally:
            models.storage.close()
        self._is_away = False
        return True

    def _clean(self) -> None:
        if time.monotonic() - self._cleaned >= CLEANING:
            cleaning.remove_old()
            self._cleaned = time.monotonic()


@contextmanager
def beside(app: str) -> Iterator[None]:
    """Run a worker in a process of its own during the block, which the worker does not outlive.

    Args:
        app: the path of the module of the application.
    """
    command = [sys.executable, "-m", "flask", "--app", app, "work", "--parent", str(os.getpid())]
    # In a process group of its own, so that Ctrl-C reaches only the server, which then ends the worker.
    with subprocess.Popen(command, process_group=0) as process:
        try:
            yield
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(END)
            process.kill()
