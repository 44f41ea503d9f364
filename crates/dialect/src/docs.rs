//! The page of what survives the way from one dialect into another, made from the table that the conversions obey.

use std::fmt::Write as _;

use crate::dialect::{Caller, Dialect};
use crate::hub::features::{CARRIED, Fate, Feature, special};

const HEAD: &str = "\
# Dialects

<!-- Made from crates/dialect/src/docs.rs; a test keeps it current. -->

Clients and vendors each speak one of these dialects. Where both speak the same one, the gateway passes bytes on as they
are: only the model's name is replaced, and nothing on this page applies but what \"Thoughts between vendors\" says. Otherwise
it puts the request into the vendor's dialect, and the answer, its events, its usage and its errors into the client's.

- **kept**: means the same there.
- **changed**: put into another form, as the text says.
- **dropped**: left out. The header `x-modelgate-dropped` of the answer lists the names of what the request used and the
  vendor was not told.
- **refused**: a request that uses it gets status 400, which names the field.

An API key may be strict: then what would be dropped is refused as well, with status 400 and the name of the field.

Fields that are on no list (new or a vendor's own) are dropped and named. What asks for nothing (`null`, `false`, `0`, an
empty list) counts as absent.

";

const TAIL: &str = "\
## Answers

What the vendor says, and what the client is told of it:

| | chat completions | messages | responses | Gemini |
|---|---|---|---|---|
| text | `content` | a block `text` | an item `message` | a part `text` |
| calls of tools | `tool_calls` | blocks `tool_use` | items `function_call`, `custom_tool_call` | parts `functionCall`, each of them whole |
| thoughts | `reasoning_content`, `reasoning`, or a text between `<think>` and `</think>` that begins the answer; written as `reasoning_content` | a block `thinking` | an item `reasoning`, as a summary | parts with `thought`, where the request asked for them |
| seals of Gemini's thoughts | `extra_content.google.thought_signature` of a call | `signature` of a block `thinking`, `gemini#` before it | `encrypted_content`, `gemini#` before it | `thoughtSignature` |
| sealed thoughts of OpenAI's responses | dropped | `signature` of a block `thinking`, `openai#` before it | `encrypted_content` | dropped |
| signatures of Anthropic, redacted thoughts | dropped | kept | dropped | dropped |
| citations, logprobs, grounding | dropped | dropped | dropped | dropped |
| the end | `stop` | `end_turn`, `pause_turn`, `stop_sequence` | `completed` | `STOP` |
| tools are called | `tool_calls` | `tool_use` | `completed` | `STOP` |
| as long as it may be | `length` | `max_tokens` | `incomplete`: `max_output_tokens` | `MAX_TOKENS` |
| refused | `content_filter` | `refusal` | `incomplete`: `content_filter` | `SAFETY` (also read: `RECITATION`, `BLOCKLIST`, `PROHIBITED_CONTENT`, `SPII`, `LANGUAGE`, and `blockReason` of a prompt) |
| what went in | `prompt_tokens`, with what was read from the cache | `input_tokens`, without it | `input_tokens`, with it | `promptTokenCount`, with it |
| what came out | `completion_tokens`, with the thoughts | `output_tokens`, with them | `output_tokens`, with them | `candidatesTokenCount`, without them |
| an error | status and words are the vendor's, `type` belongs to the status | the same | the same | the same, as `status` |
| model | the name that was asked for | the same | the same | the same, as `modelVersion` |

A client of Gemini's models that does not send their seals back can go on all the same: where a model of Gemini's checks a
turn's first call and its seal is missing, the gateway puts in the one that Google's reference gives for such turns.

To a client of responses nothing is stored. A tool of the type `custom` goes to the vendor as a function of one text, and its
call comes back as a `custom_tool_call`. The functions of a `namespace`, in which Codex sends the tools of an MCP server, go to the
vendor as functions whose names are those of both (`mcp__files__read`), and a call comes back with `namespace` and `name`; what
is said of the namespace stands before the description of its first function. What OpenAI's own tools have done in a
conversation (`web_search_call` and its like) is left out as `input.hosted`, and what OpenAI made of one that was too long as
`input.compaction`: another vendor cannot read it. The events of a stream repeat at the end what was said: up to 16 MiB are held for
that. A client of Gemini gets a call of a function whole: up to 16 MiB of arguments are held.

An answer that is no stream and larger than 16 MiB cannot be put into another dialect.

`POST /v1/messages/count_tokens` and `:countTokens` ask a vendor of the same dialect; for any other the gateway counts
with a tokenizer that may be another one than the model's, and says so with the header `x-modelgate-estimated: true`.

## Thoughts between vendors

Seals go back to the vendor that made them, and to no other, if the client sends them back. That holds as well where client and
vendor speak the same dialect, and another vendor answered before: what bears a mark of the gateway (`gemini#`, `openai#`), or
would have to be sealed and is not, is left out of the request and named in `x-modelgate-dropped`:

- blocks `thinking` without a signature, to models of Anthropic's. Where that leaves a turn with tools half done, Claude models
  that think by a budget do not think in it: they refuse a turn that did not begin with thoughts of theirs.
- items `reasoning` that nobody sealed, to models of OpenAI's; those that only name an item kept at OpenAI go there.
- `extra_content` of calls, to models that are none of Google's.

Everything else passes as it is, also what a vendor of the same dialect has signed in its own way.

## Ollama

A provider of the protocol `ollama` is called at `{base URL}/api/chat`; its stream of lines becomes the client's events.
Completions and embeddings go to the surface that Ollama has for OpenAI's clients, `{base URL}/v1`, as they are. Ollama cuts
prompts that are longer than its context without saying so: set `OLLAMA_CONTEXT_LENGTH` where it runs.

## Addresses of Gemini

`POST /v1beta/models/{model}:generateContent`, `:streamGenerateContent` (with `?alt=sse` as events, without it as one JSON array)
and `:countTokens`, `GET /v1beta/models` and `/v1beta/models/{model}`; the same under `/v1`, where the lists have Google's form
for clients that show their key as Google's do. The key is taken from `x-goog-api-key`, `Authorization:
Bearer` or `?key=`. The gateway writes no addresses with their queries anywhere; what stands in front of it may.
";

/// The whole page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for from in Caller::ALL {
        for to in Dialect::ALL.into_iter().filter(|to| !from.is(*to)) {
            table(&mut page, from, to);
        }
    }
    page.push_str(TAIL);
    page
}

fn table(page: &mut String, from: Caller, to: Dialect) {
    let (client, vendor) = (from.title(), to.title());
    // writing to a text cannot fail
    let _written = write!(
        page,
        "## Requests: a client of {client}, a vendor of {vendor}\n\n| field | there | |\n|---|---|---|\n"
    );
    for feature in CARRIED.iter().chain(special()) {
        if !feature.of(from).is_empty() {
            let row = row(feature, from, to);
            page.push_str(&row);
        }
    }
    page.push('\n');
}

fn row(feature: &Feature, from: Caller, to: Dialect) -> String {
    let code = |name: &str| match name {
        "" => String::new(),
        name => format!("`{name}`"),
    };
    let (fate, note) = match feature.into(to) {
        Fate::Kept => ("kept", ""),
        Fate::Changed(note) => ("changed", note),
        Fate::Dropped => ("dropped", ""),
        Fate::Refused => ("refused", ""),
    };
    let goes = matches!(feature.into(to), Fate::Kept | Fate::Changed(_));
    let there = if goes { feature.name(to) } else { "" };
    let separator = if note.is_empty() { "" } else { ": " };
    format!(
        "| {} | {} | {fate}{separator}{note} |\n",
        code(feature.of(from)),
        code(there)
    )
}
