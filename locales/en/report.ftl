# Reports of use: documents, workbooks, text.
report-title = Usage report
report-range = { $from } to { $to }
report-quoted = “{ $name }”
report-two-sentences = { $first } { $second }
report-list-comma = {", "}
report-page = Page { $page } of { $pages }
report-made = Made { $at }
report-contents = Contents
report-fact-range = Period
report-fact-zone = Time zone
report-fact-scope = About
report-fact-before = Compared with
report-fact-made = Made at
report-scope-everyone = All API keys
report-scope-user = API keys of { $name }
report-scope-key = API key { $name }
report-scope-tag = API keys tagged { $name }
report-scope-without = { $scope }, without { $keys }
report-none-chosen = (none chosen)
report-no-key = (no key)
report-count-keys =
    { $count ->
        [one] { $value } key
       *[other] { $value } keys
    }
report-count-days =
    { $count ->
        [one] { $value } day
       *[other] { $value } days
    }
report-count-requests =
    { $count ->
        [one] { $value } request
       *[other] { $value } requests
    }
report-count-night =
    { $count ->
        [one] { $value } request at night
       *[other] { $value } requests at night
    }
report-count-tokens =
    { $count ->
        [one] { $value } token
       *[other] { $value } tokens
    }
report-count-models =
    { $count ->
        [one] { $value } model
       *[other] { $value } models
    }

report-chapter-summary = Summary
report-chapter-trends = Trends
report-chapter-people = Who used what
report-chapter-models = Models and providers
report-chapter-money = Cost
report-chapter-reliability = Reliability
report-chapter-hours = Busiest hours
report-chapter-awards = Awards
report-chapter-advice = Recommendations
report-chapter-appendix = Appendix
report-section-figures = Figures at a glance
report-section-requests = Requests
report-section-tokens = Tokens
report-section-busiest-days = Busiest days
report-section-models = Models
report-section-providers = Providers
report-section-currency = Cost in { $currency }
report-section-error-rate = Error rate over time
report-section-times = Response times
report-section-limits = Limits met
report-section-all-keys = All API keys
report-section-terms = What the words mean

report-summary-empty = Nothing was used in this period.
report-summary-volume =
    { $count ->
        [one] { $requests } request was made with { $keys } in { $days }.
       *[other] { $requests } requests were made with { $keys } in { $days }.
    }
report-summary-change = That is { $change } against the period before, which had { $before }.
report-summary-nothing-before = There was no request in the period before to compare with.
report-summary-tokens = They used { $tokens } tokens: { $input } of input, of which { $cached } came from vendors’ caches, and { $output } of output.
report-summary-money = The priced requests cost { $money }.
report-summary-unpriced =
    { $count ->
        [one] { $value } request, perhaps a failed one, had no price and is not among them.
       *[other] { $value } requests, failed ones included, had no price and are not among them.
    }
report-summary-reliability = { $rate } of requests failed at the gateway or at vendors. 95 of 100 successful requests were answered within { $p95 }, and 95 of 100 streams began within { $ttft }.
report-summary-favourites = The most used model was { $model } with { $share } of requests; the busiest day was { $day } with { $requests } requests.

report-note-unfinished = The period has not ended: figures are those of { $until }, and the period before is compared as far as this one has gone.
report-note-change = Changes compare with the period before, which is as long as this one.
report-card-requests = Requests
report-card-tokens = Tokens
report-card-tokens-more = { $input } in · { $output } out
report-card-cost = Cost
report-card-keys = Active keys
report-card-keys-more =
    { $count ->
        [one] { $value } of them active before
       *[other] { $value } of them active before
    }
report-card-error-rate = Error rate
report-card-timeouts = Timeouts
report-card-p95 = Response time, p95
report-card-ttft = First token, p95
report-card-was = { $before } before

report-trends-days = Each bar or point is a day of the report’s time zone.
report-trends-weeks = Each bar or point is a week from Monday on, named by its first day; the first and the last may be cut.
report-chart-caption = { $title } ({ $unit })
report-chart-alt = { $title } from { $from } to { $to }. The highest value is { $highest }, on { $day }.
report-chart-requests = Requests by outcome
report-chart-tokens = Tokens by kind
report-chart-cost = Cost in { $of }
report-chart-error-rate = Share of requests that failed at the gateway or at vendors
report-unit-thousand = thousands
report-unit-million = millions
report-unit-billion = billions
report-unit-percent = percent
report-legend-success = Successful
report-legend-errors = Errors and timeouts
report-legend-others = Refused or cancelled
report-legend-input = Input
report-legend-output = Output
report-legend-cached = Input from cache
report-table-busiest-days = Days with the most requests

report-people-intro = The { $keys } with the most requests made { $share } of all requests.
report-people-all = { $keys } made the requests of this period.
report-people-note = Keys are listed by their number of requests. The appendix has all of them.
report-models-intro = Requests are counted under the model that was asked for and the provider that answered last. Those that were refused before a choice have neither.
report-table-top-keys = API keys with the most requests
report-table-models = Models by requests
report-table-providers = Providers by requests
report-table-all-keys = All API keys that were used

report-money-basis = Each request is priced when it ends, with the price that is then in force for its target; later changes of prices leave it as it is. Currencies are never added up.
report-money-unpriced =
    { $count ->
        [one] { $value } request, perhaps a failed one, had no price: what it cost is unknown, and is not counted as nothing.
       *[other] { $value } requests, failed ones included, had no price: what they cost is unknown, and is not counted as nothing.
    }
report-money-none = No request in this period or the one before had a price.
report-table-currencies = Cost by currency
report-table-cost-models = Cost by model in { $currency }
report-table-cost-keys = Cost by API key in { $currency }

report-reliability-intro = The error rate counts what the gateway and vendors got wrong. Callers’ own mistakes, refusals by limits, here or at a vendor, and cancelled calls are told apart.
report-table-outcomes = How requests ended
report-table-times = Response times
report-table-provider-times = Providers
report-outcome-success = Successful
report-outcome-error-upstream = Error at the vendor
report-outcome-error-gateway = Error in the gateway
report-outcome-error-caller = Error of the caller
report-outcome-error-policy = Refused by a rule
report-outcome-timeout = Timeout
report-outcome-cancelled = Cancelled by the caller
report-outcome-rate-limited = Refused by a limit, here or at the vendor
report-measure-latency = Whole response
report-measure-ttft = First token
report-limits-none = No request was refused by a limit, here or at a vendor.
report-limits-intro =
    { $count ->
        [one] { $value } request was refused by a limit on rate, concurrency or budget, here or at the vendor. Error analysis says whose limit it was.
       *[other] { $value } requests were refused by limits on rate, concurrency or budget, here or at the vendor. Error analysis says whose limits they were.
    }
report-table-limits = API keys that met limits

report-hours-forgotten = Figures by the hour are no longer kept for this period.
report-hours-intro = The busiest hour was { $day } from { $from } to { $to }, with { $requests } requests over the period. Hours are those of { $zone }.
report-hours-caption = Requests by day of the week and hour of the day
report-day-mon = Monday
report-day-tue = Tuesday
report-day-wed = Wednesday
report-day-thu = Thursday
report-day-fri = Friday
report-day-sat = Saturday
report-day-sun = Sunday

report-awards-intro = For fun, and by rules that anybody can check. Who ties shares; where there is too little to compare, nobody wins.
report-award-nobody = Nobody this time
report-award-more = { $names } and { $count } more
report-award-spread = ± { $share } a day
report-award-hardworking = Most hardworking
report-award-night-owl = Night owl
report-award-powerhouse = Token powerhouse
report-award-explorer = Model explorer
report-award-efficient = Efficiency king
report-award-early-bird = Early bird
report-award-steady = Steady performer
report-award-rule-hardworking = The most requests.
report-award-rule-night-owl = The most requests between midnight and 6:00.
report-award-rule-powerhouse = The most tokens.
report-award-rule-explorer = The most models, at least two.
report-award-rule-efficient = The shortest mean time of successful requests, of keys with at least 20 of them.
report-award-rule-early-bird = The largest share of its requests between 6:00 and 10:00, of keys with at least 20 requests.
report-award-rule-steady = The least variation of requests from day to day, of keys used on at least 5 days with at least 20 requests.

report-advice-nothing = Nothing in these figures asks for attention.
report-advice-by-rule = Found by fixed rules from the figures of this report.
report-by-model = Phrased by the model { $model } from the figures of this report; the figures are the gateway’s.
report-advice-errors = Many requests fail
report-advice-text-errors = The error rate is { $rate }. { $share } of these errors are those of { $provider }: look at its health and its credentials, and give its models a second target.
report-advice-timeouts = Requests time out
report-advice-text-timeouts = { $timeouts } requests ({ $rate }) ended by a timeout, most of them to { $model }. Longer contexts take longer: look at the time-outs of its provider, or at a faster target.
report-advice-refused = Limits are often met
report-advice-text-refused = { $refused } requests ({ $rate }) were refused by limits, here or at a vendor, { $most } of them of { $key }. Error analysis says whose limits they were: a limit here may be too tight, a vendor’s asks for another credential or target, and a program may call too fast.
report-advice-slower = Answers take longer than before
report-advice-text-slower = 95 of 100 answers took up to { $now }; it was { $before } in the period before. Compare the providers’ times in the chapter on reliability.
report-advice-callers = A program sends calls that cannot succeed
report-advice-text-callers = { $errors } requests of { $key } ({ $rate } of its own) were mistakes of the caller: a wrong parameter, or a context that is too long. Its owner should look at the errors in the request log.
report-advice-prices = Prices are missing
report-advice-text-prices = { $requests } successful requests had no price, among them those to { $models }. Give these models prices, so that the cost is whole.
report-advice-dearer = Cost has risen steeply
report-advice-text-dearer = { $now } were spent, after { $before } in the period before. Most of the difference is { $model }. A budget on keys or the model would bound it.
report-advice-one-provider = Nearly everything rests on one provider
report-advice-text-one-provider = { $provider } served { $share } of the requests. If it fails, there is little to fall back on: a second target for the most used models is insurance.
report-advice-cached = Little input comes from caches
report-advice-text-cached = Only { $share } of { $input } input tokens were read from vendors’ caches. Where programs keep the beginning of their prompts the same, vendors charge less for it.
report-advice-idle = Keys are not used
report-advice-text-idle =
    { $count ->
        [one] { $keys } was not used in this period: { $names }. A key that nobody needs can be revoked.
       *[other] { $keys } were not used in this period, among them { $names }. Keys that nobody needs can be revoked.
    }

report-term-request = Request
report-meaning-request = A call to the gateway that has ended, refusals included.
report-term-key = API key
report-meaning-key = What a program or person calls the gateway with. Revoked keys are told of as long as they were used in the period.
report-term-tokens = Tokens
report-meaning-tokens = Input, input read from and written to caches, output, and hidden reasoning, as vendors count them; estimated where they do not.
report-term-cost = Cost
report-meaning-cost = Tokens times the price in force when the request ended, in the currency of that price.
report-term-error-rate = Error rate
report-meaning-error-rate = Errors and timeouts that are the gateway’s or the vendor’s, of the requests that were neither refused, nor cancelled, nor the caller’s mistake.
report-term-timeout = Timeout
report-meaning-timeout = The vendor did not answer, or fell silent, for longer than is configured.
report-term-refused = Refused
report-meaning-refused = Not let through because a limit on rate, concurrency or budget was reached. It costs nothing.
report-term-p95 = p95
report-meaning-p95 = 95 of 100 successful requests took no longer, to the precision of the buckets that durations are kept in.
report-term-ttft = First token
report-meaning-ttft = From the arrival of the request to the first token of a streamed answer.
report-term-before = Period before
report-meaning-before = The days right before, as many as this report has; for a period that goes on, as much of them as has passed of it.

report-column-key = API key
report-column-user = Account
report-column-model = Model
report-column-provider = Provider
report-column-top-model = Top model
report-column-requests = Requests
report-column-share = Share
report-column-share-of-own = Share of own
report-column-change = Change
report-column-tokens = Tokens
report-column-cost = Cost
report-column-cost-before = Before
report-column-currency = Currency
report-column-error-rate = Error rate
report-column-timeouts = Timeouts
report-column-p50 = p50
report-column-p95 = p95
report-column-p99 = p99
report-column-p95-before = p95 before
report-column-ttft-p95 = First token p95
report-column-day = Day
report-column-outcome = Outcome
report-column-measure = Measure
report-column-refused = Refused
report-column-active-days = Days

report-sheet-summary = Summary
report-sheet-keys = Keys
report-sheet-days = Days
report-sheet-models = Models
report-sheet-providers = Providers
report-sheet-statuses = Outcomes
