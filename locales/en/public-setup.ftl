public-setup-title = Set up this gateway
public-setup-lead = Choose the first administrator. This link works once.
public-setup-repeat = Password again
public-setup-create = Create the administrator
public-setup-hint = { $count } characters or more
public-setup-done = Welcome. This gateway is yours now.
public-setup-gone-title = This set-up link has ended
public-setup-gone-body = There is an administrator already, or the link is an old one. The console of the running gateway shows the present link after a restart, as long as there is no administrator.
