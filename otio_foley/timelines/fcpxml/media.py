"""The resources of an FCPXML file: what its clips refer to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from otio_foley.errors import ParseError
from otio_foley.timelines.fcpxml.time import rate_from_format_name, seconds
from otio_foley.timelines.paths import media_path_from
from otio_foley.timelines.xml.tree import Node, XmlText

_REEL_KEY = "com.apple.proapps.studio.reel"
_SOUND_SUFFIXES = (".wav", ".aif", ".aiff", ".mp3", ".m4a", ".caf", ".flac", ".bwf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A medium: `start_s` is what its clock reads at its first frame; None for unknown."""

    name: str | None
    path: str | None
    start_s: Fraction
    duration_s: Fraction | None
    rate: Fraction | None
    reel: str | None
    has_picture: bool
    is_still: bool


class Resources:
    """Assets, formats, compounds and multicams by id."""

    def __init__(self, xml: XmlText) -> None:
        self.nodes: dict[str, Node] = {}
        for resources in xml.all("resources"):
            for node in resources.children:
                identity = node.get("id")
                if identity is not None:
                    self.nodes.setdefault(identity, node)
        self._assets: dict[str, Asset] = {}
        self._rates: dict[str, Fraction | None] = {}

    def of(self, item: Node) -> Node | None:
        """What a story element refers to."""
        return self.nodes.get(item.get("ref") or "")

    def tag(self, identity: str | None) -> str | None:
        node = self.nodes.get(identity or "")
        return node.tag if node is not None else None

    def asset(self, identity: str) -> Asset:
        """Raises ParseError for an asset with times that are none."""
        if identity not in self._assets:
            self._assets[identity] = self._read_asset(self.nodes[identity])
        return self._assets[identity]

    def rate(self, format_id: str | None) -> Fraction | None:
        """Frames a second of a format; None if it has none (a still, sound, not in the file)."""
        if format_id is None:
            return None
        if format_id not in self._rates:
            node = self.nodes.get(format_id)
            self._rates[format_id] = _format_rate(node) if node is not None else None
        return self._rates[format_id]

    def usual_rate(self) -> Fraction | None:
        """The rate that most assets have."""
        rates = Counter(
            rate
            for node in self.nodes.values()
            if node.tag == "asset" and (rate := self.rate(node.get("format"))) is not None
        )
        return rates.most_common(1)[0][0] if rates else None

    def _read_asset(self, node: Node) -> Asset:
        duration_s = optional_seconds(node, "duration")
        path = media_path_from(_media_url(node))
        format_node = self.nodes.get(node.get("format") or "")
        undefined = format_node is not None and "RateUndefined" in (format_node.get("name") or "")
        picture = has_picture(node)
        return Asset(
            name=node.get("name"),
            path=path,
            start_s=optional_seconds(node, "start") or Fraction(0),
            duration_s=duration_s,
            rate=self.rate(node.get("format")),
            reel=reel_of(node),
            has_picture=picture,
            is_still=picture and (duration_s == 0 or undefined),
        )


def optional_seconds(node: Node, name: str) -> Fraction | None:
    """An attribute's time; None without it. Raises ParseError with the element's place."""
    value = node.attributes.get(name)
    if value is None:
        return None
    try:
        return seconds(value)
    except ParseError as error:
        raise ParseError(
            f"<{node.tag}> has {name}={value[:60]!r}, which is no time",
            line=node.line,
            column=node.column,
            hint=error.hint,
        ) from error


def media_content(media: Node) -> Node | None:
    """The sequence of a compound clip or the multicam of a multicam clip."""
    return media.child("sequence") or media.child("multicam")


def reel_of(node: Node) -> str | None:
    """The reel in an element's own metadata."""
    metadata = node.child("metadata")
    for entry in metadata.children if metadata is not None else ():
        if entry.get("key") == _REEL_KEY and (entry.get("value") or "").strip():
            return (entry.get("value") or "").strip()
    return None


def _format_rate(node: Node) -> Fraction | None:
    frame_duration_s = optional_seconds(node, "frameDuration")
    if frame_duration_s is not None and frame_duration_s > 0:
        return 1 / frame_duration_s
    return rate_from_format_name(node.get("name") or "")


def _media_url(asset: Node) -> str:
    """`src` up to version 1.8, the original's `media-rep` from 1.9."""
    representations = [node for node in asset.children if node.tag == "media-rep"]
    representations.sort(key=lambda node: node.get("kind") == "proxy-media")
    for node in [asset, *representations]:
        if node.get("src"):
            return node.get("src") or ""
    return ""


def has_picture(asset: Node) -> bool:
    """Whether a medium holds more than sound: what it states, else what its file is called."""
    stated = asset.get("hasVideo")
    if stated is not None:
        return stated.strip() not in ("0", "")
    if asset.get("hasAudio") == "1" and asset.get("videoSources") is None:
        return False
    return not (media_path_from(_media_url(asset)) or "").lower().endswith(_SOUND_SUFFIXES)
