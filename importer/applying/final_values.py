"""Approved values reach the target, but for records that would be invalid by them: what was written is looked at."""

from __future__ import annotations

import sqlalchemy as sa

from importer.applying.approved import mark_conflicts, write_approved
from importer.applying.created import insert_approved
from importer.applying.validity import invalid_records, refuse
from importer.entity import DataEntity
from importer.storage.target import Target


def write_final_values(connection: sa.Connection, entity: DataEntity, target: Target, *, creating: bool) -> bool:
    """Writes what is approved for good, and tells whether it was surely all; the rest is in conflict or refused.

    `creating`: there are new records among the changes.

    A conflict may leave a record with one of two values that belong together: hence first written, then checked. Where
    records are invalid all is taken back and begun anew without them.
    """
    whole = True
    while True:
        attempt = connection.begin_nested()
        whole &= write_approved(connection, entity, target)
        whole &= not (creating and insert_approved(connection, entity, target))
        invalid = invalid_records(connection, entity, target)
        if not invalid:
            attempt.commit()
            return whole
        whole = False
        attempt.rollback()
        mark_conflicts(connection, entity, target)
        refuse(connection, entity, target, invalid)
