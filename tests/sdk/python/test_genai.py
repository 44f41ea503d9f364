"""Google's SDK for Python against a real gateway, before vendors of every dialect."""

import gateway as harness
import pytest
from google import genai
from google.genai import errors, types

HELLO = "Say hello to the gateway"
SCHEMA = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}, "days": {"type": "INTEGER"}}, "required": ["city"]}
WEATHER = types.Tool(function_declarations=[{"name": "weather", "description": "The weather in a city", "parameters": SCHEMA}])
# their vendors speak generateContent, chat completions and messages
ALL = pytest.mark.parametrize("model", harness.VENDORS)


def made(gateway, key=harness.ALICE):
    url = gateway.base_url.removesuffix("/v1")
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url, timeout=20_000))


@pytest.fixture(scope="module")
def client(gateway):
    with made(gateway) as client:
        yield client


@ALL
def test_an_answer_whole_and_streamed(client, model):
    config = types.GenerateContentConfig(system_instruction="Be brief.", temperature=0.2)
    whole = client.models.generate_content(model=model, contents=HELLO, config=config)
    assert whole.text and whole.candidates[0].finish_reason == types.FinishReason.STOP
    usage = whole.usage_metadata
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count > 0
    chunks = list(client.models.generate_content_stream(model=model, contents=HELLO, config=config))
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text and len(chunks) > 2
    assert chunks[-1].usage_metadata.total_token_count == usage.total_token_count


@ALL
def test_tools_whole_and_streamed(client, model):
    config = types.GenerateContentConfig(tools=[WEATHER])
    whole = client.models.generate_content(model=model, contents="Bergen", config=config)
    call = whole.function_calls[0]
    assert (call.name, call.args) == ("weather", {"city": "Bergen", "days": 7})
    streamed = [c for chunk in client.models.generate_content_stream(model=model, contents="Bergen", config=config) for c in chunk.function_calls or []]
    assert [c.args for c in streamed] == [call.args]
    result = types.Part.from_function_response(name="weather", response={"output": "Rain"})
    turns = [types.UserContent("Bergen"), whole.candidates[0].content, types.Content(role="user", parts=[result])]
    answer = client.models.generate_content(model=model, contents=turns, config=config)
    assert answer.text and not answer.function_calls


@ALL
def test_a_chat_with_a_function_that_the_sdk_calls(client, model):
    asked = []

    def weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return "Rain"

    chat = client.chats.create(model=model, config=types.GenerateContentConfig(tools=[weather]))
    assert chat.send_message("Bergen").text
    assert asked == ["Bergen"]


@ALL
def test_tokens_are_counted(client, model):
    assert client.models.count_tokens(model=model, contents=HELLO).total_tokens > 0


def test_thoughts_are_told_to_who_asks(client):
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    answer = client.models.generate_content(model="claude-x", contents=HELLO, config=types.GenerateContentConfig(thinking_config=thinking))
    assert [bool(part.thought) for part in answer.candidates[0].content.parts] == [True, False] and answer.text
    thinking.include_thoughts = False
    answer = client.models.generate_content(model="claude-x", contents=HELLO, config=types.GenerateContentConfig(thinking_config=thinking))
    assert not any(part.thought for part in answer.candidates[0].content.parts)


def test_an_answer_that_is_cut(client):
    config = types.GenerateContentConfig(max_output_tokens=3)
    answer = client.models.generate_content(model="gpt-x", contents=HELLO, config=config)
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS


def test_models_are_listed(client):
    names = {model.name for model in client.models.list()}
    assert {"models/gemini-x", "models/gpt-x"} <= names
    assert client.models.get(model="gemini-x").name == "models/gemini-x"


def test_errors_are_googles(client, gateway):
    with pytest.raises(errors.ClientError) as unknown:
        client.models.generate_content(model="none", contents=HELLO)
    assert (unknown.value.code, unknown.value.status) == (404, "NOT_FOUND")
    with pytest.raises(errors.ClientError) as busy:
        client.models.generate_content(model="busy", contents=HELLO)
    assert (busy.value.code, busy.value.status) == (429, "RESOURCE_EXHAUSTED")
    with pytest.raises(errors.ClientError) as wrong, made(gateway, "sk-mg-canary-nobody-0123456789") as stranger:
        stranger.models.generate_content(model="gpt-x", contents=HELLO)
    assert wrong.value.code == 401


@pytest.mark.parametrize("model", ["claude-cut", "cut"])
def test_a_broken_stream_is_an_error(client, model):
    with pytest.raises(errors.APIError):
        list(client.models.generate_content_stream(model=model, contents=HELLO))
