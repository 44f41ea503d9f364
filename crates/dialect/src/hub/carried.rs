//! The table of what survives as a page shows it: what is carried over, and all that is not carried over as it is.

use super::features::Fate::{Changed, Kept, Refused};
use super::features::Feature;
use super::rows::{
    ALLOWED_TOOLS, BLOCKS, CACHE, CHOICES, CITATIONS, CLIENT_TOOL, COMPACTION, CONTEXT,
    CONVERSATION, CUSTOM_TOOL, DETAIL, DOCUMENT, DOCUMENT_URL, EFFORT, EXTRA, FILE_ID, FORCED,
    GOOGLE_CODE, GOOGLE_TOOL, GRAMMAR, HOSTED_ITEM, HOSTED_TOOL, ITEMS, JSON_OBJECT, MODALITIES,
    PARALLEL, PARAMETERS, PICTURE_URL, SAMPLING, SCHEMA, SEAL, SEALED, SERVER_TOOL, SIGNED, SOUND,
    SPEAKER, SPOKEN, STOP, STORED, STRICT, TASK_BUDGET, THOUGHTS, TRUNCATION, USER, VERBOSITY,
    both,
};

/// What is carried over whatever it says, for the page of what survives.
pub static CARRIED: [Feature; 10] = [
    both("model", "model", Kept, Kept).and("model").gem("(in the address)", Kept).oll("model", Kept),
    both(
        "messages (system, developer)",
        "system",
        Changed(
            "several texts become one; amid a conversation they stay where they stand for OpenAI's own models, and come before it for \
             others",
        ),
        Changed("all of them, in order, come before the conversation"),
    ).and("instructions, input (system, developer)").gem("systemInstruction", Changed("all of them, in order, come before the conversation")).oll("messages (system)", Changed("all of them, in order, as one message before the conversation")),
    both(
        "messages (user, assistant)",
        "messages",
        Changed(
            "texts that follow each other in a message become one, a line between them, unless a picture or a file is among \
             them; what the user says between a call and its result follows the result",
        ),
        Changed(
            "turns of the same side become one, in which calls come last and results first: what the user says between a \
             call and its result follows the result; a conversation that the assistant begins gets a user's turn `...` before \
             it; texts of nothing but blanks, and blanks at the end of an answer to go on with, are left out",
        ),
    ).and("input (user, assistant)").gem("contents", Changed("turns of the same side become one; what the user says between a call and its result follows the result; a conversation that the assistant begins gets a user's turn `...` before it; empty texts are left out")).oll("messages", Changed("several texts of a message become one")),
    both(
        "messages.content.image_url",
        "messages.content.image",
        Kept,
        Kept,
    ).and("input.content.input_image").gem("contents.parts.inlineData, fileData (pictures)", Changed("an address goes as `fileData`, which only newer models read")).oll("messages.images", Kept),
    both(
        "messages.content.file.file_data",
        "messages.content.document",
        Changed("a plain text becomes a text part"),
        Changed("PDF documents; any other is refused"),
    ).and("input.content.input_file").gem("contents.parts.inlineData (documents)", Kept).oll("", Refused),
    both(
        "tools, tool_choice",
        "tools, tool_choice",
        Changed("names above 64 characters are shortened and restored in the answer; a schema without `properties` gets an empty one"),
        Changed("names that the vendor refuses are changed and restored in the answer"),
    ).and("tools (function, custom), tool_choice").gem("tools.functionDeclarations, toolConfig", Changed("schemas as `parametersJsonSchema`; names above 64 characters, or that begin with neither a letter nor `_`, are changed and restored in the answer")).oll("tools", Changed("no tools are sent where none may be called; names above 64 characters are shortened and restored in the answer")),
    both(
        "messages.tool_calls",
        "messages.content.tool_use",
        Kept,
        Changed("arguments that are no JSON object stand under `_raw`"),
    ).and("input (function_call, custom_tool_call)").gem("contents.parts.functionCall", Changed("as for messages; a turn whose first call has no seal gets the one that skips the check, for models that check")).oll("messages.tool_calls", Changed("arguments that are no JSON object stand under `_raw`")),
    both(
        "messages (tool)",
        "messages.content.tool_result",
        Changed(
            "a failed one begins with `Error: `; pictures follow in a message of the user after the results",
        ),
        Kept,
    ).and("input (outputs of calls)").gem("contents.parts.functionResponse", Changed("the text as `output`, of a failed one as `error`; pictures follow as parts")).oll("messages (tool)", Changed("a failed one begins with `Error: `; pictures follow in a message of the user after the results")),
    both(
        "max_completion_tokens, max_tokens",
        "max_tokens",
        Changed("`max_completion_tokens` for models that want it, and for all at Azure"),
        Changed("where absent: the model's largest answer as set in the gateway, otherwise 8,192; not more than the model can say, where that is known"),
    ).and("max_output_tokens").gem("generationConfig.maxOutputTokens", Kept).oll("options.num_predict", Kept),
    both("stream", "stream", Kept, Kept).and("stream").gem("(in the address)", Kept).oll("stream", Kept),
];

/// Everything that is not carried over as it is.
pub fn special() -> impl Iterator<Item = &'static Feature> {
    let named: [&'static Feature; 43] = [
        &FORCED,
        &PICTURE_URL,
        &DOCUMENT,
        &THOUGHTS,
        &CHOICES,
        &MODALITIES,
        &SPEAKER,
        &SOUND,
        &SPOKEN,
        &FILE_ID,
        &DETAIL,
        &JSON_OBJECT,
        &CUSTOM_TOOL,
        &ALLOWED_TOOLS,
        &STRICT,
        &EFFORT,
        &SCHEMA,
        &SAMPLING,
        &CACHE,
        &SIGNED,
        &SEAL,
        &EXTRA,
        &SEALED,
        &HOSTED_TOOL,
        &CLIENT_TOOL,
        &GRAMMAR,
        &STORED,
        &CONVERSATION,
        &TRUNCATION,
        &ITEMS,
        &HOSTED_ITEM,
        &COMPACTION,
        &VERBOSITY,
        &CITATIONS,
        &CONTEXT,
        &SERVER_TOOL,
        &GOOGLE_TOOL,
        &GOOGLE_CODE,
        &PARALLEL,
        &USER,
        &STOP,
        &BLOCKS,
        &DOCUMENT_URL,
    ];
    PARAMETERS
        .iter()
        .chain(named)
        .chain(std::iter::once(&TASK_BUDGET))
}
