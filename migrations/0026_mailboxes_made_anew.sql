-- Since when letters are collected from a mailbox; null: since it was set.
alter table channel_mailboxes add column since {time};
-- The last letter that was there when the folder's numbers began anew: up to it, letters may be here already, or be older than anybody asked for.
alter table channel_mailboxes add column anew_until {int};
alter table channel_sent_folders add column anew_until {int};
