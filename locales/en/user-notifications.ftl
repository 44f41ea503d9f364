user-notifications-title = Notices
user-notifications-empty = Nothing to tell
user-notifications-empty-body = You are told here when most of a budget of yours is spent, and a week before a key of yours ends.
