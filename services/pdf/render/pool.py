"""Rendering in processes (ADR 0010): a document takes a core for a while, and the event loop must not."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from services.pdf.domain.form import FormError
from services.pdf.render.forms import form_pdf
from services.pdf.render.reports import report_pdf
from shared.contracts.claim import FormSnapshot, LicenceReport
from shared.errors import Retryable
from shared.observability.metrics import PDF_SECONDS

D = TypeVar("D", FormSnapshot, LicenceReport)


class TooBusy(Retryable):
    """More documents are waiting than allowed, or rendering took too long: try again later."""


def _prepare() -> None:
    """In each process: leave Ctrl-C to the parent, load WeasyPrint and the fonts before the first document."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import services.pdf.render.documents  # noqa: F401 - the import is the work


class RenderPool:
    """A bounded number of render processes and waiting documents."""

    def __init__(self, processes: int, waiting_max: int, timeout_s: float) -> None:
        self._processes = processes
        self._waiting_max = waiting_max
        self._timeout_s = timeout_s
        self._waiting = 0
        self._executor = self._new_executor()

    def _new_executor(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._processes, mp_context=get_context("spawn"), initializer=_prepare)

    async def form(self, snapshot: FormSnapshot) -> bytes:
        """Raises FormError (the snapshot does not fit the template) or TooBusy."""
        return await self._render("form", form_pdf, snapshot)

    async def report(self, report: LicenceReport) -> bytes:
        """Raises TooBusy."""
        return await self._render("report", report_pdf, report)

    async def _render(self, what: str, work: Callable[[D], bytes], document: D) -> bytes:
        if self._waiting >= self._waiting_max:
            raise TooBusy(f"{self._waiting} documents are waiting already")
        self._waiting += 1
        try:
            with PDF_SECONDS.labels(what).time():
                future = asyncio.get_running_loop().run_in_executor(self._executor, work, document)
                return await asyncio.wait_for(future, self._timeout_s)
        except TimeoutError as error:
            raise TooBusy(f"rendering took more than {self._timeout_s:g} s") from error
        except BrokenProcessPool as error:  # a render process was killed: the next document gets new ones
            with contextlib.suppress(Exception):
                self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = self._new_executor()
            raise TooBusy("a render process ended; new ones are starting") from error
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


__all__ = ["FormError", "RenderPool", "TooBusy"]
