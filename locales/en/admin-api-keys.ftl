admin-api-keys-title = API keys
admin-api-keys-add = Create key
admin-api-keys-empty-title = No API key yet
admin-api-keys-empty-body = Programs call this gateway with a key. Create one for each person or tool, so that usage and limits can be told apart.
admin-api-keys-name = Name
admin-api-keys-key = Key
admin-api-keys-models = Models
admin-api-keys-last-used = Last used
admin-api-keys-all = all
admin-api-keys-none = none
admin-api-keys-active = active
admin-api-keys-off = switched off
admin-api-keys-expired = expired
admin-api-keys-requests = Requests this month
admin-api-keys-spent = Spent this month
admin-api-keys-search = Search
admin-api-keys-search-hint = name, beginning of the key, tag, owner
admin-api-keys-tag = Tag
admin-api-keys-any = any
admin-api-keys-apply = Show
admin-api-keys-owner-none = nobody
admin-api-keys-state-active = active
admin-api-keys-state-off = switched off
admin-api-keys-state-expired = expired
admin-api-keys-state-unused = never used
admin-api-keys-shown = { $from }–{ $to } of { $count }
admin-api-keys-no-match = No key matches
admin-api-keys-no-match-body = Search for something else, or take a filter away.
admin-api-keys-tick = Choose { $name }
admin-api-keys-bulk = With those that are ticked
admin-api-keys-bulk-all =
    { $count ->
        [one] The one key of this list
       *[other] All { $value } keys of this list, not only this page
    }
admin-api-keys-bulk-enable = Switch on
admin-api-keys-bulk-disable = Switch off
admin-api-keys-bulk-tags = Tags, between commas
admin-api-keys-bulk-tag = Add
admin-api-keys-bulk-untag = Take away
admin-api-keys-bulk-expires = Expires (empty: never)
admin-api-keys-bulk-expire = Set
admin-api-keys-bulk-revoke = Revoke…
admin-api-keys-bulk-none = Tick at least one key.
admin-api-keys-bulk-past =
    { $count ->
        [0] Nothing had to be changed.
        [one] 1 key was changed. Its end is past: its calls are refused from now on.
       *[other] { $value } keys were changed. Their end is past: their calls are refused from now on.
    }
admin-api-keys-bulk-done =
    { $count ->
        [0] Nothing had to be changed.
        [one] 1 key was changed.
       *[other] { $value } keys were changed.
    }
admin-api-keys-bulk-revoked =
    { $count ->
        [one] 1 key was revoked.
       *[other] { $value } keys were revoked.
    }
admin-api-keys-bulk-revoke-title =
    { $count ->
        [one] Revoke 1 key?
       *[other] Revoke { $value } keys?
    }
admin-api-keys-bulk-revoke-body = Programs that use them are refused within a second, and they cannot be brought back. The request log keeps their names.
admin-api-keys-bulk-revoke-button =
    { $count ->
        [one] Revoke 1 key
       *[other] Revoke { $value } keys
    }
