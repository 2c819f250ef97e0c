"""Parts of an Office package (a ZIP archive) and how they point to each other."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree


def real_name(archive: zipfile.ZipFile, path: str) -> str:
    """The name of a part in the archive: case does not count, and some writers use backslashes. Raises KeyError."""
    plain = {name.replace("\\", "/").lstrip("/").casefold(): name for name in archive.namelist()}
    return plain[path.casefold()]


def relation_target(archive: zipfile.ZipFile, part: str, *, type_: str = "", id_: str = "") -> str:
    """Where a relation of `part` ('' for the package) points to, by its id or the end of its type."""
    folder, name = posixpath.split(part)
    rels = posixpath.join(folder, "_rels", f"{name}.rels")
    for relation in elements(archive, rels, "Relationship"):
        if relation["Id"] == id_ or (type_ and relation["Type"].endswith(type_)):
            target = relation["Target"].replace("\\", "/")
            absolute = target.startswith("/")
            return target.lstrip("/") if absolute else posixpath.normpath(posixpath.join(folder, target))
    raise KeyError(f"{part} has no relation {id_ or type_}")


def elements(archive: zipfile.ZipFile, part: str, tag: str) -> Iterator[dict[str, str]]:
    """Attributes of all elements `tag`, in whatever namespace."""
    root = ElementTree.fromstring(archive.read(real_name(archive, part)))  # noqa: S314  contained in the child
    for element in root.iter():
        if element.tag.rsplit("}", 1)[-1] == tag:
            yield dict(element.attrib)
