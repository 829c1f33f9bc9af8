-- Work that must not happen twice says so before it goes outside, so that a crash leaves it as uncertain and not as undone.
alter table jobs add column is_begun {bool} not null default false;
