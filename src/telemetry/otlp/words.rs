//! Attributes, and the words that OpenTelemetry's conventions have for our own.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};

pub(super) const OPERATION: &str = "gen_ai.operation.name";
pub(super) const PROVIDER: &str = "gen_ai.provider.name";
pub(super) const REQUEST_MODEL: &str = "gen_ai.request.model";
pub(super) const RESPONSE_MODEL: &str = "gen_ai.response.model";
pub(super) const ERROR_TYPE: &str = "error.type";

/// `gen_ai.operation.name` of an endpoint.
pub(super) fn operation(endpoint: &str) -> &'static str {
    match endpoint {
        "completions" => "text_completion",
        "embeddings" => "embeddings",
        _ => "chat",
    }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// Attributes of one thing; what is empty or unknown is left out.
#[derive(Default)]
pub(super) struct Attributes(pub(super) Vec<KeyValue>);

impl Attributes {
    pub(super) fn text(&mut self, key: &str, value: &str) -> &mut Self {
        if !value.is_empty() {
            self.0
                .push(attribute(key, Value::StringValue(value.to_owned())));
        }
        self
    }

    pub(super) fn texts(&mut self, key: &str, value: &str) -> &mut Self {
        if !value.is_empty() {
            let one = AnyValue {
                value: Some(Value::StringValue(value.to_owned())),
            };
            let list = ArrayValue { values: vec![one] };
            self.0.push(attribute(key, Value::ArrayValue(list)));
        }
        self
    }

    pub(super) fn number(&mut self, key: &str, value: Option<i64>) -> &mut Self {
        if let Some(value) = value {
            self.0.push(attribute(key, Value::IntValue(value)));
        }
        self
    }

    pub(super) fn flag(&mut self, key: &str, value: bool) -> &mut Self {
        self.0.push(attribute(key, Value::BoolValue(value)));
        self
    }
}
