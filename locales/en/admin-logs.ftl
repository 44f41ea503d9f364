admin-logs-search = Request id
admin-logs-status = Status
admin-logs-model = Model
admin-logs-key = Key
admin-logs-provider = Provider
admin-logs-from = From
admin-logs-to = Until
admin-logs-any = Any
admin-logs-apply = Apply
admin-logs-time = Time
admin-logs-input = In
admin-logs-output = Out
admin-logs-cost = Cost
admin-logs-first-token = First token s
admin-logs-total = Total s
admin-logs-unpriced = unpriced
admin-logs-shown =
    { $count ->
        [one] 1 request on this page
       *[other] { $value } requests on this page
    }
admin-logs-no-match = Nothing matches
admin-logs-no-match-body = No request fits all these filters.
admin-logs-empty = No requests yet
admin-logs-empty-body = Every call that carries a valid key is written down here, refused ones too.
admin-logs-empty-action = How to make the first call
admin-logs-detail = Details of a request
admin-logs-title-pending = Still running
admin-logs-title-success = Answered
admin-logs-title-cancelled = The caller went away
admin-logs-title-refused = Why was this refused?
admin-logs-title-failed = Why did this fail?
admin-logs-words-pending = { $key } asked for { $model }; the answer has not ended yet.
admin-logs-words-success =
    { $attempts ->
        [0] { $key } asked for { $model }; { $provider } answered in { $after }.
        [1] { $key } asked for { $model }; { $provider } answered in { $after }.
       *[other] { $key } asked for { $model }; { $provider } answered in { $after }, at attempt { $attempts }.
    }
admin-logs-words-cancelled = { $key } closed the connection after { $after }; the call to { $provider } was cancelled at once.
admin-logs-words-limited-upstream = { $provider } refused the call because of its own limit.
admin-logs-words-limited =
    { $repeats ->
        [one] A limit refused this call of { $key }.
       *[other] A limit refused { $count } calls of { $key }, kept as one row.
    }
admin-logs-words-timeout = { $provider } did not answer in time; the call was given up after { $after }.
admin-logs-words-policy =
    { $repeats ->
        [one] A rule of this gateway does not let { $key } make this call.
       *[other] A rule of this gateway does not let { $key } make these { $count } calls, kept as one row.
    }
admin-logs-words-caller = The request itself was not in order; the caller has to change it.
admin-logs-words-gateway = This gateway failed, not the vendor and not the caller.
admin-logs-words-upstream-status = { $provider } answered { $status }.
admin-logs-words-upstream = { $provider } could not be reached or broke off.
admin-logs-phases = Where the time went
admin-logs-phase-gateway = in the gateway
admin-logs-phase-queue = waiting for a place
admin-logs-phase-connect = sending
admin-logs-phase-first = first token
admin-logs-phase-stream = streaming
admin-logs-phase-rest = rest of the answer
admin-logs-phase-wait = waiting for an answer
admin-logs-gap = longest silence { $gap }
admin-logs-attempts = Attempts
admin-logs-attempt-target = Vendor and key
admin-logs-attempt-outcome = Outcome
admin-logs-attempt-began = Began
admin-logs-attempt-took = Took
admin-logs-receipt = Receipt
admin-logs-receipt-bucket = Tokens of
admin-logs-receipt-tokens = Count
admin-logs-receipt-price = Per million
admin-logs-receipt-total = Total
admin-logs-receipt-request = Per call
admin-logs-receipt-since = Price of { $since }.
admin-logs-receipt-nothing = No tokens were used.
admin-logs-receipt-estimated = The vendor did not say how many; counted by this gateway.
admin-logs-receipt-unpriced = No price was known for this model, so no cost is claimed.
admin-logs-facts = Facts
admin-logs-fact-fault = Whose fault
admin-logs-fact-answer = Answer
admin-logs-fact-vendor = Vendor answered
admin-logs-fact-key = API key
admin-logs-fact-asked = Asked for
admin-logs-fact-stream = { $model } (stream)
admin-logs-fact-served = Served by
admin-logs-fact-credential = With the key
admin-logs-fact-reason = Chosen because
admin-logs-fact-attempts = Attempts
admin-logs-fact-finish = Finish reason
admin-logs-fact-client = Client
admin-logs-fact-session = Conversation
admin-logs-fact-endpoint = Endpoint
admin-logs-fact-size = Request size
admin-logs-route-priority = its priority is the highest
admin-logs-route-weight = drawn by weight among equals
admin-logs-route-only = the only target
admin-logs-route-pinned = the caller named the provider
admin-logs-route-next-credential = another key of the same provider, after an attempt failed
admin-logs-route-retry-after = the same once more, when the vendor said it may be asked again
admin-logs-route-next-target = the next target, after an attempt failed
admin-logs-route-last-resort = nothing healthier was left
admin-logs-failed = error or timeout
admin-logs-range = Time
admin-logs-range-1h = Last hour
admin-logs-range-24h = Last 24 hours
admin-logs-range-7d = Last 7 days
admin-logs-range-30d = Last 30 days
admin-logs-asked = Asked for
admin-logs-error = Error
admin-logs-fault = Whose fault
admin-logs-tries = Attempts
admin-logs-queue = Waited s
admin-logs-endpoint = Endpoint
admin-logs-finish = Finish reason
admin-logs-session = Conversation
admin-logs-address = Address
admin-logs-client = Client
admin-logs-columns = Columns
admin-logs-follow = Follow live
admin-logs-stop = Stop following
admin-logs-following = Following: new and running requests appear by themselves; without JavaScript, reload the page.
admin-logs-news =
    { $count ->
        [0] Nothing ended since { $since }.
        [one] 1 request ended since { $since }.
       *[other] { $value } requests ended since { $since }.
    }
admin-logs-views = Views
admin-logs-view-all = Everything
admin-logs-view-name = Save what is shown as
admin-logs-view-share = Share it with all who may see the log
admin-logs-view-opens-too = Open the log with it
admin-logs-view-save = Save view
admin-logs-view-saved = View { $name } saved.
admin-logs-view-delete = Delete view { $name }
admin-logs-view-deleted = View { $name } deleted.
admin-logs-view-of = shared by { $name }
admin-logs-view-shared = shared
admin-logs-view-open = open with it
admin-logs-view-open-with = Open the log with { $name }
admin-logs-view-open-none = Open the log with everything
admin-logs-view-is-opening = opens with the log
admin-logs-view-opens = The log opens with { $name }.
admin-logs-view-opens-all = The log opens with everything.
admin-logs-view-bad-name = A view needs a name of 1 to { $most } characters.
admin-logs-view-too-many = You keep { $most } views already: delete one first.
admin-logs-match =
    { $count ->
        [one] 1 request matches
       *[other] { $value } requests match
    }
admin-logs-match-more = More than { $value } requests match
admin-logs-further = More filters
admin-logs-code = Error code
admin-logs-credential = Provider credential
admin-logs-upstream = Upstream model
admin-logs-http = HTTP status
admin-logs-vendor-http = Vendor’s HTTP status
admin-logs-ended = ended
admin-logs-wrong = failed by vendor or gateway
admin-logs-unanswered = failed or refused by a limit
admin-logs-looked = Of the requests that fit one of the filters, the newest { $most } were held against the others, back to { $time }.
admin-logs-no-match-yet = Nothing matches so far
admin-logs-look-on = Look further back
