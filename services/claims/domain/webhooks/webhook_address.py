"""Where a webhook may go: public addresses of the internet and nothing else, or hosts that the operator names one by one.

A tenant chooses the URL, we open the connection: without these rules it could reach what only we can reach."""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

USUAL: Final = {"https": 443, "http": 80}
PORTS: Final = frozenset({443, 8443})
URL_MAX: Final = 2_000
NAME_MAX: Final = 253
LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
"""Part of a host's name between its dots, in lower case: what is longer or empty no name server can be asked for."""
GLOBAL_V6: Final = ipaddress.IPv6Network("2000::/3")
"""The only part of IPv6 that is given out to networks of the internet: mapped, NAT64, local and multicast lie outside."""
REFUSED: Final = tuple(
    ipaddress.ip_network(one)
    for one in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # shared by a provider's customers
        "192.0.0.0/24",  # protocols' own, a cloud's metadata among them
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "168.63.129.16/32",  # a cloud's metadata at a public address
        "2001::/23",  # Teredo and other protocols' own
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)
LOCAL_NAMES: Final = ("localhost", ".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet", ".corp")


class NotAllowed(ValueError):
    """The words say why, for the person who set the URL."""


@dataclass(frozen=True, slots=True)
class Target:
    """`local`: an exception that the operator made; it alone may be http and lie anywhere."""

    scheme: str
    host: str
    port: int
    path: str
    """With its query."""
    local: bool

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == USUAL[self.scheme] else f"{name}:{self.port}"


def target_of(url: str, local_hosts: Collection[str]) -> Target:
    """`local_hosts`: "host:port" each.  Raises NotAllowed."""
    parts, port = _split(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in USUAL or not host:
        raise NotAllowed("must begin with https:// and name a host")
    if "@" in parts.netloc:
        raise NotAllowed("must not hold a user name or password: the signature tells who we are")
    if parts.fragment:
        raise NotAllowed("must not have a fragment")
    port = USUAL[parts.scheme] if port is None else port
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    local = f"{host}:{port}" in local_hosts
    if not local:
        _check_public(parts.scheme, host, port)
    return Target(parts.scheme, host, port, path, local)


def _split(url: str) -> tuple[SplitResult, int | None]:
    if len(url) > URL_MAX or not url.isascii() or any(ord(sign) <= 0x20 or sign in "\\\x7f" for sign in url):
        raise NotAllowed(f"must be a plain URL of at most {URL_MAX} characters, names in ASCII (xn--…)")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotAllowed("is not a URL") from error
    return parts, port


def _check_public(scheme: str, host: str, port: int) -> None:
    """As far as the URL alone tells."""
    if scheme != "https":
        raise NotAllowed("must begin with https://")
    if port not in PORTS:
        raise NotAllowed(f"must be on port {' or '.join(str(one) for one in sorted(PORTS))}")
    if host == "localhost" or host.endswith(LOCAL_NAMES):
        raise NotAllowed("names a host that only a local network knows")
    if _is_address(host):
        check_address(host)
    elif len(host) > NAME_MAX or not all(LABEL.fullmatch(one) for one in host.split(".")):
        raise NotAllowed("names no host: parts of 1 to 63 letters, digits and hyphens, with single dots between them")


def check_address(text: str) -> None:
    """Raises NotAllowed for anything but a public unicast address of the internet."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise NotAllowed(f"{text} is not an address") from error
    public = address.is_global and not address.is_multicast and not address.is_reserved
    if isinstance(address, ipaddress.IPv6Address):
        public = public and address.scope_id is None and address in GLOBAL_V6
    if not public or any(address.version == net.version and address in net for net in REFUSED):
        raise NotAllowed(f"{text} is not a public address of the internet")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
