-- A note for the team and an answer to the customer are begun beside each other: {body, status, updated_at} of the one that was
-- not written last. Files of both stand in "files", each with the kind it is for.
alter table drafts add column aside {json};
