admin-notifications-title = Notifications
admin-notifications-empty = Nothing has happened that you should know
admin-notifications-empty-body = Credentials that vendors reject, models without a target, budgets that run out, a full journal and failed sign-ins appear here.
admin-notifications-dropped =
    { $count ->
        [one] One notice was lost since this instance started, because too many came at once.
       *[other] { $value } notices were lost since this instance started, because too many came at once.
    }
