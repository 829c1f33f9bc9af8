//! Rows of macros and their uses. Private but for reads.

use base::{Error, Id, Result};
use db::{Read, Row, Tx, params};
use identity::{Staff, teams::Team};

use super::model::*;

db::statements! {
    INSERT = "insert into macros (tenant_id, id, is_canned, name, text_kind, body, files, changes, owner_id, team_id, is_for_all, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)";
    SAVE = "update macros set name = ?3, text_kind = ?4, body = ?5, files = ?6, changes = ?7, team_id = ?8, is_for_all = ?9, updated_at = ?10
        where tenant_id = ?1 and id = ?2";
    BY_ID = "select m.id, m.is_canned, m.name, m.text_kind, m.body, m.files, m.changes, m.owner_id, m.team_id, m.is_for_all, m.created_at, m.updated_at,
            (select cast(coalesce(sum(u.uses), 0) as bigint) from macro_uses u where u.tenant_id = ?1 and u.macro_id = m.id),
            (select max(u.last_used_at) from macro_uses u where u.tenant_id = ?1 and u.macro_id = m.id)
        from macros m where m.tenant_id = ?1 and m.id = ?2";
    LOCK = "select 1 from macros where tenant_id = ?1 and id = ?2 {lock}";
    FOR = "select m.id, m.is_canned, m.name, m.text_kind, m.body, m.files, m.changes, m.owner_id, m.team_id, m.is_for_all, m.created_at, m.updated_at,
            (select cast(coalesce(sum(u.uses), 0) as bigint) from macro_uses u where u.tenant_id = ?1 and u.macro_id = m.id),
            (select max(u.last_used_at) from macro_uses u where u.tenant_id = ?1 and u.macro_id = m.id)
        from macros m
        where m.tenant_id = ?1 and m.is_canned = ?3 and (m.owner_id = ?2 or m.is_for_all or exists (
            select 1 from team_members t where t.tenant_id = m.tenant_id and t.team_id = m.team_id and t.user_id = ?2))
        order by m.name, m.id limit ?4";
    OWNED = "select count(*) from macros where tenant_id = ?1 and owner_id = ?2 and is_canned = ?3";
    USED = "insert into macro_uses (tenant_id, macro_id, by_id, uses, last_used_at) values (?1, ?2, ?3, ?5, ?4)
        on conflict (tenant_id, macro_id, by_id) do update set uses = macro_uses.uses + excluded.uses, last_used_at = excluded.last_used_at";
    DROP_USES = "delete from macro_uses where tenant_id = ?1 and macro_id = ?2";
    DELETE = "delete from macros where tenant_id = ?1 and id = ?2";
    OF_TEAM = "update macros set team_id = null where tenant_id = ?1 and team_id = ?2";
}

/// Shown to one person at most.
const SHOWN: u32 = 500;

fn map(row: &Row<'_>) -> Result<Macro> {
    let mut c = row.columns();
    let (id, is_canned, name) = (c.next()?, c.next::<bool>()?, c.next()?);
    let text_kind: Option<String> = c.next()?;
    let body = c.next()?;
    let files = serde_json::from_value(c.next()?).map_err(Error::from_source)?;
    let changes = serde_json::from_value(c.next()?).map_err(Error::from_source)?;
    let (owner_id, team_id, is_for_all) = (c.next()?, c.next()?, c.next()?);
    let (created_at, updated_at) = (c.next()?, c.next()?);
    let uses: i64 = c.next()?;
    Ok(Macro {
        id,
        kind: if is_canned { Kind::CannedReply } else { Kind::Macro },
        name,
        text_kind: text_kind.as_deref().and_then(TextKind::from_word),
        body,
        files,
        changes,
        owner_id,
        team_id,
        is_for_all,
        created_at,
        updated_at,
        uses: u32::try_from(uses).unwrap_or(u32::MAX),
        last_used_at: c.next()?,
    })
}

/// Those this member of staff sees, by name. A key has none of its own and sees those that are everybody's.
pub fn visible(read: &Read<'_>, staff: &Staff, kind: Kind) -> Result<Vec<Macro>> {
    let me = staff.user_id.map_or(uuid::Uuid::nil(), Id::uuid);
    read.query_all(&FOR, params![me, kind == Kind::CannedReply, SHOWN], map)
}

pub(super) fn find(read: &Read<'_>, id: Id<Macro>) -> Result<Option<Macro>> {
    read.query_one(&BY_ID, params![id], map)
}

pub(super) fn lock(tx: &mut Tx<'_>, id: Id<Macro>) -> Result<()> {
    tx.query_one(&LOCK, params![id], |_| Ok(())).map(|_| ())
}

fn sharing(m: &Macro) -> (Option<Id<Team>>, bool) {
    (m.team_id, m.is_for_all)
}

fn json(m: &Macro) -> Result<(serde_json::Value, serde_json::Value)> {
    let files = serde_json::to_value(&m.files).map_err(Error::from_source)?;
    Ok((files, serde_json::to_value(&m.changes).map_err(Error::from_source)?))
}

pub(super) fn insert(tx: &mut Tx<'_>, m: &Macro) -> Result<()> {
    let ((files, changes), (team, all)) = (json(m)?, sharing(m));
    let text = m.text_kind.map(TextKind::as_str);
    let canned = m.kind == Kind::CannedReply;
    tx.execute(
        &INSERT,
        params![m.id, canned, m.name, text, m.body, files, changes, m.owner_id, team, all, m.created_at],
    )
    .map(|_| ())
}

pub(super) fn update(tx: &mut Tx<'_>, m: &Macro) -> Result<()> {
    let ((files, changes), (team, all)) = (json(m)?, sharing(m));
    let text = m.text_kind.map(TextKind::as_str);
    tx.execute(&SAVE, params![m.id, m.name, text, m.body, files, changes, team, all, m.updated_at])
        .map(|_| ())
}

pub(super) fn owned(read: &Read<'_>, staff: &Staff, kind: Kind) -> Result<i64> {
    let me = staff.user_id.map_or(uuid::Uuid::nil(), Id::uuid);
    Ok(read.query_one(&OWNED, params![me, kind == Kind::CannedReply], |row| row.get(0))?.unwrap_or(0))
}

/// Counts uses by this member of staff.
pub(super) fn used(tx: &mut Tx<'_>, staff: &Staff, id: Id<Macro>, uses: u32) -> Result<()> {
    let by = staff.user_id.map(Id::uuid).or(staff.actor.id).unwrap_or_default();
    let now = tx.now();
    tx.execute(&USED, params![id, by, now, uses]).map(|_| ())
}

pub(super) fn delete(tx: &mut Tx<'_>, id: Id<Macro>) -> Result<()> {
    tx.execute(&DROP_USES, params![id])?;
    tx.execute(&DELETE, params![id]).map(|_| ())
}

/// What was shared with a team that is about to be deleted becomes its owners' own.
pub fn leave_team(tx: &mut Tx<'_>, team: Id<Team>) -> Result<()> {
    tx.execute(&OF_TEAM, params![team]).map(|_| ())
}
