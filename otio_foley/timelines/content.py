"""What a cut says, apart from how it is spelt: one form for all formats, and what differs in it.

Each format turns its text into a tree of `Part`s in which insignificant syntax (white space,
order of attributes, spelling of numbers) is gone. Two cuts are equal in content if their roots
have the same digest; where they do not, `differences` says in words what was lost or changed.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

#: (what, value), as they stand in messages: ("attribute duration", "5s").
Fact = tuple[str, str]

_LONGEST_VALUE = 60
_LONGEST_PATH = 6
_NEEDS_NO_QUOTES = re.compile(r"[\w./:;,+-]+")


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """An element, object or line in canonical form; made by `part`.

    `name` and `note` are for messages (`track 'DIALOGUE' (audio)`), `identity` tells equal names
    apart; `digest` covers the kind, the facts and everything inside.
    """

    kind: str
    name: str
    note: str
    identity: str
    facts: tuple[Fact, ...]
    children: tuple[Part, ...] = field(repr=False)
    digest: bytes


def part(
    kind: str,
    facts: Iterable[Fact] = (),
    children: Sequence[Part] = (),
    *,
    name: str = "",
    note: str = "",
    identity: str = "",
) -> Part:
    """A part with its digest; the order of the facts does not count, that of the children does."""
    ordered = tuple(sorted(facts))
    digest = hashlib.blake2b(ascii((kind, ordered)).encode("ascii"), digest_size=16)
    for child in children:
        digest.update(child.digest)
    return Part(kind, name, note, identity, ordered, tuple(children), digest.digest())


def differences(before: Part, after: Part) -> Iterator[str]:
    """What of `before` is missing, added or changed in `after`, outermost first.

    At least one message if the digests differ, none if they do not.
    """
    waiting: list[tuple[Part, Part, tuple[str, ...]]] = [(before, after, ())]
    while waiting:
        old, new, path = waiting.pop()
        if old.digest == new.digest:
            continue
        where = " / ".join(path[-_LONGEST_PATH:]) or _label(old)
        yield from (f"{where}: {change}" for change in _changed_facts(old, new))
        pairs, missing, added = _paired(old.children, new.children)
        inside = f" in {where}" if path else ""
        old_labels, new_labels = _labels(old.children), _labels(new.children)
        yield from (f"missing: {old_labels[index]}{inside}" for index in missing)
        yield from (f"added: {new_labels[index]}{inside}" for index in added)
        places = [place for _, place in pairs]
        if not (missing or added) and places != sorted(places):
            yield f"{where}: what is in it stands in another order"
        waiting += [
            (old.children[i], new.children[j], (*path, old_labels[i])) for i, j in reversed(pairs)
        ]


def _changed_facts(old: Part, new: Part) -> Iterator[str]:
    was, now = dict(old.facts), dict(new.facts)
    for what in sorted(was.keys() | now.keys()):
        if what not in now:
            yield f"{what} is missing (was {_shown(was[what])})"
        elif what not in was:
            yield f"{what} was added ({_shown(now[what])})"
        elif was[what] != now[what]:
            skipped = _common_length(was[what], now[what])
            yield f"{what} was {_shown(was[what], skipped)} and is {_shown(now[what], skipped)}"


def _common_length(first: str, second: str) -> int:
    """How much of two long values may be left out in front, so that their difference is shown."""
    if max(len(first), len(second)) <= _LONGEST_VALUE:
        return 0
    letters = enumerate(zip(first, second, strict=False))
    equal = next((at for at, (a, b) in letters if a != b), min(len(first), len(second)))
    return max(0, equal - _LONGEST_VALUE // 3)


def _shown(value: str, skipped: int = 0) -> str:
    """A value for a message: short, and quoted (control characters escaped) unless it is plain."""
    shown = value[skipped : skipped + _LONGEST_VALUE]
    if skipped:
        shown = "…" + shown
    if skipped + _LONGEST_VALUE < len(value):
        shown += "…"
    return shown if _NEEDS_NO_QUOTES.fullmatch(shown) else repr(shown)


def _label(piece: Part, ordinal: int = 0) -> str:
    label = f"{piece.kind} {_quoted(piece.name)}" if piece.name else piece.kind
    if ordinal:
        label += f" {ordinal}"
    return f"{label} ({piece.note})" if piece.note else label


def _quoted(name: str) -> str:
    return repr(name if len(name) <= _LONGEST_VALUE else name[:_LONGEST_VALUE] + "…")


def _labels(pieces: Sequence[Part]) -> list[str]:
    """Labels of siblings; nameless ones of a kind are counted where there are several."""
    nameless: dict[str, int] = defaultdict(int)
    for piece in pieces:
        nameless[piece.kind] += not piece.name
    seen: dict[str, int] = defaultdict(int)
    labels = []
    for piece in pieces:
        seen[piece.kind] += not piece.name
        counted = not piece.name and nameless[piece.kind] > 1
        labels.append(_label(piece, seen[piece.kind] if counted else 0))
    return labels


def _paired(
    old: Sequence[Part], new: Sequence[Part]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """(pairs of indices that belong together, indices of old left over, of new left over).

    First what is equal, then what bears the same id, then the same name, then what is of one kind.
    """
    left_old, left_new = list(range(len(old))), list(range(len(new)))
    pairs: list[tuple[int, int]] = []
    for key in (_by_content, _by_identity, _by_name):
        pairs += _take_pairs(old, new, left_old, left_new, key)
    kinds = [_kinds(old, left_old), _kinds(new, left_new)]

    def by_kind(piece: Part) -> Hashable | None:
        # Of named ones, two of another name each are a renamed one; three and two tell nothing.
        alike = kinds[0][piece.kind] == kinds[1][piece.kind]
        return piece.kind if alike or not piece.name else None

    pairs += _take_pairs(old, new, left_old, left_new, by_kind)
    return sorted(pairs), left_old, left_new


def _by_content(piece: Part) -> Hashable | None:
    return piece.digest


def _by_identity(piece: Part) -> Hashable | None:
    return (piece.kind, piece.identity) if piece.identity else None


def _by_name(piece: Part) -> Hashable | None:
    return (piece.kind, piece.name) if piece.name else None


def _kinds(pieces: Sequence[Part], indices: Sequence[int]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for index in indices:
        counts[pieces[index].kind] += 1
    return counts


def _take_pairs(
    old: Sequence[Part],
    new: Sequence[Part],
    left_old: list[int],
    left_new: list[int],
    key: Callable[[Part], Hashable | None],
) -> list[tuple[int, int]]:
    """Pair what has the same key, in order, and take it off the lists of what is left."""
    offered: dict[Hashable, deque[int]] = defaultdict(deque)
    for index in left_new:
        if (mark := key(new[index])) is not None:
            offered[mark].append(index)
    pairs = []
    for index in left_old:
        mark = key(old[index])
        if mark is not None and offered.get(mark):
            pairs.append((index, offered[mark].popleft()))
    taken_old, taken_new = {i for i, _ in pairs}, {j for _, j in pairs}
    left_old[:] = [index for index in left_old if index not in taken_old]
    left_new[:] = [index for index in left_new if index not in taken_new]
    return pairs
