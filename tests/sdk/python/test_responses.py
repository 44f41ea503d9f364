"""The official OpenAI SDK's responses against a real gateway, before vendors of every dialect."""

import gateway as harness
import openai
import pytest

HELLO = "Say hello to the gateway"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}
WEATHER = {"type": "function", "name": "weather", "description": "The weather in a city", "parameters": SCHEMA, "strict": False}
ALL = pytest.mark.parametrize("model", harness.VENDORS)


@pytest.fixture(scope="module")
def client(gateway):
    with openai.OpenAI(base_url=gateway.base_url, api_key=harness.ALICE, max_retries=0, timeout=20) as made:
        yield made


@ALL
def test_a_response_whole_and_streamed(client, model):
    whole = client.responses.create(model=model, input=HELLO, instructions="Be brief.")
    assert whole.status == "completed" and whole.output_text
    assert whole.usage.total_tokens == whole.usage.input_tokens + whole.usage.output_tokens > 0
    with client.responses.stream(model=model, input=HELLO, instructions="Be brief.") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == whole.output_text
    assert final.usage.total_tokens == whole.usage.total_tokens
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    numbers = [event.sequence_number for event in client.responses.create(model=model, input=HELLO, stream=True)]
    assert numbers == list(range(len(numbers)))


@ALL
def test_tools_whole_and_streamed(client, model):
    question = [{"role": "user", "content": "Bergen"}]
    whole = client.responses.create(model=model, input=question, tools=[WEATHER])
    call = whole.output[-1]  # Google's vendors seal a call, and the seal comes before it
    assert call.type == "function_call" and call.name == "weather" and call.arguments == '{"city":"Bergen","days":7}'
    with client.responses.stream(model=model, input=question, tools=[WEATHER]) as stream:
        streamed = stream.get_final_response().output[-1]
    assert (streamed.arguments, streamed.call_id) == (call.arguments, call.call_id)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "Rain"}
    answer = client.responses.create(model=model, input=[*question, *whole.output, result], tools=[WEATHER])
    assert answer.status == "completed" and answer.output_text


@ALL
def test_a_tool_of_one_text(client, model):
    tool = {"type": "custom", "name": "patch", "description": "Applies a patch"}
    call = client.responses.create(model=model, input="Bergen", tools=[tool]).output[-1]
    assert call.type == "custom_tool_call" and call.input == "Bergen"
    with client.responses.stream(model=model, input="Bergen", tools=[tool]) as stream:
        assert stream.get_final_response().output[-1].input == "Bergen"


def test_an_answer_that_is_cut(client):
    cut = client.responses.create(model="claude-x", input=HELLO, max_output_tokens=3)
    assert cut.status == "incomplete" and cut.incomplete_details.reason == "max_output_tokens"


def test_what_cannot_be_done_is_told(client):
    with pytest.raises(openai.BadRequestError) as stored:
        client.responses.create(model="gpt-x", input="And?", previous_response_id="resp_1")
    assert stored.value.param == "previous_response_id" and "send the whole conversation" in stored.value.message
    raw = client.responses.with_raw_response.create(model="gpt-x", input=HELLO, tools=[{"type": "web_search"}], metadata={"a": "b"})
    assert raw.headers["x-modelgate-dropped"] == "tools.hosted"
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="none", input=HELLO)
    with pytest.raises(openai.RateLimitError):
        client.responses.create(model="claude-busy", input=HELLO)
    events = list(client.responses.create(model="claude-cut", input=HELLO, stream=True))
    assert events[-2].type == "error" and events[-2].code == "upstream_closed"
    assert events[-1].type == "response.failed" and events[-1].response.error.code == "upstream_closed"
