admin-monitor-empty = Nothing was asked in this range.
admin-monitor-empty-link = The last 30 days
admin-monitor-composition = Composition
admin-monitor-by = Shares by
admin-monitor-by-requests = Requests
admin-monitor-by-tokens = Tokens
admin-monitor-by-cost = Cost
admin-monitor-providers = Providers
admin-monitor-models = Models
admin-monitor-keys = API keys
admin-monitor-credentials = Credentials
admin-monitor-active = { $value } in use
admin-monitor-others =
    { $count ->
        [one] 1 other
       *[other] { $value } others
    }
admin-monitor-told = { $request-count ->
    [one] 1 request
   *[other] { $requests } requests
} · { $token-count ->
    [one] 1 token
   *[other] { $tokens } tokens
}
admin-monitor-first = The first has { $one } of all.
admin-monitor-first-three = The first has { $one } of all, the first three { $three }.
admin-monitor-errors = Error hotspots
admin-monitor-errors-hint = vendors and gateway, by rate
admin-monitor-errors-none = No vendor and nothing here failed.
admin-monitor-timeouts = Timeout hotspots
admin-monitor-timeouts-hint = by number
admin-monitor-timeouts-none = Every answer came in time.
admin-monitor-kind-provider = Provider
admin-monitor-kind-model = Model
admin-monitor-kind-key = API key
admin-monitor-spot = { $count } of { $requests }
admin-monitor-times = Response times
admin-monitor-times-hint = seconds, of complete answers
admin-monitor-busyness = How busy it was
admin-monitor-busyness-minutes = Minutes of all instances
admin-monitor-busyness-rules = Rules of busyness
admin-monitor-answered = Answers
admin-monitor-mean = Average
admin-monitor-range = Shortest – longest
admin-monitor-range-drawn = Shortest to longest, the part from the median to p95 thick
admin-monitor-first-p50 = First token p50
admin-monitor-first-p95 = First token p95
admin-monitor-per-second = Tokens/s
admin-monitor-all-models = All models
admin-monitor-first-token = First token, median
admin-monitor-response = Response time, median
admin-monitor-p95 = p95 { $p95 }
admin-monitor-writing = Output tokens per second
admin-monitor-writing-more = while answering
admin-monitor-heat = Response time by model and hour
admin-monitor-heat-hint = average, last { $days } days of the range at most
admin-monitor-heat-table = Average response time in seconds by model and hour of the day
admin-monitor-answers =
    { $count ->
        [one] 1 answer
       *[other] { $value } answers
    }
