"""What otio-foley put into an xmeml text, found again by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from otio_foley.timelines.document import NAMESPACE, Patch
from otio_foley.timelines.xmeml.media import ancestors
from otio_foley.timelines.xml.tree import Node, XmlText

#: Ids of our clips and files begin so, and the comment that says that the `audio` is ours.
ID_PREFIX = "otio-foley-"
MADE_AUDIO = f"{NAMESPACE} made-audio"

#: The texts that our clips carry, as the writer makes them: a person may well write of us.
_LOG_NOTE = re.compile(rf"{re.escape(NAMESPACE)} [0-9a-f]{{12}} \{{")
_COMMENT = re.compile(rf"{re.escape(NAMESPACE)} otio-foley-undo|{re.escape(MADE_AUDIO)}\Z")
_TEXTS = {"lognote": _LOG_NOTE, "mastercomment3": _COMMENT, "mastercomment4": _COMMENT}

_CLIPS = ("clipitem", "generatoritem")


def mentions(xml: XmlText, text: str) -> bool:
    """Whether the text holds this anywhere; far cheaper than to look at every element."""
    return xml.patch_bytes(text) in xml.raw


def our_nodes(xml: XmlText) -> tuple[Node, ...]:
    """Every element that otio-foley added, also in a file that a host has saved since."""
    if not (mentions(xml, NAMESPACE) or mentions(xml, ID_PREFIX)):
        return ()
    ours = {id(node): node for node in xml.root.descendants() if _is_sound(node) and _is_ours(node)}
    tracks = _tracks(ours)
    audio = _made_audio(ours, tracks)
    links = _links(xml.root, ours)
    found = chain(ours.values(), tracks.values(), audio.values(), links)
    return tuple({id(node): node for node in found}.values())


def handed_on(xml: XmlText, ours: Sequence[Node]) -> Iterator[Patch]:
    """A medium of a person's that is defined in a clip of ours: the first clip that stays and
    refers to it takes the definition."""
    going = {id(node) for node in ours}
    files = [child for node in ours for child in node.children if child.tag == "file"]
    definitions = {file.get("id"): file for file in files if file.children and file.get("id")}
    if not definitions:
        return
    for file in xml.root.find_all("file"):
        definition = definitions.get(file.get("id"))
        if definition is None or any(id(outer) in going for outer in ancestors(file)):
            continue
        del definitions[file.get("id")]
        if not file.children:
            written = xml.raw[definition.start : definition.end]
            yield Patch(file.start, file.end - file.start, written)


def _is_sound(node: Node) -> bool:
    """Whether this is a clip on a sound track, or a bin's clip without picture."""
    if node.tag == "clip":
        return next(node.find_all("video"), None) is None
    track = node.parent
    audio = track.parent if track is not None else None
    return node.tag == "clipitem" and audio is not None and audio.tag == "audio"


def _is_ours(node: Node) -> bool:
    """By an id that we gave to the clip or its file, or by one of our texts. A file's other ids say
    nothing: a person may have put another medium into our clip."""
    if _has_our_id(node):
        return True
    for child in node.children:
        if child.tag == "file" and _has_our_id(child):
            return True
        if child.tag in ("logginginfo", "comments"):
            for field in child.children:
                text = _TEXTS.get(field.tag)
                if text is not None and text.match(field.text.strip()):
                    return True
    return False


def _has_our_id(node: Node) -> bool:
    return (node.get("id") or "").startswith(ID_PREFIX)


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
        if any(field.text.strip() == MADE_AUDIO for field in node.find_all("mastercomment4")):
            others = [child for child in audio.children if child.tag == "track"]
            if all(id(child) in tracks for child in others):
                found[id(audio)] = audio
    return found


def _links(root: Node, ours: Mapping[int, Node]) -> list[Node]:
    """Links of other clips to ours, which a host may have made."""
    ids = {node.get("id") for node in ours.values()} - {None}
    return [link for link in root.find_all("link") if link.child_text("linkclipref") in ids]
