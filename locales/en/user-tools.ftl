user-tools-title = Tool settings
user-tools-lead = The address and the model are filled in. Your key is not: pages do not know it. Put it where the placeholder stands.
user-tools-agent = The same for a coding agent to follow (OpenCode)
user-tools-assumed = The limits of this model are not set here: 128,000 tokens of context and 8,192 of answer are assumed.
user-tools-checked = checked against its documentation
user-tools-unchecked = not verified
user-tools-settings-of = Settings of { $tool }
user-tools-download = Download
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
