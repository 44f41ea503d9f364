//! The page of what survives the way from one dialect into another, made from the table that the conversions obey.

use std::fmt::Write as _;

use crate::dialect::{Caller, Dialect};
use crate::hub::features::{CARRIED, Fate, Feature, special};

const HEAD: &str = "\
# Dialects

<!-- Made from crates/dialect/src/docs.rs; a test keeps it current. -->

Clients and vendors each speak one of these dialects. Where both speak the same one, the gateway passes bytes on as they
are: only the model's name is replaced, and nothing on this page applies. Otherwise it puts the request into the vendor's
dialect, and the answer, its events, its usage and its errors into the client's.

- **kept**: means the same there.
- **changed**: put into another form, as the text says.
- **dropped**: left out. The header `x-modelgate-dropped` of the answer lists the names of what the request used and the
  vendor was not told.
- **refused**: a request that uses it gets status 400, which names the field.

Fields that are on no list (new or a vendor's own) are dropped and named. What asks for nothing (`null`, `false`, `0`, an
empty list) counts as absent.

";

const TAIL: &str = "\
## Answers

| | from a vendor of messages to a chat client | from a chat vendor to a client of messages |
|---|---|---|
| text, calls of tools | kept, also streamed; calls of one answer keep their own indices | kept, also streamed; each in a block of its own |
| thoughts | `reasoning_content`; signatures and redacted thoughts are dropped | a block `thinking` with an empty signature |
| citations | dropped | (none) |
| refusal | (a reason) | text |
| `end_turn`, `stop_sequence`, `pause_turn` | `stop` | `stop` becomes `end_turn`, or `tool_use` where tools are called |
| `max_tokens`, context full | `length` | `length` becomes `max_tokens` |
| `tool_use` | `tool_calls` | `tool_calls` becomes `tool_use` |
| `refusal` | `content_filter` | `content_filter` becomes `refusal` |
| usage | `prompt_tokens` is all that went in, `cached_tokens` what of it was read from the cache | `input_tokens` is without what was read from the cache |
| errors | status and words are the vendor's, the class is the one that belongs to the status | the same |
| id | `msg_` becomes `chatcmpl-` | `chatcmpl-` becomes `msg_` |
| model | the name that was asked for | the same |

A client of responses gets one item for each text, thought (as a summary) and call; `status` is `incomplete` where the answer
is cut or refused. Nothing is stored. A tool of the type `custom` goes to the vendor as a function of one text, and its call
comes back as a `custom_tool_call`. The events of a stream repeat at the end what was said: up to 16 MiB are held for that.

An answer that is no stream and larger than 16 MiB cannot be put into another dialect.

`POST /v1/messages/count_tokens` asks a vendor of messages; for any other the gateway estimates, and says so with the
header `x-modelgate-estimated: true`.
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
