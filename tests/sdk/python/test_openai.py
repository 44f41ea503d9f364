"""The official OpenAI SDK for Python against a real gateway: what a person who changes only `base_url` meets."""

import time

import gateway as harness
import openai
import pytest

HELLO = [{"role": "user", "content": "Say hello to the gateway"}]
WEATHER = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather in a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]},
        },
    }
]


@pytest.fixture(scope="module")
def client(gateway):
    with openai.OpenAI(base_url=gateway.base_url, api_key=harness.ALICE, max_retries=0, timeout=20) as made:
        yield made


def test_chat_with_usage_and_request_id(client):
    raw = client.chat.completions.with_raw_response.create(model="gpt-x", messages=HELLO)
    answer = raw.parse()
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert raw.headers["x-request-id"].startswith("req_")
    assert answer._request_id == raw.headers["x-request-id"]


@pytest.mark.parametrize("name", ["gpt-x-latest", "acme/gpt-x", "team/gpt-slashed", "failover"])
def test_every_way_to_name_a_model(client, name):
    assert client.chat.completions.create(model=name, messages=HELLO).choices[0].message.content


def test_stream_without_asking_for_usage_has_none(client):
    chunks = list(client.chat.completions.create(model="gpt-x", messages=HELLO, stream=True))
    assert all(chunk.choices for chunk in chunks), "the usage chunk the gateway asked for must stay hidden"
    assert all(chunk.usage is None for chunk in chunks)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_stream_with_usage_ends_in_it(client):
    chunks = list(client.chat.completions.create(model="gpt-x", messages=HELLO, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens > 0


def test_events_arrive_as_they_are_made(client):
    times = [time.monotonic() for _ in client.chat.completions.create(model="steady", messages=HELLO, stream=True)]
    assert len(times) >= 8
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert sum(gap > 0.03 for gap in gaps) >= 5, f"the vendor paused 100 ms between events, the client saw {gaps}"


def test_tools_whole_and_streamed(client):
    question = [{"role": "user", "content": "Bergen"}]
    call = client.chat.completions.create(model="gpt-x", messages=question, tools=WEATHER).choices[0]
    assert call.finish_reason == "tool_calls"
    assert call.message.tool_calls[0].function.name == "weather"
    assert call.message.tool_calls[0].function.arguments == '{"city":"Bergen","days":7}'
    streamed = ""
    for chunk in client.chat.completions.create(model="gpt-x", messages=question, tools=WEATHER, stream=True):
        for part in chunk.choices[0].delta.tool_calls or []:
            streamed += part.function.arguments or ""
    assert streamed == call.message.tool_calls[0].function.arguments
    result = {"role": "tool", "tool_call_id": call.message.tool_calls[0].id, "content": "Rain"}
    answer = client.chat.completions.create(model="gpt-x", messages=[*question, call.message, result], tools=WEATHER)
    assert answer.choices[0].finish_reason == "stop"


def test_old_completions(client):
    answer = client.completions.create(model="gpt-x", prompt="Once upon a time", max_tokens=5)
    assert answer.choices[0].text and answer.usage.completion_tokens <= 5
    assert "".join(chunk.choices[0].text for chunk in client.completions.create(model="gpt-x", prompt="Once", stream=True))


def test_embeddings_decode_to_unit_vectors(client):
    answer = client.embeddings.create(model="vectors", input=["one", "two"])
    assert [item.index for item in answer.data] == [0, 1]
    assert len(answer.data[0].embedding) == 256
    assert abs(sum(x * x for x in answer.data[0].embedding) - 1) < 1e-3
    assert answer.usage.prompt_tokens > 0


def test_models_are_those_of_the_key(client):
    names = {model.id for model in client.models.list()}
    assert {"gpt-x", "vectors", "team/gpt-slashed"} <= names
    assert "private" not in names
    assert client.models.retrieve("gpt-x").id == "gpt-x"
    assert client.models.retrieve("team/gpt-slashed").id == "team/gpt-slashed"
    for name in ("private", "no-such-model"):
        with pytest.raises((openai.NotFoundError, openai.PermissionDeniedError)):
            client.models.retrieve(name)


def test_wrong_key_is_an_authentication_error(gateway):
    wrong = openai.OpenAI(base_url=gateway.base_url, api_key="sk-mg-this-key-is-not-there-0000", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as caught:
        wrong.chat.completions.create(model="gpt-x", messages=HELLO)
    assert "not-there-0000" not in str(caught.value), "only the key's public prefix may be named"
    assert caught.value.request_id.startswith("req_")


def test_unknown_model_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="no-such-model", messages=HELLO)
    assert caught.value.code == "model_not_found"
    assert caught.value.request_id.startswith("req_")
    assert caught.value.request_id in str(caught.value.body)


def test_model_outside_the_keys_list_is_refused_by_every_name(client):
    for name in ("private", "acme/private"):
        with pytest.raises((openai.PermissionDeniedError, openai.NotFoundError)) as caught:
            client.chat.completions.create(model=name, messages=HELLO)
        assert caught.value.code == "model_not_allowed" and "private" in str(caught.value)


def test_vendor_rate_limit_keeps_its_hint(client):
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="busy", messages=HELLO)
    assert caught.value.response.headers["retry-after"] == "77"


def test_vendor_refusal_and_vendor_failure_keep_their_class(client):
    with pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(model="picky", messages=HELLO)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="broken", messages=HELLO)


def test_bad_requests_say_what_is_wrong(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", body={"messages": HELLO}, cast_to=object)
    assert "model" in str(caught.value)


def test_silent_vendor_is_a_timeout(client):
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="silent", messages=HELLO)
    assert caught.value.status_code == 504


def test_cut_stream_is_an_error_and_not_a_short_answer(client):
    stream = client.chat.completions.create(model="cut", messages=HELLO, stream=True)
    seen = []
    with pytest.raises(openai.APIError):
        for chunk in stream:
            seen.append(chunk.choices[0].finish_reason)
    assert seen and set(seen) == {None}, "what arrived is passed on, and no end is made up"


def test_leaving_a_stream_cancels_the_vendors_call(client, gateway):
    before = gateway.stats()["abandoned"]
    with client.chat.completions.create(model="slow", messages=HELLO, stream=True) as stream:
        next(iter(stream))
    harness.wait_for("the vendor to see the client leave", lambda: gateway.stats()["abandoned"] == before + 1, 2)
    harness.wait_for("the record", lambda: any(row["status"] == "cancelled" and row["requested_model"] == "slow" for row in gateway.logs()), 10)


@pytest.mark.parametrize("name", ["gpt-x", "no-such-model"])
def test_async_client(gateway, name):
    import asyncio

    async def call():
        async with openai.AsyncOpenAI(base_url=gateway.base_url, api_key=harness.ALICE, max_retries=0) as client:
            return await client.chat.completions.create(model=name, messages=HELLO)

    if name == "gpt-x":
        assert asyncio.run(call()).choices[0].message.content
    else:
        with pytest.raises(openai.NotFoundError):
            asyncio.run(call())


def test_every_call_is_in_the_log_with_its_cost(client, gateway):
    raw = client.chat.completions.with_raw_response.create(model="gpt-x", messages=HELLO)
    request = raw.headers["x-request-id"]
    row = harness.wait_for("the record", lambda: next((r for r in gateway.logs() if r["id"] == request), None), 10)
    usage = raw.parse().usage
    assert row["status"] == "success" and row["fault_owner"] == "none"
    count = lambda *buckets: sum(row["usage"].get(bucket, 0) for bucket in buckets)
    assert count("prompt", "cached") == usage.prompt_tokens
    assert count("completion", "reasoning") == usage.completion_tokens
    # 0.15 and 0.60 dollars per million tokens, in nano-dollars.
    assert int(row["cost_nanos"]) == 150 * usage.prompt_tokens + 600 * usage.completion_tokens


@pytest.mark.parametrize("model", harness.VENDORS)
def test_vendors_of_every_dialect(client, model):
    whole = client.chat.completions.create(model=model, messages=HELLO)
    assert whole.choices[0].finish_reason == "stop" and whole.usage.total_tokens > 0
    with client.chat.completions.stream(model=model, messages=HELLO, stream_options={"include_usage": True}) as stream:
        final = stream.get_final_completion() if stream.until_done() else None
    assert final.choices[0].message.content == whole.choices[0].message.content
    assert final.usage.total_tokens == whole.usage.total_tokens
    question = [{"role": "user", "content": "Bergen"}]
    parameters = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
    tool = {"type": "function", "function": {"name": "weather", "parameters": parameters}}
    call = client.chat.completions.create(model=model, messages=question, tools=[tool]).choices[0]
    assert call.finish_reason == "tool_calls"
    assert call.message.tool_calls[0].function.arguments == '{"city":"Bergen","days":7}'
    result = {"role": "tool", "tool_call_id": call.message.tool_calls[0].id, "content": "Rain"}
    answer = client.chat.completions.create(model=model, messages=[*question, call.message, result], tools=[tool])
    assert answer.choices[0].finish_reason == "stop"
