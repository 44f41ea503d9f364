"""The official Anthropic SDK for Python against a real gateway, before vendors of every dialect."""

import anthropic
import gateway as harness
import pytest

HELLO = [{"role": "user", "content": "Say hello to the gateway"}]
WEATHER = [
    {
        "name": "weather",
        "description": "The weather in a city",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]},
    }
]
ALL = pytest.mark.parametrize("model", harness.VENDORS)


@pytest.fixture(scope="module")
def client(gateway):
    url = gateway.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=url, api_key=harness.ALICE, max_retries=0, timeout=20) as made:
        yield made


@ALL
def test_a_message_with_usage_and_request_id(client, model):
    answer = client.messages.create(model=model, max_tokens=200, messages=HELLO)
    assert answer.type == "message" and answer.role == "assistant"
    assert answer.content[0].type == "text" and answer.content[0].text
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0
    assert answer._request_id.startswith("req_")


@ALL
def test_the_streaming_helper(client, model):
    whole = client.messages.create(model=model, max_tokens=200, messages=HELLO)
    with client.messages.stream(model=model, max_tokens=200, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == whole.content[0].text == final.content[0].text
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens == whole.usage.output_tokens
    assert final.usage.input_tokens == whole.usage.input_tokens


@ALL
def test_tools_whole_and_streamed(client, model):
    question = [{"role": "user", "content": "Bergen"}]
    call = client.messages.create(model=model, max_tokens=200, messages=question, tools=WEATHER)
    assert call.stop_reason == "tool_use"
    use = call.content[-1]  # Google's vendors seal a call, and the seal comes before it
    assert use.name == "weather" and use.input == {"city": "Bergen", "days": 7}
    with client.messages.stream(model=model, max_tokens=200, messages=question, tools=WEATHER) as stream:
        kinds = [event.type for event in stream]
        streamed = stream.get_final_message()
    assert streamed.content[-1].input == use.input
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == len(streamed.content)
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "Rain"}
    turns = [*question, {"role": "assistant", "content": call.content}, {"role": "user", "content": [result]}]
    assert client.messages.create(model=model, max_tokens=200, messages=turns, tools=WEATHER).stop_reason == "end_turn"


@ALL
def test_the_tool_runner(client, model):
    asked = []

    @anthropic.beta_tool
    def weather(city: str) -> str:
        """The weather in a city.

        Args:
            city: The city.
        """
        asked.append(city)
        return "Rain"

    runner = client.beta.messages.tool_runner(model=model, max_tokens=200, tools=[weather], messages=[{"role": "user", "content": "Bergen"}])
    final = runner.until_done()
    assert asked == ["Bergen"]
    assert final.stop_reason == "end_turn"


def test_what_a_coding_agent_sends(client):
    """System blocks with cache marks, adaptive thinking, many tools, metadata, beta headers: all of it reaches a chat vendor."""
    raw = client.messages.with_raw_response.create(
        model="gpt-x",
        max_tokens=32000,
        system=[
            {"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "You work in /src."},
        ],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "Fix the bug."}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Look first.", "signature": "c2lnbmVk"},
                    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "a"}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": "no"}]},
        ],
        tools=[{**WEATHER[0], "cache_control": {"type": "ephemeral"}}],
        thinking={"type": "enabled", "budget_tokens": 2000},
        metadata={"user_id": "user_" + "0" * 100},
        extra_headers={"anthropic-beta": "interleaved-thinking-2025-05-14"},
    )
    answer = raw.parse()
    assert answer.stop_reason == "end_turn" and answer.content[0].text
    assert set(raw.headers["x-modelgate-dropped"].split(", ")) == {"cache_control", "thinking", "messages.content.thinking"}


def test_thinking_passes(client):
    answer = client.messages.create(model="claude-x", max_tokens=4000, messages=HELLO, thinking={"type": "enabled", "budget_tokens": 1024})
    assert answer.content[0].type == "thinking" and answer.content[0].signature == "c2lnbmVk"
    with client.messages.stream(model="claude-x", max_tokens=4000, messages=HELLO, thinking={"type": "enabled", "budget_tokens": 1024}) as stream:
        final = stream.get_final_message()
    assert final.content[0] == answer.content[0] and final.content[1].text == answer.content[1].text


@ALL
def test_tokens_are_counted(client, model):
    assert client.messages.count_tokens(model=model, messages=HELLO).input_tokens > 0


def test_models(client):
    names = {model.id for model in client.models.list()}
    assert {"claude-x", "gpt-x"} <= names
    assert client.models.retrieve("claude-x").display_name == "claude-x"


def test_errors_are_the_sdks_own(client):
    with pytest.raises(anthropic.NotFoundError) as unknown:
        client.messages.create(model="none", max_tokens=9, messages=HELLO)
    assert unknown.value.body["error"]["type"] == "not_found_error"
    wrong = client.with_options(api_key="sk-mg-wrong")
    with pytest.raises(anthropic.AuthenticationError):
        wrong.messages.create(model="claude-x", max_tokens=9, messages=HELLO)
    with pytest.raises(anthropic.BadRequestError) as special:
        tool = {"type": "web_search_20250305", "name": "web_search"}
        client.messages.create(model="gpt-x", max_tokens=9, messages=HELLO, tools=[tool])
    assert "tools[0].type" in str(special.value)
    for model in ["claude-busy", "busy"]:
        with pytest.raises(anthropic.RateLimitError) as busy:
            client.messages.create(model=model, max_tokens=9, messages=HELLO)
        assert busy.value.response.headers["retry-after"] == "77"
        assert busy.value.body["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize("model", ["claude-cut", "cut"])
def test_a_stream_that_breaks_off_is_an_error(client, model):
    with pytest.raises(anthropic.APIError) as broken:
        with client.messages.stream(model=model, max_tokens=200, messages=HELLO) as stream:
            stream.until_done()
    assert "closed the connection" in str(broken.value)
