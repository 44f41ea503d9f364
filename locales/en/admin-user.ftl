admin-user-link = New link for the password
admin-user-enabled = The account works, and so do its keys
admin-user-saved = Saved.
admin-user-last-owner = This is the last owner who can log in.
admin-user-no-limits = No limits of its own.
admin-user-limits-hint = For all keys of the account together. Empty means without limit.
admin-user-keys = API keys
admin-user-no-keys = None. An API key’s own page says to whom it belongs.
