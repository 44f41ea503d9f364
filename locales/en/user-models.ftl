user-models-title = Models you may use
user-models-none = No model is open to this key
user-models-none-body = Ask those who run the gateway to allow one.
user-models-name = Model
user-models-kind = For
user-models-kind-chat = chat
user-models-kind-embedding = embeddings
user-models-context = Context
user-models-output = Largest answer
user-models-cost = Price per million tokens
user-models-price = { $input } in, { $output } out
user-models-cached = { $price } from cache
user-models-unpriced = no price set
user-models-now = Now
user-models-state-call = available
user-models-state-wait = busy, calls wait
user-models-state-fall-back = another model answers
user-models-state-refuse = a rule refuses calls
user-models-state-fail = not available
user-models-tools = Tool settings
user-models-tools-for = Tool settings for { $model }
user-models-note = Context and answer in tokens. “Now” is what a call of yours would come to at this moment, limits included.
user-models-takes = Takes in
user-models-calls-tools = Tools
user-models-advice = Which to take
user-models-advice-days =
    { $count ->
        [one] last day
       *[other] last { $value } days
    }
user-models-advice-points = { $points } of 100
user-models-advice-own = judged by your own calls
user-models-advice-all = judged by the calls of all keys
user-models-advice-formula = 100 × (0.55 × reliability + 0.30 × speed + 0.15 × sample). Reliability: 1 − 1.5 × the share of calls that the gateway or a vendor got wrong, not below 0. Speed: 1 / (1 + mean time / 2.5 s), 0 while nothing answered. Sample: calls / 20, at most 1. A model is judged by the calls of this key where it made at least 20 of them, otherwise by those of all keys.
user-models-reason-none = No calls lately: nothing is known of it.
user-models-reason-few =
    { $count ->
        [one] Only one call to judge by; it took { $time }, and { $rate } failed.
       *[other] Only { $calls } calls to judge by; { $time } on average, { $rate } failed.
    }
user-models-reason-failing = Fails often: { $rate } of { $calls } calls.
user-models-reason-slow = Answers, but slowly: { $time } on average over { $calls } calls, { $rate } failed.
user-models-reason-good = Reliable: { $rate } of { $calls } calls failed, { $time } on average.
user-models-reason-mixed = Mostly reliable: { $rate } of { $calls } calls failed, { $time } on average.
user-models-hours = When to call
user-models-hours-best = Best
user-models-hours-worst = Worst
user-models-hours-few =
    { $count ->
        [0] Too few calls to tell: no hour of the day has had enough.
        [one] Too few calls to tell: only one hour of the day has had enough.
       *[other] Too few calls to tell: only { $value } hours of the day have had enough.
    }
user-models-hours-alike = It does not matter when: calls go equally well at all hours.
user-models-hours-of =
    { $count ->
        [one] Calls of all keys to the models above, over the last day.
       *[other] Calls of all keys to your models, over the last { $value } days.
    }
user-models-hours-all = Every hour, and how the points are made
user-models-hours-formula = 100 × (0.45 × errors + 0.35 × speed + 0.20 × limits). Errors: full up to 1 % of calls that the gateway or a vendor got wrong, none from 18 %. Speed: full up to 1.8 s on average, none from 15 s. Limits: full while no call is refused by a limit, none from 20 %. In between it falls evenly. An hour counts from 20 calls on, and six such hours are needed.
user-models-hour = Hour
user-models-hour-calls = Calls
user-models-hour-failed = Failed
user-models-hour-time = Mean time
user-models-hour-points = Points
user-models-phrasing = A model is putting this into words…
user-models-phrased = Phrased by the model { $model } from these figures; it may be wrong.
