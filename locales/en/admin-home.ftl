admin-home-pause = Pause
admin-home-start = Getting started
admin-home-start-body = Five steps to the first answer through this gateway.
admin-home-step-provider = Add a provider and its key
admin-home-step-model = Offer a model
admin-home-step-key = Make an API key
admin-home-step-call = Make a call, and see it in the request log
admin-home-step-done = done
admin-home-active = Active now
admin-home-active-more = { $streams } streaming · { $count ->
    [one] 1 key
   *[other] { $keys } keys
}
admin-home-live = live
admin-home-notice-journal =
    { $count ->
        [0] Records are not reaching the database; calls are served, figures lag behind.
        [one] The database is behind: 1 record waits in the journal.
       *[other] The database is behind: { $value } records wait in the journal.
    }
admin-home-notice-stopped = The journal has no room, or its disk has none: calls are refused until there is room again.
admin-home-notice-unrecorded = The journal has no room, or its disk has none: calls are served without a record.
admin-home-notice-errors = { $rate } of the calls of the last half hour failed at a vendor or in this gateway.
admin-home-notice-limited = { $rate } of the calls of the last half hour were refused by a limit.
admin-home-notice-credentials = No usable credential at { $names }.
admin-home-notice-affected = What is affected
admin-home-notice-providers = Look at the providers
admin-home-nothing = Nothing in this range.
admin-home-slow = Slow calls
admin-home-slow-from = { $from } and more
admin-home-slow-none = No slow calls.
admin-home-providers = Providers
admin-home-keys = API keys
admin-home-share = { $requests } · { $tokens }
admin-home-share-hint = requests · tokens
admin-home-provider-note = { $usable } of { $all } keys usable · { $mean }
admin-home-key-running =
    { $count ->
        [one] 1 running
       *[other] { $value } running
    }
admin-home-notice-left-out =
    { $count ->
        [one] One row of the configuration is not in force.
       *[other] { $value } rows of the configuration are not in force.
    }
admin-home-notice-note = { $object }: { $problem }.
admin-home-tps = Tokens per second
admin-home-tps-more = over five minutes
admin-home-busyness = Busyness
admin-home-busyness-more = { $count ->
    [one] 1 key
   *[other] { $keys } keys
} in 10 min · { $refused } refused
admin-home-people = Active keys
admin-home-people-hint = 10 min
admin-home-people-none = Nobody has called for ten minutes.
admin-home-key-calls =
    { $count ->
        [one] 1 call
       *[other] { $value } calls
    }
admin-home-key-tokens = { $count ->
    [one] 1 token
   *[other] { $tokens } tokens
}
admin-home-slow-input = { $tokens } in
admin-home-notice-busy = { $level }: { $count ->
    [one] 1 key
   *[other] { $keys } keys
} active, { $refused } of the calls refused within ten minutes.
admin-home-notice-rules = Rules while busy
