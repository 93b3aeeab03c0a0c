"""URLs: which may be called, and when two of them name one endpoint (RFC 9449 section 4.3 item 9, RFC 3986 section 6.2)."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

_MAX_HTU_BYTES = 2048
_PORTS = {"http": 80, "https": 443}
_PLAIN = re.compile(r"https?://[^/][!#-;=?-\[\]_a-z~]*", re.IGNORECASE)
_ALLOWED = re.compile(r"[!#-;=?-\[\]_a-z~]+")


def is_safe_url(text: str) -> bool:
    """https, or http on loopback; no user information, query or fragment."""
    url = _split(text)
    if url is None or "?" in text or "#" in text or "@" in url.netloc:
        return False
    return url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.hostname or ""))


def htu(text: str) -> str | None:
    """The normalised text of a request's URL without query and fragment; None for what no proof can name."""
    if len(text) > _MAX_HTU_BYTES or not _PLAIN.fullmatch(text) or not _ALLOWED.fullmatch(text):
        return None
    url = _split(text)
    if url is None or "@" in url.netloc:
        return None
    path = _normalised_path(url.path)
    return None if path is None else _origin(url) + path


def well_known(name: str, identifier: str) -> str | None:
    """`/.well-known/NAME` between host and path (RFC 8414 section 3.1, 9728 section 3.1)."""
    url = _split(identifier)
    if url is None:
        return None
    query = f"?{url.query}" if url.query else ""
    return f"{_origin(url)}/.well-known/{name}{url.path.rstrip('/')}{query}"


def origin_of(text: str) -> str | None:
    url = _split(text)
    return None if url is None else _origin(url)


def _split(text: str) -> SplitResult | None:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return None
    if url.scheme not in _PORTS or not url.hostname or (port is not None and port == 0):
        return None
    return url if text.isascii() and text.isprintable() and " " not in text else None


def _origin(url: SplitResult) -> str:
    host = (url.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = "" if url.port in (None, _PORTS[url.scheme]) else f":{url.port}"
    return f"{url.scheme}://{host}{port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _normalised_path(path: str) -> str | None:
    """Decodes unreserved characters, writes other escapes in upper case; None for a malformed escape."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", path):
        return None

    def one(escape: re.Match[str]) -> str:
        letter = chr(int(escape[1], 16))
        return letter if re.fullmatch(r"[A-Za-z0-9\-._~]", letter) else escape[0].upper()

    return _without_dots(re.sub(r"%([0-9A-Fa-f]{2})", one, path)) or "/"


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for place, segment in enumerate(segments):
        is_last = place == len(segments) - 1
        if segment == "..":
            kept[-1:] = []
        elif segment != ".":
            kept.append(segment)
        if is_last and segment in (".", ".."):
            kept.append("")
    return "/" + "/".join(kept) if segments else ""
