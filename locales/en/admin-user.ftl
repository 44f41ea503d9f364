admin-user-link = New link for the password
admin-user-enabled = The account works, and so do its keys
admin-user-saved = Saved.
admin-user-last-owner = This is the last owner who can log in.
admin-user-no-limits = No limits of its own.
admin-user-limits-hint = For all keys of the account together. Empty means without limit.
admin-user-keys = API keys
admin-user-no-keys = None. An API key’s own page says to whom it belongs.
admin-user-delete-title = Delete the account { $name }?
admin-user-delete-body = Nobody can log in with it from then on, and its name is free again.
admin-user-delete-sessions =
    { $count ->
        [0] Nobody is logged in with it now.
        [one] 1 session ends.
       *[other] { $value } sessions end.
    }
admin-user-delete-keys =
    { $count ->
        [0] It has no API key.
        [one] It has 1 API key: revoked, it stops working at once; handed over, it works on, and what it has used counts as its new owner’s.
       *[other] It has { $value } API keys: revoked, they stop working at once; handed over, they work on, and what they have used counts as their new owner’s.
    }
admin-user-delete-usage = What was used with its keys stays in all figures, under this name where they are revoked. This cannot be undone.
admin-user-delete-what-of-keys = What becomes of its keys
admin-user-delete-revoke = Revoke them
admin-user-delete-hand-over = Hand them over to { $name }
admin-user-delete-button = Delete account
admin-user-delete-oneself = You are logged in with this account: somebody else has to delete it.
admin-user-deleted = { $name } was deleted.
