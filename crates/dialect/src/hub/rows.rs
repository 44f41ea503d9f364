//! The rows of the table of what survives. [`super::features`] says what they mean.

use super::features::Fate::{Changed, Dropped, Kept, Refused};
use super::features::{Fate, Feature};
use crate::dialect::Caller;

pub(super) const fn both(
    chat: &'static str,
    messages: &'static str,
    to_chat: Fate,
    to_messages: Fate,
) -> Feature {
    Feature {
        chat,
        messages,
        responses: "",
        gemini: "",
        ollama: "",
        to_chat,
        to_messages,
        to_gemini: match (to_chat, to_messages) {
            (Refused, _) | (_, Refused) => Refused,
            _ => Dropped,
        },
        to_ollama: match (to_chat, to_messages) {
            (Refused, _) | (_, Refused) => Refused,
            _ => Dropped,
        },
        to_responses: match (to_chat, to_messages) {
            (Refused, _) | (_, Refused) => Refused,
            (Dropped, _) | (_, Dropped) => Dropped,
            _ => Kept,
        },
    }
}

/// A field of Google's dialect alone.
const fn gemini(name: &'static str, fate: Fate) -> Feature {
    both("", "", fate, fate).gem(name, Kept)
}

/// A field of responses alone.
const fn responses(name: &'static str, fate: Fate) -> Feature {
    both("", "", fate, fate).and(name)
}

/// A field of chat completions alone.
const fn chat(name: &'static str, to_messages: Fate) -> Feature {
    both(name, "", Fate::Kept, to_messages)
}

/// A field of messages alone.
const fn messages(name: &'static str, to_chat: Fate) -> Feature {
    both("", name, to_chat, Fate::Kept)
}

/// What becomes of penalties in chat completions.
const UNSAMPLED: Fate = Changed("dropped for reasoning models and Kimi, which refuse it");

/// Parameters of the whole request that a dialect may not know.
pub static PARAMETERS: [Feature; 39] = [
    both("top_k", "top_k", Dropped, Kept)
        .gem("generationConfig.topK", Kept)
        .oll("options.top_k", Kept),
    both("service_tier", "service_tier", Dropped, Dropped).and("service_tier"),
    chat("frequency_penalty", Dropped)
        .said(UNSAMPLED)
        .gem("generationConfig.frequencyPenalty", Kept)
        .oll("options.frequency_penalty", Kept),
    chat("presence_penalty", Dropped)
        .said(UNSAMPLED)
        .gem("generationConfig.presencePenalty", Kept)
        .oll("options.presence_penalty", Kept),
    chat("logit_bias", Dropped),
    chat("seed", Dropped)
        .gem("generationConfig.seed", Kept)
        .oll("options.seed", Kept),
    chat("store", Dropped),
    chat("metadata", Dropped).and("metadata").out(Kept),
    chat("prediction", Dropped),
    chat("verbosity", Dropped),
    chat("prompt_cache_key", Dropped)
        .and("prompt_cache_key")
        .out(Kept),
    chat("prompt_cache_retention", Dropped)
        .and("prompt_cache_retention")
        .out(Kept),
    chat("safety_identifier", Dropped)
        .and("safety_identifier")
        .out(Kept),
    chat("logprobs", Refused),
    chat("top_logprobs", Refused),
    responses("top_logprobs", Refused),
    chat("audio", Refused),
    chat("web_search_options", Refused),
    chat("functions", Refused),
    chat("function_call", Refused),
    responses("background", Refused),
    responses("prompt", Refused),
    responses("max_tool_calls", Dropped),
    responses("client_metadata", Dropped),
    messages("container", Refused),
    messages("mcp_servers", Refused),
    messages("context_management", Dropped),
    messages("inference_geo", Dropped),
    gemini("safetySettings", Dropped),
    gemini("cachedContent", Refused),
    gemini("labels", Dropped),
    gemini("generationConfig.mediaResolution", Dropped),
    gemini("generationConfig.audioTimestamp", Dropped),
    gemini("generationConfig.enableEnhancedCivicAnswers", Dropped),
    gemini("generationConfig.speechConfig", Refused),
    gemini("generationConfig.imageConfig", Refused),
    gemini("generationConfig.responseLogprobs", Refused),
    gemini("generationConfig.logprobs", Refused),
    gemini("generationConfig.routingConfig", Refused),
];

/// Several answers to one request.
pub static CHOICES: Feature = chat("n", Refused).gem("generationConfig.candidateCount", Refused);
/// Answers in other forms than text.
pub static MODALITIES: Feature =
    chat("modalities", Refused).gem("generationConfig.responseModalities", Refused);
/// Thoughts that an earlier answer told.
pub static THOUGHTS: Feature = chat("messages.reasoning_content", Dropped)
    .and("input.reasoning.summary")
    .gem("contents.parts.thought", Dropped)
    .oll("messages.thinking", Kept);
/// Who among several users speaks.
pub static SPEAKER: Feature = chat("messages.name", Dropped);
/// Sound that goes in.
pub static SOUND: Feature = chat("messages.content.input_audio", Refused)
    .gem("contents.parts.inlineData (sound, video)", Refused);
/// Sound that came out in an earlier answer.
pub static SPOKEN: Feature = chat("messages.audio", Dropped);
/// Files that lie at the vendor.
pub static FILE_ID: Feature = both(
    "messages.content.file.file_id",
    "messages.content.source.file_id",
    Refused,
    Refused,
)
.and("input.content.file_id")
.gem("contents.parts.fileData.fileUri (at Google)", Refused);
/// How closely to look at a picture.
pub static DETAIL: Feature = chat("messages.content.image_url.detail", Dropped)
    .and("input.content.detail")
    .out(Kept);
/// JSON without a schema.
pub static JSON_OBJECT: Feature = chat("response_format.json_object", Dropped)
    .out(Kept)
    .and("text.format.json_object")
    .gem(
        "generationConfig.responseMimeType",
        Changed("dropped beside tools before Gemini 3, which refuses both together"),
    )
    .oll("format", Changed("as the text `json`"));
/// Tools with a grammar instead of a schema.
pub static CUSTOM_TOOL: Feature = chat("tools.custom", Refused);
/// Which part of the tools may be called.
pub static ALLOWED_TOOLS: Feature = both("tool_choice.allowed_tools", "", Refused, Refused)
    .and("tool_choice.allowed_tools")
    .gem(
        "toolConfig.functionCallingConfig.allowedFunctionNames",
        Refused,
    );
/// Tools that keep to their schemas.
pub static STRICT: Feature = both(
    "tools.function.strict",
    "tools.strict",
    Kept,
    Changed("kept where the model knows it, with the schema changed as that of an answer; otherwise dropped"),
)
.and("tools.strict");
/// How much to think.
pub static EFFORT: Feature = both(
    "reasoning_effort",
    "thinking",
    Changed(
        "also `output_config.effort`; a budget becomes `low` (below 4,096 tokens), `medium` (below 16,384) or `high`; an effort above `high` \
         becomes `high`, and one below what the model has a word for the least that it has; dropped for models that do not know `reasoning_effort`; where a model is told by `thinking.type` whether to \
         think (GLM, DeepSeek, Kimi), that is set, with no word on how much for GLM and Kimi; by `enable_thinking` and \
         `thinking_budget` for Qwen at Alibaba's; Kimi does not think where it must call a tool",
    ),
    Changed(
        "a budget of 1,024 (`minimal`), 2,048, 8,192, 16,384 (`high`), 24,576 tokens, and `max_tokens` raised above it, up \
         to the model's largest answer; \
         for newer Claude models adaptive thinking with an effort; dropped for models that cannot think and where a tool is \
         forced, and, with a budget, right after the results of tools, since the caller does not send the thoughts before \
         them",
    ),
)
.and("reasoning.effort")
.out(Changed("a budget becomes `low`, `medium` or `high` as for chat completions; dropped for models that do not reason"))
.gem("generationConfig.thinkingConfig", Changed(
    "a budget or, from Gemini 3 on, a level (`low`, `high`), and thoughts are told; where thinking cannot be switched off, as \
     little as there is; dropped for models that cannot think",
))
.oll("think", Changed(
    "`true` or `false`; `low`, `medium` or `high` for `gpt-oss`; dropped for models that are not known to think, which refuse it",
));
/// The form of the answer.
pub static SCHEMA: Feature = both(
    "response_format.json_schema",
    "output_config.format",
    Changed("the name `output`, not strict"),
    Changed(
        "name and `strict` are left out; every object is closed (`additionalProperties`), which is named in the header where it was \
         open, and bounds that are refused there (`minimum`, `maxLength`, `pattern` …) go into the descriptions; dropped for \
         models that do not know it",
    ),
)
.and("text.format")
.gem(
    "generationConfig.responseSchema, responseJsonSchema",
    Changed(
        "as `responseJsonSchema`, without name and `strict`; dropped beside tools before Gemini 3, which refuses both together",
    ),
)
.oll(
    "format",
    Changed("the schema alone, without name and `strict`"),
);
/// How much to sample.
pub static SAMPLING: Feature = both(
    "temperature, top_p",
    "temperature, top_p",
    Changed(
        "dropped for reasoning models and Kimi, which refuse them; for MiniMax a temperature of 0 becomes 0.01, and one above \
         1 is dropped",
    ),
    Changed(
        "a temperature above 1 is dropped; `top_p` is dropped beside a temperature other than 1, and one of 1 is not said \
         beside a `top_p`; both are dropped for models that refuse them and beside thinking",
    ),
)
.and("temperature, top_p")
.out(Changed("dropped for reasoning models, which refuse them"))
.gem("generationConfig.temperature, topP", Kept)
.oll("options.temperature, top_p", Kept);
/// Marks of what is worth keeping of a prompt.
pub static CACHE: Feature = both("cache_control", "cache_control", Dropped, Kept);
/// Thoughts of earlier answers with a signature, or sealed.
pub static SIGNED: Feature = messages(
    "messages.content.thinking",
    Changed(
        "thoughts that this gateway made of `reasoning_content` (they have no signature) become `reasoning_content` again, \
     for MiniMax a text between `<think>` and `</think>`; signed and redacted ones are dropped",
    ),
)
.gem("", Changed("the seals that Gemini made go back to it unchanged; all others, and the texts, are dropped"))
.out(Changed("what OpenAI sealed goes back to it unchanged; all else is dropped"))
.oll("messages.thinking", Changed("as for chat completions, as `thinking`"));
/// Seals of Gemini's on what a client of its own sends.
pub static SEAL: Feature = gemini("contents.parts.thoughtSignature", Dropped);
/// The same where its surface of chat completions has them.
pub static EXTRA: Feature = chat("messages.tool_calls.extra_content", Dropped).gem(
    "",
    Changed("the seals that Gemini made go back to it unchanged"),
);
/// Thoughts of earlier answers that OpenAI sealed.
pub static SEALED: Feature = responses("input.reasoning.encrypted_content", Dropped).gem(
    "",
    Changed("the seals that Gemini made go back to it unchanged; all others are dropped"),
);
/// Tools that run at OpenAI.
pub static HOSTED_TOOL: Feature = responses("tools.hosted", Dropped);
/// Tools that the client runs and only OpenAI's models can call.
pub static CLIENT_TOOL: Feature =
    responses("tools.local_shell, shell, apply_patch, computer", Refused);
/// The grammar of a tool's text.
pub static GRAMMAR: Feature = responses("tools.format", Dropped);
/// What refers to answers that were stored.
pub static STORED: Feature = responses("previous_response_id", Refused);
/// The same in another way.
pub static CONVERSATION: Feature = responses("conversation", Refused);
/// A conversation that is too long, to be shortened.
pub static TRUNCATION: Feature = responses("truncation", Refused);
/// Items that only OpenAI has.
pub static ITEMS: Feature = responses("input.type", Refused);
/// Items of what OpenAI's own tools have done.
pub static HOSTED_ITEM: Feature = responses("input.hosted", Dropped);
/// What OpenAI made of a conversation that was too long.
pub static COMPACTION: Feature = responses("input.compaction", Dropped);
/// How wordy the answer is.
pub static VERBOSITY: Feature = responses("text.verbosity", Dropped);
/// References to documents.
pub static CITATIONS: Feature = messages("messages.content.citations", Dropped);
/// What says more about a document.
pub static CONTEXT: Feature = messages("messages.content.context", Dropped);
/// Tools that run at the vendor.
pub static SERVER_TOOL: Feature = messages("tools.type", Refused);
/// The same at Google.
pub static GOOGLE_TOOL: Feature = gemini("tools (all but functionDeclarations)", Refused);
/// What such tools have done.
pub static GOOGLE_CODE: Feature = gemini(
    "contents.parts (executableCode, codeExecutionResult)",
    Refused,
);
/// Whether several tools may be called at once.
pub static PARALLEL: Feature = both(
    "parallel_tool_calls",
    "tool_choice.disable_parallel_tool_use",
    Kept,
    Kept,
)
.and("parallel_tool_calls");
/// What ends an answer.
pub static STOP: Feature = both(
    "stop",
    "stop_sequences",
    Changed(
        "dropped for OpenAI's reasoning models, which refuse it; of more than four, OpenAI's other models get the first four",
    ),
    Changed("such of blanks alone are dropped"),
)
    .gem("generationConfig.stopSequences", Changed("the first five"))
    .oll("options.stop", Kept)
    .out(Dropped);
/// Who asks.
pub static USER: Feature = both(
    "user",
    "metadata.user_id",
    Changed("longer than 64 characters: a hash of it"),
    Kept,
)
.out(Changed("longer than 64 characters: a hash of it"))
.and("user");
/// Blocks of content that no other dialect has.
pub static BLOCKS: Feature = messages("messages.content.type", Refused);
/// Documents that lie somewhere else.
pub static DOCUMENT_URL: Feature = messages("messages.content.source.url (documents)", Refused)
    .out(Kept)
    .and("input.content.file_url")
    .gem("contents.parts.fileData (documents)", Kept);
/// Tools that must be called.
pub static FORCED: Feature = both("tool_choice.required", "tool_choice.any", Kept, Kept)
    .and("tool_choice.required")
    .gem("toolConfig.functionCallingConfig.mode.ANY", Kept);
/// Pictures that lie somewhere else.
pub static PICTURE_URL: Feature = both(
    "messages.content.image_url.url (no data URL)",
    "messages.content.source.url (pictures)",
    Kept,
    Kept,
)
.and("input.content.image_url (no data URL)")
.gem("contents.parts.fileData (pictures)", Kept)
.oll("", Refused);
/// Documents.
pub static DOCUMENT: Feature = both(
    "messages.content.file.file_data (PDF)",
    "messages.content.source (PDF)",
    Kept,
    Kept,
)
.and("input.content.file_data (PDF)")
.gem("contents.parts.inlineData (documents)", Kept)
.oll("", Refused);
/// How many tokens a whole task may use.
pub static TASK_BUDGET: Feature = messages("output_config.task_budget", Dropped);

/// What a parameter of chat completions is called in what a caller sends.
pub fn of_chat(name: &'static str, caller: Caller) -> &'static str {
    let found = PARAMETERS.iter().find(|feature| feature.chat == name);
    found.map_or(name, |feature| feature.of(caller))
}

/// What seals of thoughts are called in what a caller sends.
pub fn signed(caller: Caller) -> &'static str {
    match caller {
        Caller::Chat => EXTRA.chat,
        Caller::Messages => SIGNED.messages,
        Caller::Responses => SEALED.responses,
        Caller::Gemini => SEAL.gemini,
    }
}

/// What thoughts with this signature are called in what a caller sends.
pub fn thoughts(caller: Caller, signature: &str) -> &'static str {
    match THOUGHTS.of(caller) {
        "" => signed(caller),
        name if signature.is_empty() => name,
        _ => signed(caller),
    }
}
