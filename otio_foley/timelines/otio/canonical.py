"""OTIO in canonical form: key order, number spelling, defaults and schema upgrades do not count."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from otio_foley.timelines.content import Fact, Part, part
from otio_foley.timelines.otio.jsonspans import Value
from otio_foley.timelines.otio.values import schema_of, stated

#: Schemas that OpenTimelineIO calls otherwise when it saves a file again.
_RENAMED: Mapping[str, str] = {
    "Sequence": "Track",
    "Filler": "Gap",
    "SerializeableCollection": "SerializableCollection",
}
_UPGRADED = frozenset(("Clip.1", "Clip.2", "Marker.1", "Marker.2"))
#: Members that a host adds or drops with these values; besides, null, [] and {} say nothing.
_DEFAULTS = frozenset((("enabled", "true"), ("name", '""'), ("comment", '""')))
_MARKER_DEFAULT = ("color", '"GREEN"')
_DEFAULT_KEY = "DEFAULT_MEDIA"
#: Lists whose members stand directly in the item that they belong to.
_ITEM_LISTS = ("children", "markers", "effects")
_LONGEST_NUMBER = 40
#: OpenTimelineIO's reader is off by a few units in the last of 17 digits.
_DIGITS = 14


def canonical(root: Value) -> Part:
    """The content of an OTIO file."""
    made: dict[int, Part] = {}
    order = [(root, "")]
    for value, _ in order:  # grows while it is walked; an item always comes behind its parent
        if value.kind in ("object", "array"):
            order += [(held, key) for key, held in _members(value)]
    for value, key in reversed(order):
        made[id(value)] = _part(value, key, made)
    return made[id(root)]


def _members(value: Value) -> Iterator[tuple[str, Value]]:
    """An object's members (of duplicate keys the last) or an array's items."""
    if value.kind == "array":
        return ((str(index), item) for index, item in enumerate(value.items))
    return iter(dict(value.members()).items())


def _part(value: Value, key: str, made: Mapping[int, Part]) -> Part:
    if value.kind == "array":
        items = [_as_item(item, made) for item in value.items]
        return part(key, [("type", "list")], items)
    if value.kind != "object":
        return part(key, [("value", _scalar(value))])
    schema = schema_of(value)
    return _item(value, key, schema, made) if schema else _plain_object(value, key, made)


def _as_item(value: Value, made: Mapping[int, Part], within: str = "") -> Part:
    """A part as a member of a list: called by its schema rather than by its place."""
    done = made[id(value)]
    kind = _RENAMED.get(schema_of(value), schema_of(value)).lower() or "item"
    facts = [fact for fact in done.facts if fact[0] != "schema" or kind == "item"]
    if within:
        facts.append(("list", within))
    return part(kind, facts, done.children, name=done.name, note=done.note)


def _plain_object(value: Value, key: str, made: Mapping[int, Part]) -> Part:
    """Metadata and the like, where null and nothing are two things."""
    facts: list[Fact] = []
    children = []
    for name, held in sorted(_members(value)):
        if held.kind in ("object", "array"):
            children.append(made[id(held)])
        else:
            facts.append((name, _scalar(held)))
    return part(key, facts, children)


def _item(value: Value, key: str, schema: str, made: Mapping[int, Part]) -> Part:
    members = dict(_members(value))
    written = members.pop("OTIO_SCHEMA").text() or ""
    schema = _RENAMED.get(schema, schema)
    facts: list[Fact] = [("schema", schema)]
    if written not in _UPGRADED and not written.endswith(".1"):
        facts.append(("schema version", written.rpartition(".")[2]))
    children: list[Part] = []
    if schema == "Marker" and not stated(members.get("marked_range")) and "range" in members:
        members["marked_range"] = members.pop("range")
    if schema == "Clip":
        children += _media(members, made)
    for name in sorted(members):
        held = members[name]
        if held.kind == "array" and name in _ITEM_LISTS:
            within = "" if name == "children" else name
            children += [_as_item(item, made, within) for item in held.items]
        elif held.kind in ("object", "array"):
            if held.items:
                children.append(_called(name, made[id(held)]))
        else:
            fact = (name, _scalar(held))
            default = fact in _DEFAULTS or (schema == "Marker" and fact == _MARKER_DEFAULT)
            if not (held.is_null or default):
                facts.append(fact)
    named = members.get("name")
    kind = members.get("kind")
    return part(
        key or schema.lower(),
        facts,
        children,
        name=(named.text() or "") if named is not None else "",
        note=((kind.text() or "") if kind is not None else "").lower(),
    )


def _called(name: str, done: Part) -> Part:
    """A part under the member name of today."""
    if done.kind == name:
        return done
    return part(name, done.facts, done.children, name=done.name, note=done.note)


def _media(members: dict[str, Value], made: Mapping[int, Part]) -> list[Part]:
    """A clip's only medium, which Clip.1 and Clip.2 spell differently, taken off its members.

    A missing reference that says nothing is none at all: OpenTimelineIO puts one there.
    """
    several = members.get("media_references")
    active = members.get("active_media_reference_key")
    key = (active.text() if active is not None else None) or _DEFAULT_KEY
    found = members.get("media_reference")
    if several is not None and several.kind == "object":
        if several.keys not in ([key], []) or (several.items and stated(found)):
            return []  # more than one: each counts, under the name that it has
        found = several.items[0] if several.items else found
        del members["media_references"]
    members.pop("media_reference", None)
    if key == _DEFAULT_KEY:
        members.pop("active_media_reference_key", None)
    if found is None or found.is_null:
        return []
    done = _called("media_reference", made[id(found)])
    empty = done.facts == (("schema", "MissingReference"),) and not done.children
    return [] if empty else [done]


def _scalar(value: Value) -> str:
    if value.kind == "string":
        return json.dumps(value.text(), ensure_ascii=False)
    spelt = value.source.decode("ascii", "replace")
    if value.kind != "number":
        return spelt.replace("Infinity", "Inf")
    return _number(spelt)


def _number(spelt: str) -> str:
    """A number by its value: 24 and 24.0 are one, and so are doubles that hosts round-trip."""
    if len(spelt) > _LONGEST_NUMBER:
        return spelt
    if not set(spelt) & set(".eE"):
        return str(int(spelt))
    number = float(spelt)
    rounded = f"{number:.{_DIGITS}g}"
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else rounded
