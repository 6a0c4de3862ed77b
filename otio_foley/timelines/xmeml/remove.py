"""What otio-foley put into an xmeml text, found again by name."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from otio_foley.timelines.document import NAMESPACE
from otio_foley.timelines.xml.tree import Node, XmlText

#: Ids of our clips and files begin so, and the comment that says that the `audio` is ours.
ID_PREFIX = "otio-foley-"
MADE_AUDIO = f"{NAMESPACE} made-audio"

_CLIPS = ("clipitem", "generatoritem")


def mentions(xml: XmlText, text: str) -> bool:
    """Whether the text holds this anywhere; far cheaper than to look at every element."""
    return xml.patch_bytes(text) in xml.raw


def our_nodes(xml: XmlText) -> tuple[Node, ...]:
    """Every element that otio-foley added, also in a file that a host has saved since."""
    if not (mentions(xml, NAMESPACE) or mentions(xml, ID_PREFIX)):
        return ()
    items = [node for node in xml.root.descendants() if node.tag in ("clipitem", "clip")]
    ours = {id(node): node for node in items if _is_marked(node)}
    file_ids = {
        file.get("id") for node in ours.values() for file in node.find_all("file") if file.get("id")
    }
    for node in items:
        file = node.child("file")
        if file is not None and file.get("id") in file_ids:
            ours[id(node)] = node
    tracks = _tracks(ours)
    audio = _made_audio(ours, tracks)
    links = _links(xml.root, ours)
    found = chain(ours.values(), tracks.values(), audio.values(), links)
    return tuple({id(node): node for node in found}.values())


def _is_marked(node: Node) -> bool:
    if (node.get("id") or "").startswith(ID_PREFIX):
        return True
    return any(
        NAMESPACE in field.text
        for child in node.children
        if child.tag in ("logginginfo", "comments")
        for field in child.children
    )


def _tracks(ours: Mapping[int, Node]) -> dict[int, Node]:
    """Tracks that hold nothing but ours."""
    tracks = {id(node.parent): node.parent for node in ours.values() if node.parent is not None}
    return {
        key: track
        for key, track in tracks.items()
        if track.tag == "track"
        and all(id(child) in ours for child in track.children if child.tag in _CLIPS)
    }


def _made_audio(ours: Mapping[int, Node], tracks: Mapping[int, Node]) -> dict[int, Node]:
    """The `audio` that was made for our tracks, while nothing else has come into it."""
    found: dict[int, Node] = {}
    for node in ours.values():
        track = node.parent
        audio = track.parent if track is not None else None
        if audio is None or audio.tag != "audio" or id(audio) in found:
            continue
        if any(MADE_AUDIO in field.text for field in node.find_all("mastercomment4")):
            others = [child for child in audio.children if child.tag == "track"]
            if all(id(child) in tracks for child in others):
                found[id(audio)] = audio
    return found


def _links(root: Node, ours: Mapping[int, Node]) -> list[Node]:
    """Links of other clips to ours, which a host may have made."""
    ids = {node.get("id") for node in ours.values()} - {None}
    return [link for link in root.find_all("link") if link.child_text("linkclipref") in ids]
