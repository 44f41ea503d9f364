public-landing-title = One gateway to every model
public-landing-lead = Point your tools at one address. ModelGate checks the key, picks a healthy vendor, streams the answer, and writes down what it cost.
public-landing-open = Open the console
public-landing-endpoint = OpenAI-compatible address
public-landing-key = Log in with an API key
public-landing-documents = Documents
