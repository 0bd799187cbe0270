"""Joins the pdf service's objects."""

from services.pdf.api.routes import create_app
from services.pdf.render.pool import RenderPool
from services.pdf.settings import PdfSettings
from shared.runtime import serve


async def run(settings: PdfSettings) -> int:
    """Serve until SIGTERM; returns the exit code."""
    pool = RenderPool(settings.render_processes, settings.waiting_max, settings.render_timeout_s)
    try:
        return await serve(create_app(settings, pool), settings, [])
    finally:
        pool.close()
