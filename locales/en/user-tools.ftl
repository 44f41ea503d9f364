user-tools-title = Tool settings
user-tools-lead = The address and the model are filled in. Your key is not: pages do not know it. Put it where the placeholder stands.
user-tools-agent = The same for a coding agent to follow (OpenCode)
user-tools-assumed = The limits of this model are not set here: 128,000 tokens of context and 8,192 of answer are assumed.
user-tools-checked = checked against its documentation
user-tools-unchecked = not verified
user-tools-settings-of = Settings of { $tool }
user-tools-download = Download
user-tools-download-without = Download, without your key
user-tools-shell-unix = Key, on Linux and macOS
user-tools-shell-windows = Key, in PowerShell on Windows
user-tools-placeholder = YOUR_API_KEY
user-tools-setup =
    # Set up OpenCode for this gateway

    - Write the configuration below to `{ $place }`; make the file if it is missing. For one project only, write it to `opencode.json` in the project instead.
    - If the file is there, keep all other settings and replace only `provider.modelgate` and `model`.
    - Put the API key in the environment variable `MODELGATE_API_KEY`. Never write it into the file.

    Models:

    { $models }

    ```json
    { $config }```

    1. Save the file.
    2. Restart OpenCode.
    3. Ask it something, and look at your last requests on the dashboard.
user-tools-more = For agents, and for a file of your own
user-tools-link = Make a link
user-tools-link-hint = A one-time link lets a coding agent read how to set up OpenCode for this key, without the key itself.
user-tools-renew = Issue another secret
user-tools-renew-hint = If your key is lost: another secret, filled in below. It is asked first what ends, and when.
user-tools-renew-title = Issue another secret for { $name }?
user-tools-renew-body = The present one, { $present }, goes on working until { $until } and ends then. Whoever is logged in here with it has to log in again.
user-tools-renew-body-again = The present one, { $present }, goes on working until { $until } and ends then. The one before it, { $previous }, ends at once. Whoever is logged in here with either has to log in again.
user-tools-renewed = This is your key, and it stands in the settings below. Copy it now: it is not shown again. The one before goes on working for a day.
user-tools-merge = Merge
user-tools-merge-hint = Your opencode.json: this gateway is put in, and all else stays as it is.
user-tools-merge-comments = The settings that would be replaced have comments in them. Move them out of provider.modelgate, so that they are not lost.
user-tools-merge-long = This file is longer than 256 KB.
user-tools-merge-no-text = This file is not UTF-8 text.
user-tools-merge-no-object = This file is not an OpenCode configuration: it has to be one JSON object.
user-tools-merge-provider = “provider” in this file is not an object, so nothing can be put into it.
user-tools-merge-broken = This file is broken in line { $line }, column { $column }: something else was expected there.
user-tools-link-body =
    { $count ->
        [one] Give this link to your agent. It works once, for a minute.
       *[other] Give this link to your agent. It works once, within { $value } minutes.
    }
user-tools-setup-old =
    # A key does not belong in an address

    Addresses stand in histories and logs. If the one in this address is a real key, have another secret issued. This page opens by a one-time link instead.
user-tools-setup-gone =
    # This link does not work

    It was used already, or it has expired.
user-tools-setup-how =
    # How to set up OpenCode for this gateway

    These instructions open by a one-time link.
user-tools-setup-steps =
    1. Log in at { $at } with your API key or your account.
    2. Choose “Make a link”.
    3. Read `setup.md?token=…` from that link, once.
user-tools-test = Test this
user-tools-test-success = works
user-tools-test-danger = failed
user-tools-test-works = { $model } answered a call as { $tool } makes it, in { $took }.
user-tools-test-failed = After { $took }: { $said }
user-tools-test-call = See the call
