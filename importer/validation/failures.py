"""Failing cells of a column, as columns: where, which code, which sentence."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from importer.validation.catalogue import SHOWN_CHARACTERS, entry
from importer.vocabulary import RejectionCode

Positions = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Failures:
    """`positions` of cells within the batch; `codes` and `messages` are string arrays of the same length."""

    positions: Positions
    codes: pa.Array
    messages: pa.Array

    def __len__(self) -> int:
        return len(self.positions)

    def only(self, mask: Mask) -> Failures:
        kept = pa.array(mask)
        return Failures(self.positions[mask], self.codes.filter(kept), self.messages.filter(kept))


def failed(positions: Positions, code: RejectionCode, messages: pa.Array) -> Failures:
    """The same code for every position."""
    return Failures(positions, pa.repeat(pa.scalar(str(code)), len(positions)), messages)


def failed_by_fact(positions: Positions, code: RejectionCode, **facts: str | pa.Array) -> Failures:
    """The same code and template for every position; a fact is a text or one text per position."""
    return failed(positions, code, messages(code, len(positions), **facts))


def joined(parts: Sequence[Failures]) -> Failures:
    parts = [part for part in parts if len(part)]
    if not parts:
        return NONE
    return Failures(
        np.concatenate([part.positions for part in parts]),
        pa.concat_arrays([part.codes for part in parts]),
        pa.concat_arrays([part.messages for part in parts]),
    )


def messages(code: RejectionCode, count: int, **facts: str | pa.Array) -> pa.Array:
    """`catalogue.explain` for `count` cells at once; pass values as `shown_column` makes them."""
    parts: list[pa.Array | pa.Scalar] = [pa.repeat(pa.scalar(""), count)]
    for text, name, _, _ in string.Formatter().parse(entry(code).message):
        parts.append(pa.scalar(text))
        if name:
            fact = facts[name]
            parts.append(pa.scalar(fact) if isinstance(fact, str) else fact)
    return pc.binary_join_element_wise(*parts, "")


def shown_column(values: pa.Array) -> pa.Array:
    """`catalogue.shown` of a whole column."""
    length = pc.utf8_length(values)
    if not len(values) or pc.max(length).as_py() <= SHOWN_CHARACTERS:
        return values
    cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(values, 0, SHOWN_CHARACTERS), "…", "")
    return pc.if_else(pc.greater(length, SHOWN_CHARACTERS), cut, values)


def names_where(masks: Mapping[str, Mask], count: int, separator: str) -> pa.Array:
    """For each cell the names whose mask is set there, separated; null where there is none."""
    parts = [pc.if_else(pa.array(mask), separator + name, "") for name, mask in masks.items() if mask.any()]
    if not parts:
        return pa.nulls(count, pa.string())
    names = pc.utf8_ltrim(pc.binary_join_element_wise("", *parts, ""), characters=separator)
    return pc.if_else(pc.equal(names, ""), pa.scalar(None, pa.string()), names)


def mask_of(positions: Positions, count: int) -> Mask:
    mask = np.zeros(count, dtype=np.bool_)
    mask[positions] = True
    return mask


def where(mask: pa.Array) -> Positions:
    """Positions of true; null counts as false."""
    filled = mask.fill_null(False) if mask.null_count else mask
    return np.flatnonzero(filled.to_numpy(zero_copy_only=False)).astype(np.int64)


def blanked(values: pa.Array, mask: Mask) -> pa.Array:
    """The values with null where the mask is set."""
    return pc.if_else(pa.array(mask), pa.scalar(None, values.type), values) if mask.any() else values


NONE = Failures(np.empty(0, dtype=np.int64), pa.array([], pa.string()), pa.array([], pa.string()))
