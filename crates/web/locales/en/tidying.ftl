# Tags, blocked senders, deleted tickets.
admin-tags = Tags
tags-intro = A tag exists by being on a ticket. A colour makes it easy to see in the queue.
tags-empty = No tags yet
tags-empty-text = Put one on a ticket, or give one a colour here.
tags-new = Colour a tag
tags-tag = Tag
tags-colour = Colour
tags-colour-of = Colour of { $tag }
colour-grey = No colour
colour-blue = Blue
colour-green = Green
colour-yellow = Yellow
colour-orange = Orange
colour-red = Red
colour-purple = Purple
colour-teal = Teal
admin-blocked-senders = Blocked senders
blocked-intro = What these addresses file is put aside as spam on arrival, without a letter.
blocked-empty = Nobody is blocked
blocked-empty-text = Block an address here, or while marking a ticket as spam.
blocked-new = Block an address
blocked-block = Block
blocked-by = Blocked by { $name }
blocked-unblock = Hear again
blocked-unblock-label = Hear { $email } again
blocked-done = Blocked.
blocked-heard = Heard again.
admin-deleted-tickets = Deleted tickets
deleted-intro = Deleted tickets can come back for { $days ->
    [one] one day
   *[other] { $days } days
 }; then what was said on them is gone for good.
deleted-change = Change this
deleted-empty = Nothing is deleted
deleted-empty-text = Administrators delete a ticket on its page.
deleted-by = Deleted by { $name }
deleted-restore = Bring back
deleted-restore-label = Bring { $number } back
deleted-restored = It is back.
settings-retention = Days until deleted tickets are gone for good
