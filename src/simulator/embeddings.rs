//! Usual answers of `/embeddings`: numbers that depend on nothing but the input.

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::play::Usual;
use super::script::Reply;
use super::text;

const DIMENSIONS: u64 = 256;

/// The answer; an error names the parameter that is missing.
pub(super) fn embeddings(body: &Value, reply: &Reply) -> Result<Usual, &'static str> {
    let inputs: Vec<String> = match body.get("input") {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) if list.iter().all(Value::is_number) => {
            vec![body.get("input").map(Value::to_string).unwrap_or_default()]
        }
        Some(Value::Array(list)) => list
            .iter()
            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            .collect(),
        _ => return Err("input"),
    };
    let dimensions = body.get("dimensions").and_then(Value::as_u64);
    let dimensions = dimensions.unwrap_or(DIMENSIONS).min(4096);
    let base64 = body.get("encoding_format").is_some_and(|f| f == "base64");
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let vector = vector(input, dimensions);
            let embedding = if base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
                json!(BASE64.encode(&bytes))
            } else {
                json!(vector)
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let mut out = json!({"object": "list", "data": data, "model": body.get("model")});
    if let (false, Some(object)) = (reply.no_usage, out.as_object_mut()) {
        let tokens: usize = inputs.iter().map(|i| text::count(i)).sum();
        object.insert(
            "usage".to_owned(),
            json!({"prompt_tokens": tokens, "total_tokens": tokens}),
        );
    }
    Ok(Usual::Plain(out.to_string().into_bytes()))
}

/// A vector of length one.
#[allow(
    clippy::cast_precision_loss,
    reason = "made-up numbers between -1 and 1"
)]
fn vector(input: &str, dimensions: u64) -> Vec<f32> {
    let seed = text::hash(input);
    let raw: Vec<f32> = (0..dimensions)
        .map(|place| {
            let mixed = seed
                .wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15))
                .wrapping_mul(0xbf58_476d_1ce4_e5b9);
            ((mixed >> 48) as f32) / 32_768.0 - 1.0
        })
        .collect();
    let length = raw
        .iter()
        .map(|x| x * x)
        .sum::<f32>()
        .sqrt()
        .max(f32::EPSILON);
    raw.into_iter().map(|x| x / length).collect()
}
