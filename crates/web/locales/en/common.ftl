# Words used everywhere.
skip-to-content = Skip to content
nav-main = Main
sign-in = Sign in
sign-out = Sign out
save = Save
cancel = Cancel
undo = Undo
edit = Edit
delete = Delete
add = Add
back = Back
yes = Yes
no = No
none = None
name = Name
email = E-mail address
password = Password
phone = Phone
anyone = Anyone
actions = Actions
attachments = Attachments
attachments-hint = Photos, screenshots or documents, up to { $limit } each.
live-changed = This page has new content.

## Time
time-now = just now
time-ago-minutes = { $n } min ago
time-ago-hours = { $n } h ago
time-ago-days = { $n } d ago
time-in-minutes = in { $n } min
time-in-hours = in { $n } h
time-in-days = in { $n } d
span-days = { $n } d
span-hours = { $n } h
span-minutes = { $n } min

## Colour scheme
scheme-label = Colour scheme
scheme-auto = As the device
scheme-light = Light
scheme-dark = Dark

## Forms
form-optional = (optional)
form-error-prefix = Error:
form-problem-title = { $n ->
    [one] There is a problem
   *[other] There are { $n } problems
 }
form-problem-kept = What you typed is still here. Attached files have to be chosen again.

## Lists
pager-label = Pages
pager-newest = Newest
pager-older = Older
filter-clear = Any { $label }
filter-any = Any

## A ticket's fields
status-new = New
status-open = Open
status-in_progress = In progress
status-pending_customer = Waiting for customer
status-resolved = Resolved
status-closed = Closed
status-archived = Archived
priority-low = Low
priority-normal = Normal
priority-high = High
priority-urgent = Urgent
channel-portal = Portal
channel-email = E-mail
channel-phone = Phone
channel-system = System
channel-api = API
channel-ai = Assistant
category-getting_started = Getting started
category-buying = Buying
category-selling = Selling
category-payments = Payments
category-account = Account
category-dispute = Dispute
category-bug = Something is broken
category-billing = Billing
category-technical = Technical
category-other = Something else
type-general_inquiry = General inquiry
type-billing_issue = Billing issue
type-technical_support = Technical support
type-installation_request = Installation request
type-outage_report = Outage report
type-service_upgrade = Service upgrade
type-service_downgrade = Service downgrade
type-cancellation_request = Cancellation request
type-equipment_issue = Equipment issue
type-speed_issue = Speed issue
type-network_issue = Network issue
type-connectivity_issue = Connectivity issue
reason-solved = Solved
reason-duplicate = Duplicate
reason-spam = Spam
reason-no_reply = No reply
sla-due-title = Time until a first answer is due
sla-left = { $span } left
sla-overdue = { $span } overdue
sla-met = In time
sla-missed = Missed
role-customer = Customer
role-agent = Agent
role-sales_manager = Sales manager
role-technician = Technician
role-admin = Admin
role-super_admin = Super admin

## Errors
error-back = Go back
error-home = Go to the start page
error-request = If you ask us about this, name the request:
error-nothing-changed = Nothing was changed.
error-not-found-title = Page not found
error-not-found-what = There is nothing at this address, or it is not yours to see.
error-not-found-todo = Check the address, or start from the page below.
error-invalid-title = That could not be accepted
error-invalid-what = Something in the form is not right.
error-invalid-todo = Go back, correct it and send it again.
error-conflict-title = That is not possible right now
error-conflict-what = It has changed in the meantime.
error-conflict-todo = Look at how it stands now, then decide again.
error-stale-title = Somebody was faster
error-stale-what = It was changed after you opened it.
error-stale-todo = Open it again to see what changed, then repeat what you meant to do.
error-forbidden-title = You may not do this
error-forbidden-what = Your role does not allow it.
error-forbidden-todo = Ask an administrator if you think you should be able to.
error-unauthenticated-title = Please sign in
error-unauthenticated-what = This page is only for people who are signed in.
error-unauthenticated-todo = Sign in and you will come back here.
error-limited-title = Too much at once
error-limited-what = There were too many attempts in a short time.
error-limited-todo = Wait a minute, then try again.
error-too-large-title = That is too large
error-too-large-what = What you sent is larger than we accept.
error-too-large-todo = Send a smaller file, or put large files somewhere and send the link.
error-unavailable-title = Back in a moment
error-unavailable-what = The server is busy.
error-unavailable-todo = Try again in a few seconds.
error-storage-full-title = Cannot save just now
error-storage-full-what = The server has no room left. Everything already sent is safe.
error-storage-full-todo = Try again later; the operators have been told.
error-misdirected-title = Wrong address
error-misdirected-what = No business is served under this address.
error-misdirected-todo = Check the address in the link.
error-bug-title = Our mistake
error-bug-what = Something went wrong on our side. It has been recorded.
error-bug-todo = Try again. If it happens once more, tell us the request number below.
thousands-separator = ,
search-newest-first = These are too many to rank, so the newest come first.
search-incomplete = Older tickets are still being brought into the search; what you look for may be among them.
search-help = How to search
