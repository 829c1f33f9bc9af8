-- Who asked for a change, also where that is a key: names of keys are not theirs alone. Null in rows of before: `user_id` says it.
alter table bulk_changes add column actor_id {id};
-- Who takes it back.
alter table bulk_changes add column undone_by_kind text;
alter table bulk_changes add column undone_by_id {id};
alter table bulk_changes add column undone_by_name text;
