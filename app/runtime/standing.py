"""Which release files that are published again already are."""

from __future__ import annotations

from sqlalchemy import select

from app.runtime.models import Release, ReleaseFile
from app.store.database import db


def standing(area_key: int, digest: str, by: int | None) -> Release | None:
    """The release of the same files; None when there is none, or when a process, decision or form of it has a later version.

    Several systems deploy to one area, each when it starts: none of them makes new versions of what has not changed.

    :param by: whose release it must be: who published a stranger's diagram starts it.
    """
    same = db.session.execute(
        select(Release)
        .where(Release.area_key == area_key, Release.digest == digest, Release.created_by == by)
        .order_by(Release.number.desc())
        .limit(1)
    ).scalar()
    if same is None:
        return None
    defined = select(ReleaseFile.kind, ReleaseFile.ids).join(Release, Release.key == ReleaseFile.release_key)
    later = db.session.execute(defined.where(Release.area_key == area_key, Release.number > same.number))
    replaced = {(row.kind, id_) for row in later for id_ in row.ids}
    its = db.session.execute(defined.where(Release.key == same.key))
    return None if any((row.kind, id_) in replaced for row in its for id_ in row.ids) else same
