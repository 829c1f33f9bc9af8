-- Whose seals on forwarded mail are believed (ARC, RFC 8617): domains.
alter table channels add column trusted_sealers {json} not null default '[]';
