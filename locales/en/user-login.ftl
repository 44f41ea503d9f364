user-login-title = Log in with your API key
user-login-key = API key
user-login-key-hint = It is exchanged for a session and not kept in this browser.
user-login-wrong = This key is not known here, or it cannot be used now.
user-login-wrong-often = This key is not known here, or it cannot be used now. There were many wrong ones: try again in { $wait }.
user-login-account = You have an account?
user-login-account-link = Log in with your name and password
