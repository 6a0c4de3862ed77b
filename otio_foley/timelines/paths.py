"""What cuts call their media (URLs, bare paths) to paths, and paths to URLs."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote_to_bytes

_LOCAL_HOSTS = ("", "localhost", "127.0.0.1")
_DRIVE = re.compile(r"^/*([A-Za-z])[:|](?=$|[/\\])")
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")
_FRAME_PATTERN = re.compile(r"%(?=0[1-9]d)")
_NOT_IN_URLS = re.compile(r"[\s<>\"{}|\\^`]")
#: What is percent-encoded of a path: all but RFC 3986's unreserved characters.
_ESCAPED = re.compile(r"[^A-Za-z0-9_.~/-]")


def path_from_url(url: str) -> str | None:
    """The path that a media URL or bare path names; None where it names none.

    Percent escapes are UTF-8 (Latin-1 where they are not). Windows drives stay `D:/...`, shares
    become `//server/share/...`, relative paths stay relative. Other schemes are returned as they
    are.
    """
    text = url.strip()
    if not text:
        return None
    scheme = _SCHEME.match(text)
    if scheme and scheme[1].lower() == "file":
        return _file_path(text[5:])
    if scheme and scheme[1].lower() in ("smb", "cifs"):
        return _tidy(_percent_decoded(text[scheme.end() :]))
    if scheme and text[scheme.end() :].startswith("//"):
        return text
    return _tidy(text if _NOT_IN_URLS.search(text) else _percent_decoded(text)) or None


def media_path_from(url: str) -> str | None:
    """A path from what a cut calls its medium; None for nothing and for what no path can be.

    URIs and relative references are percent-decoded; a bare absolute path (Resolve) is one
    already. A printf-like frame number (`%04d`) is kept, as no name holds what it would decode to.
    """
    text = url.strip()
    if "\0" in text:
        return None
    if text.startswith("/") and not text.startswith("//"):
        return text
    path = path_from_url(_FRAME_PATTERN.sub("%25", text))
    return None if path is None or "\0" in path else path


def _file_path(rest: str) -> str | None:
    """The part behind `file:`, which may be `//host/path`, `/path`, `D:/path` or a relative one."""
    host = ""
    if rest.startswith("//"):
        host, slash, tail = rest[2:].partition("/")
        if host.lower() in _LOCAL_HOSTS:
            rest, host = slash + tail, ""
        elif host == "." or _DRIVE.match(host) or re.match(r"^[A-Za-z]%3[Aa]$", host):
            rest, host = rest[2:], ""  # `file://./a.mov` and `file://D:/a.mov`, both seen
        else:
            rest = slash + tail
    decoded = _percent_decoded(rest)
    return _tidy(f"//{host}{decoded}" if host else decoded) or None


def _tidy(path: str) -> str:
    drive = _DRIVE.match(path)
    if drive:
        return f"{drive[1]}:" + path[drive.end() :].replace("\\", "/")
    if path.lstrip("/").startswith("\\\\"):
        return path.lstrip("/").replace("\\", "/")
    return path.removeprefix("./")


def _percent_decoded(text: str) -> str:
    raw = unquote_to_bytes(text)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _escaped(text: str) -> str:
    octets = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return _ESCAPED.sub(lambda octet: f"%{ord(octet[0]):02X}", octets)


#: The sound of a cut lies in one folder.
_escaped_folder = lru_cache(maxsize=64)(_escaped)


def url_from_path(path: Path, *, localhost: bool = False) -> str:
    """`file:///...` of an absolute path, each segment percent-encoded.

    With `localhost` as Final Cut Pro 7 and Premiere write it: `file://localhost/D%3a/...`.
    """
    # A name that is not valid UTF-8 reaches Python as surrogates; its bytes are what counts.
    text = os.fsencode(path.as_posix()).decode("utf-8", "surrogateescape")
    share = text.startswith("//") and not localhost
    drive = _DRIVE.match(text)
    prefix = ""
    if drive:
        prefix = f"/{drive[1]}" + ("%3a" if localhost else ":")
        text = text[drive.end() :]
    folder, slash, name = text.rpartition("/")
    escaped = prefix + _escaped_folder(folder) + slash + _escaped(name)
    if share:
        return "file:" + escaped
    return ("file://localhost" if localhost else "file://") + escaped
