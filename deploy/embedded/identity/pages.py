"""The local provider's pages: plain HTML without a script."""

from html import escape
from typing import Final

from fastapi.responses import HTMLResponse

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 22rem; margin: 12vh auto; padding: 0 1rem }}
body {{ color: #1c2a26; background: #f6f7f4 }}
h1 {{ font-size: 1.4rem }} label {{ display: block; margin-top: 1rem }}
input {{ width: 100%; box-sizing: border-box; font: inherit; padding: .5rem; border: 1px solid #8a9690; border-radius: .3rem }}
button {{ margin-top: 1.5rem; font: inherit; padding: .5rem 1.2rem; border: 0; border-radius: .3rem }}
button {{ color: #fff; background: #1f5c46 }}
.wrong {{ padding: .5rem .8rem; border-left: .3rem solid #a3372b; background: #fff }}
</style></head><body><h1>{title}</h1>{body}</body></html>"""
_FORM: Final = """{wrong}<form method="post" action="/login" autocomplete="on">
<input type="hidden" name="request" value="{request}">
<label>E-mail <input type="email" name="email" value="{email}" autocomplete="username" required autofocus></label>
<label>Password <input type="password" name="password" autocomplete="current-password" required></label>
<button>Sign in</button></form>"""
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def login(request: str, *, email: str = "", wrong: str = "", status: int = 200) -> HTMLResponse:
    told = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    form = _FORM.format(wrong=told, request=escape(request), email=escape(email))
    return _page("Sign in", form, status)


def refusal(words: str, status: int = 400) -> HTMLResponse:
    """What cannot be told to the client, because it is not known to be one."""
    return _page("This sign-in cannot go on", f"<p>{escape(words)}</p>", status)


def _page(title: str, body: str, status: int) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=escape(title), body=body), status, _HEADERS)
