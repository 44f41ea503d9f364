user-requests-fault = At fault:
user-requests-advice-none = Nothing has to be done.
user-requests-advice-cancelled = The call was broken off from your side before it ended: the program was stopped, or it waited no longer. Nothing is wrong with the request.
user-requests-advice-caller = Change the request, then send it again.
user-requests-advice-policy = A rule of your key or of the gateway refused it. Wait, or ask those who run the gateway.
user-requests-advice-gateway = The gateway failed. Send it again, and tell those who run it the number below if it happens again.
user-requests-advice-upstream = The vendor of the model failed. Send it again later, or use another model.
