-- Lists that a channel is a member of: what their signs say about programs counts for nothing.
alter table channels add column mailing_lists {json} not null default '[]';

-- Another mail came under the Message-ID of this one before.
alter table mails add column reuses_id {bool} not null default false;

-- Whose conversation an automatic letter is about: what one customer's tickets may send has a limit.
alter table letters add column customer_id {id};
create index letters_by_customer on letters (tenant_id, customer_id, created_at) where customer_id is not null;
-- Whom the header names besides the recipient: To where it is somebody else, and Cc.
alter table letters add column shown_to {json};
alter table letters add column shown_cc {json} not null default '[]';

-- Where a program stops letters of its kind (RFC 8058).
alter table letters add column unsubscribe text;

-- A copy that the others do not see.
alter table ticket_participants add column is_hidden {bool} not null default false;

-- They asked not to be asked any more how it was.
alter table customers add column surveys_off_at {time};

-- Content that a purged ticket named, until it is known that nothing else does and its bytes are removed.
create table dropped_blobs (
  tenant_id {id} not null references tenants (id),
  sha256 {bytes} not null,
  dropped_at {time} not null,
  primary key (tenant_id, sha256)
) {strict};
create index dropped_blobs_by_age on dropped_blobs (tenant_id, dropped_at);
create index attachments_by_content on attachments (tenant_id, sha256);
create index mails_by_content on mails (tenant_id, sha256);
create index letter_files_by_content on letter_files (tenant_id, sha256);
