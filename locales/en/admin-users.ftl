admin-users-title = Accounts
admin-users-lead = People who log in here, and those whose API keys share limits.
admin-users-add = Create account
admin-users-new-title = Create an account
admin-users-username = User name
admin-users-username-hint = Letters, digits and . _ - @. It cannot be changed later.
admin-users-display-name = Name
admin-users-bad-display-name = At most 100 characters on one line.
admin-users-role = Role
admin-users-role-hint = Users see their own usage. Viewers look at everything, operators keep it running, administrators also handle secrets, settings and accounts, owners also decide who administers.
admin-users-role-user = User
admin-users-role-viewer = Viewer
admin-users-role-operator = Operator
admin-users-role-admin = Administrator
admin-users-role-owner = Owner
admin-users-bad-role = You may not give this role.
admin-users-limits = Limits
admin-users-last-login = Last log-in
admin-users-active = active
admin-users-invited = no password yet
admin-users-off = switched off
admin-users-taken-username = An account of this name exists.
admin-users-link-title = A link for { $name }
admin-users-link-body = Send it to its owner, who chooses the password with it. It works once, for { $value } { $count ->
    [one] hour
   *[other] hours
}, and is not shown again. A password that is there already works until then.
admin-users-link-done = Done
