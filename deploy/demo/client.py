"""The demo's view of the claims service: a portal like any other, through the public HTTP API only."""

import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import httpx

from deploy.demo.problems import DemoProblem

Json = dict[str, Any]
RETRY_FOR_S: Final = 60.0
"""How long a restarting service is waited for: the supervisor's back-off is shorter."""


class ClaimsClient:
    """Synchronous, patient with a service that is being restarted, strict with every other answer."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60.0)

    def close(self) -> None:
        self._http.close()

    def send(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        """One request; connection errors and 503 are tried again for RETRY_FOR_S.  Posting twice is safe here: every
        creation has a natural key, and a claim is lodged once by a database constraint."""
        give_up = time.monotonic() + RETRY_FOR_S
        while True:
            try:
                answer = self._http.request(method, path, json=body)
            except httpx.TransportError as error:
                if time.monotonic() > give_up:
                    raise DemoProblem(f"the claims service does not answer ({error})") from error
            else:
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > give_up:
                    return answer
            time.sleep(0.5)

    def get(self, path: str) -> Json:
        answer = self.send("GET", path)
        if answer.status_code != httpx.codes.OK:
            raise DemoProblem(f"GET {path} answered {answer.status_code}: {answer.text[:500]}")
        found: Json = answer.json()
        return found

    def create(self, path: str, body: Json) -> str:
        """POST a thing and return its id; one that exists already is found by its natural key."""
        answer = self.send("POST", path, body)
        found: Json = answer.json()
        if answer.is_success:
            return str(found.get("id", ""))
        if answer.status_code == httpx.codes.CONFLICT and found.get("code") == "already_exists":
            return str(found["existing_id"])
        raise DemoProblem(f"POST {path} answered {answer.status_code}: {answer.text[:800]}\nbody: {body}")

    def every(self, path: str) -> Iterator[Json]:
        """All items of a list, page by page."""
        cursor: str | None = None
        while True:
            mark = "&" if "?" in path else "?"
            page = self.get(path if cursor is None else f"{path}{mark}cursor={quote(cursor, safe='')}")
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def download(self, path: str) -> bytes:
        """A PDF, waiting for one that is still being rendered."""
        answer = self.send("GET", path)
        if answer.status_code != httpx.codes.OK:
            raise DemoProblem(f"GET {path} answered {answer.status_code}: {answer.text[:500]}")
        return answer.content
