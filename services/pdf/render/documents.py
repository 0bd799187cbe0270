"""HTML to PDF bytes: the only importer of WeasyPrint.  Fonts come from a locked package, nothing is ever fetched."""

import os
from functools import cache
from pathlib import Path
from typing import Any, Final

import font_source_sans_pro
import jinja2
import weasyprint
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from services.pdf.domain.figures import dollars, km, per_cent, percent

TEMPLATES: Final = Path(__file__).parent.parent / "templates"
FONTS: Final = Path(font_source_sans_pro.__file__).parent / "files"
FONT_SCHEME: Final = "rucor-font:"
FONT_NAMES: Final = frozenset({"SourceSansPro-Regular.ttf", "SourceSansPro-Semibold.ttf", "SourceSansPro-Bold.ttf"})


class OwnFontsOnly(URLFetcher):  # type: ignore[misc]
    """Answers `rucor-font:NAME` and refuses everything else: no network, no files."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:  # noqa: ARG002 - signature of the library
        name = url.removeprefix(FONT_SCHEME)
        if not url.startswith(FONT_SCHEME) or name not in FONT_NAMES:
            raise FatalURLFetchingError(f"a document may not load {url[:100]}")
        return URLFetcherResponse(url, _font(name), {"Content-Type": "font/ttf"})


@cache
def _font(name: str) -> bytes:
    return (FONTS / name).read_bytes()


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters["km"] = km
    environment.filters["share"] = percent
    environment.filters["dollars"] = dollars
    environment.filters["per_cent"] = per_cent
    return environment


@cache
def _styles(folder: str, name: str) -> tuple[tuple[weasyprint.CSS, ...], FontConfiguration]:
    fonts = FontConfiguration()
    fetcher = OwnFontsOnly()
    sheets = (TEMPLATES / "base.css", TEMPLATES / folder / f"{name}.css")
    css = (weasyprint.CSS(string=p.read_text(), font_config=fonts, url_fetcher=fetcher) for p in sheets)
    return tuple(css), fonts


def pdf(folder: str, name: str, identity: str, values: dict[str, Any]) -> bytes:
    """Render templates/<folder>/<name>.html with <name>.css.  The same values give the same bytes on the same release."""
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
    html = _environment().get_template(f"{folder}/{name}.html").render(values)
    styles, fonts = _styles(folder, name)
    out = weasyprint.HTML(string=html, url_fetcher=OwnFontsOnly()).write_pdf(
        stylesheets=list(styles), font_config=fonts, pdf_identifier=identity.encode(), pdf_tags=True
    )
    if not isinstance(out, bytes):
        raise TypeError("WeasyPrint answered without bytes")
    return out
