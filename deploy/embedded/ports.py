"""Loopback ports: Kafka's and Postgres' are kept from start to start where they are free, the services' are fixed."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psutil

from deploy.embedded.children import write_private
from deploy.embedded.errors import StackError

FILE: Final = "ports.json"
LOOPBACK: Final = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Distinct ports nobody listens on, chosen by the kernel."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def kept_ports(data_dir: Path, names: tuple[str, ...]) -> dict[str, int]:
    """The ports this folder used before; each that is taken now, or new, is replaced by a free one."""
    path = data_dir / FILE
    try:
        before: Mapping[str, int] = json.loads(path.read_text())
    except (OSError, ValueError):
        before = {}
    fresh = dict(zip(names, free_ports(len(names)), strict=True))
    ports = {name: before[name] if name in before and is_free(before[name]) else fresh[name] for name in names}
    if ports != before:
        write_private(path, json.dumps(ports))
    return ports


def service_ports(services: Mapping[str, int], port_base: int | None) -> dict[str, int]:
    """`port_base` plus the number each service has, or free ones where it is None or 0.  StackError names taken ones."""
    if not port_base:
        return dict(zip(services, free_ports(len(services)), strict=True))
    ports = {service: port_base + number for service, number in services.items()}
    taken = [f"{port} (for {service}; {_holder(port)})" for service, port in ports.items() if not is_free(port)]
    if taken:
        raise StackError(
            f"Taken already: port {', port '.join(taken)}.  End that program, or choose other ports: "
            f"rucor up --port-base {port_base + 1000}"
        )
    return ports


def _holder(port: int) -> str:
    """Who listens there, as far as the system tells us."""
    try:
        for connection in psutil.net_connections("tcp"):
            if (
                connection.laddr
                and connection.laddr.port == port
                and connection.status == psutil.CONN_LISTEN
                and connection.pid
            ):
                return f"held by {psutil.Process(connection.pid).name()}, pid {connection.pid}"
    except psutil.Error:
        pass
    return "held by a process of another user"
