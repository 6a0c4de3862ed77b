"""Every object and property of an AAF, as parts to compare.

Left out is who saved the file when (the header's and the mobs' times, the list of programs): every
program writes those anew, and they are no part of the cut.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from aaf2 import properties
from aaf2.auid import AUID
from aaf2.mobid import MobID

from otio_foley.errors import ParseError
from otio_foley.timelines.content import Fact, Part, part

_SAVING = frozenset({"LastModified", "IdentificationList"})
_LISTS = (properties.StrongRefVectorProperty, properties.StrongRefSetProperty)
_WEAK = (properties.WeakRefProperty, properties.WeakRefArrayProperty)


def canonical(file: Any) -> Part:
    """The header and all below it: the mobs, the essence and the dictionary."""
    return _part(file.header, "", set())


def _part(item: Any, role: str, held: set[int]) -> Part:
    """A part for an object and those that it owns. Raises ParseError where one has two owners, as
    happens in damaged files: they would unfold without end."""
    if item.dir.dir_id in held:
        raise ParseError("an object of this AAF is held twice", hint="export it again")
    held.add(item.dir.dir_id)
    facts: list[Fact] = [("role", role)]
    children: list[Part] = []
    for value in item.properties():
        if value.name in _SAVING:
            continue
        if isinstance(value, properties.StrongRefProperty):
            if value.value is not None:
                children.append(_part(value.value, value.name, held))
        elif isinstance(value, _LISTS):
            inner = [_part(one, value.name, held) for one in value.value]
            if isinstance(value, properties.StrongRefSetProperty):
                inner.sort(key=lambda one: (one.identity, one.digest))  # a set has no order
            children += inner
        else:
            facts.append((value.name, _text(value)))
    return part(
        item.classdef.class_name,
        facts,
        children,
        name=_label(item),
        identity=_identity(item),
    )


def _label(item: Any) -> str:
    for key in ("Name", "SlotName"):
        value = item.getvalue(key)
        if value:
            return str(value)
    return ""


def _identity(item: Any) -> str:
    for key in ("MobID", "SlotID", "Identification", "Definition"):
        value = item.getvalue(key)
        if value is not None:
            return str(value)
    return ""


def _text(value: Any) -> str:
    if isinstance(value, properties.StreamProperty):
        return "stream " + _digest(_blocks(value.open("r")))
    if isinstance(value, properties.WeakRefProperty):
        return str(value.ref)
    if isinstance(value, properties.WeakRefArrayProperty):
        return " ".join(sorted(map(str, value.references)))
    plain = value.value
    if isinstance(plain, (str, int, Fraction, AUID, MobID)):
        return str(plain)
    return str(value.data.hex())


def _blocks(stream: Any) -> Iterator[bytes]:
    while block := stream.read(1 << 20):
        yield block


def _digest(blocks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()
