# Ranges, and the figures of a range, on every page that shows them.
figures-range = Range
figures-range-today = Today
figures-range-24h = 24 h
figures-range-7d = 7 d
figures-range-30d = 30 d
figures-range-month = Month
figures-range-year = Year
figures-range-custom = Custom…
figures-range-from = From
figures-range-to = To
figures-range-apply = Show
figures-range-shown = { $from } to { $to }
figures-range-business = whole days in { $zone }, as long ranges are kept
figures-requests = Requests
figures-tokens = Tokens
figures-tokens-more = { $input } in · { $output } out
figures-cost = Cost
figures-unpriced =
    { $count ->
        [one] 1 call unpriced
       *[other] { $value } calls unpriced
    }
figures-error-rate = Error rate
figures-error-rate-more = vendors and gateway
figures-errors = Errors
figures-errors-callers = { $value } of the callers' own
figures-errors-rules = { $value } by a rule
figures-timeouts = Timeouts
figures-rate-limited = Rate limited
figures-trend = Traffic
figures-trend-period = Period
