admin-audit-lead = Every change of the configuration, of accounts and of keys, every export, and who made it. Secrets are never written down here.
admin-audit-who = Who
admin-audit-what = What
admin-audit-object = On what
admin-audit-changes = Before and after
admin-audit-differences =
    { $count ->
        [one] 1 difference
       *[other] { $value } differences
    }
admin-audit-no-match-body = No entry fits all these filters.
admin-audit-empty = Nothing was changed yet
admin-audit-empty-body = The first change of the configuration will stand here.
admin-audit-files-hint = All entries that the filters let through, newest first.
admin-audit-noun-api-key = API key
admin-audit-noun-audit-log = audit log
admin-audit-noun-busyness-rules = rules of busyness
admin-audit-noun-config = configuration
admin-audit-noun-error-rule = rule of errors
admin-audit-noun-log-view = view of the log
admin-audit-noun-model = model
admin-audit-noun-price = price
admin-audit-noun-provider = provider
admin-audit-noun-provider-key = provider's key
admin-audit-noun-request-log = request log
admin-audit-noun-secrets = secrets
admin-audit-noun-setting = setting
admin-audit-noun-target = target
admin-audit-noun-usage = usage
admin-audit-noun-user = account
admin-audit-verb-apply = applied
admin-audit-verb-create = made
admin-audit-verb-delete = deleted
admin-audit-verb-export = exported
admin-audit-verb-import = imported
admin-audit-verb-invite = invited
admin-audit-verb-password = password set
admin-audit-verb-reset-password = password reset
admin-audit-verb-revoke = revoked
admin-audit-verb-rotate = rotated
admin-audit-verb-save = saved
admin-audit-verb-update = changed
