public-login-title = Log in
public-login-username = User name
public-login-password = Password
public-login-wrong = User name or password is wrong.
public-login-holder = You are logged in with the key { $key }. This page is for accounts.
public-login-holder-link = Open the dashboard
public-login-wait = Too many failed attempts. Try again in { $wait }.
public-login-out = You are logged out.
