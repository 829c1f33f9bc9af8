-- Since when a channel's own mail server is known to take no letter without a return path; null: it is not known to refuse.
alter table channel_outgoing add column null_path_refused_at {time};
