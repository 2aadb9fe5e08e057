"""Where a cluster may be: on this machine, or behind TLS. Jobs hold hidden tests, which no network may overhear."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from autograde.course import CannotGrade

WAY_OUT = (
    "Start scheduler and workers with --tls-ca-file, --tls-cert and --tls-key, set distributed.comm.tls in Dask's "
    "configuration here, and give tls://HOST:PORT. Or let an SSH tunnel make it a loopback address."
)


def checked(address: str) -> str:
    """Return the address with its scheme, once it may be used.

    Raises:
        CannotGrade: what travels to it could be overheard.
    """
    whole = address if "://" in address else f"tcp://{address}"
    if not _is_private(whole):
        raise CannotGrade(
            f"{whole} is no loopback address and not encrypted, and jobs hold the hidden tests. {WAY_OUT}"
        )
    return whole


def check_workers(addresses: Iterable[str]) -> None:
    """Refuse workers that the scheduler reaches over an open network.

    Raises:
        CannotGrade: there is one.
    """
    open_ones = sorted(address for address in addresses if not _is_private(address))
    if open_ones:
        raise CannotGrade(
            f"These workers are reached without encryption, and jobs hold the hidden tests: {', '.join(open_ones)}. "
            f"{WAY_OUT}"
        )


def _is_private(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "tls" or (parts.scheme == "tcp" and _is_loopback(parts.hostname or ""))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: only this one cannot lead elsewhere
        return host == "localhost"
