# What may be done when and how much: on API keys, models and credentials.
rules-join = { $first }, { $rest }
rules-list = { $first }, { $rest }
rules-range = { $start }–{ $end }
rules-dates = { $start } to { $end }
rules-in-zone = { $what } { $zone }
rules-days-times = { $days } { $times }
rules-times = every day { $times }
rules-only-dates = only on { $what }
rules-not-times = not { $what }
rules-not-dates = not { $what }
rules-days-none = on no day
rules-days-weekdays = weekdays
rules-days-weekend = weekends
rules-days-all = every day
rules-days-range = { $first } to { $last }
rules-day-1 = Mon
rules-day-2 = Tue
rules-day-3 = Wed
rules-day-4 = Thu
rules-day-5 = Fri
rules-day-6 = Sat
rules-day-7 = Sun
rules-from = only from { $networks }
rules-from-many =
    { $count ->
        [one] only from one network
       *[other] only from { $count } networks
    }
rules-limit-rpm =
    { $count ->
        [one] at most one request a minute
       *[other] at most { $value } requests a minute
    }
rules-limit-tpm =
    { $count ->
        [one] at most one token a minute
       *[other] at most { $value } tokens a minute
    }
rules-limit-concurrency =
    { $count ->
        [one] at most one call at once
       *[other] at most { $value } calls at once
    }
rules-budget-day = { $amount } { $currency } a day
rules-budget-week = { $amount } { $currency } a week
rules-budget-month = { $amount } { $currency } a month
rules-budget-total = { $amount } { $currency } in all
rules-for-model = { $what } for { $model }
rules-observed = { $what } (only observed)
rules-no-fallbacks = no fallback models
rules-bypasses-busyness = exempt from rules of busyness
rules-strict-conversion = refused rather than translated in part
rules-none = no rule
rules-row = Row { $number }
rules-time-kind = Rule
rules-time-time-range = hours of the day
rules-time-date-range = dates
rules-time-weekday = days of the week
rules-side = Then calls are
rules-side-allow = allowed
rules-side-deny = refused
rules-time-from = From
rules-time-to = Until
rules-date-first = First day
rules-date-last = Last day
rules-weekdays = Days of the week
rules-more-time = Add a time rule
rules-limits = Limits
rules-limits-hint = Empty means no limit. “Only observe” counts what would have been refused and refuses nothing.
rules-limits-model = For one model
rules-rate-rpm = Requests a minute
rules-rate-tpm = Tokens a minute
rules-rate-max-concurrency = Calls at once
rules-kind = Limit
rules-amount = At most
rules-mode = Beyond it
rules-mode-enforce = refuse
rules-mode-observe = only observe
rules-model = Model
rules-model-choose = choose a model
rules-model-any = any model
rules-more-limit = Add a limit for a model
rules-budgets = Budgets
rules-budgets-hint = Empty an amount to take a budget away. Periods follow the business time zone; weeks begin on Monday.
rules-budget-amount = Amount
rules-currency = Currency
rules-period = Each
rules-period-day = day
rules-period-week = week
rules-period-month = month
rules-period-total = for good
rules-more-budget = Add a budget
rules-bad-time = A time is HH:MM or HH:MM:SS, from 00:00 to 24:00.
rules-bad-time-range = Start and end must differ; 00:00 to 24:00 is the whole day.
rules-bad-date = Give the first and the last day.
rules-bad-date-order = The last day must not lie before the first.
rules-bad-weekdays = Tick at least one day.
rules-bad-choice = Choose one of the list.
rules-bad-model = Choose a model.
rules-bad-amount = An amount above nothing, such as 5 or 2.50.
rules-bad-currency = Three capital letters such as USD.
rules-bad-twice = This is limited twice here; once is right.
rules-busyness-extremely-busy = extremely busy or calmer
rules-busyness-very-busy = very busy or calmer
rules-busyness-busy = busy or calmer
rules-busyness-normal = normally busy or calmer
rules-busyness-idle = idle or quiet
rules-busyness-quiet = quiet
rules-usage = Used now
rules-usage-limit = Limit
rules-usage-used = Used
rules-usage-most = At most
rules-usage-reset = Free again
rules-usage-uncounted = The budget in { $currency } does not count calls of { $models }: they are priced in another currency.
rules-usage-partial = What this instance uses alone: it does not know now what the others use.
