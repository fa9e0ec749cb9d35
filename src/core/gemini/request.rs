//! The bytes of a generateContent request: what is the same for every image, and what differs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::catalogue::{Model, Thinking};
use crate::error::{Error, ErrorKind, Result};

/// Generation options shared by every image of a run.
#[derive(Debug, Clone, Default)]
pub struct GenerateOptions {
    /// Instructions before the images.
    pub system_instruction: Option<String>,
    /// Sampling temperature, 0 to 2.
    pub temperature: Option<f64>,
    /// Token limit of the answer, thoughts included.
    pub max_output_tokens: Option<u32>,
    /// `low`, `medium` or `high`.
    pub media_resolution: Option<String>,
    /// A level (`minimal`, `low`, `medium`, `high`), a token budget as digits, or `None` for the least the model allows.
    pub thinking: Option<String>,
    /// Labels for the invoice.
    pub labels: Vec<(String, String)>,
    /// Response schema in the API's own form.
    pub response_schema: Option<Value>,
}

/// One image as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImagePart {
    /// Read by Google from Cloud Storage.
    Uri {
        /// `gs://` URI.
        uri: String,
        /// Media type.
        mime_type: String,
    },
    /// Sent along.
    Inline {
        /// File content.
        data: Bytes,
        /// Media type.
        mime_type: String,
    },
}

/// Everything of a request but its image and its prompt, encoded once.
#[derive(Debug, Clone)]
pub struct RequestTemplate {
    rest: String,
}

impl RequestTemplate {
    /// Checks and encodes what every request of a run shares.
    pub fn new(options: &GenerateOptions, model: Option<&Model>) -> Result<Self> {
        let mut rest = Map::new();
        if let Some(text) = options.system_instruction.as_deref().filter(|text| !text.trim().is_empty()) {
            rest.insert("systemInstruction".into(), json!({"parts": [{"text": text}]}));
        }
        let config = generation_config(options, model)?;
        if !config.is_empty() {
            rest.insert("generationConfig".into(), Value::Object(config));
        }
        if !options.labels.is_empty() {
            rest.insert("labels".into(), labels(&options.labels)?);
        }
        let encoded = Value::Object(rest).to_string();
        let inner = encoded.trim_start_matches('{').to_owned();
        Ok(Self { rest: if inner == "}" { inner } else { format!(",{inner}") } })
    }

    /// The body of one request: the image first, the prompt after it.
    pub fn body(&self, image: &ImagePart, prompt: &str) -> Result<Bytes> {
        let parts = json!([image.to_json(), {"text": prompt}]);
        Ok(Bytes::from(format!("{{\"contents\":[{{\"role\":\"user\",\"parts\":{parts}}}]{}", self.rest)))
    }
}

impl ImagePart {
    fn to_json(&self) -> Value {
        match self {
            Self::Uri { uri, mime_type } => json!({"fileData": {"mimeType": mime_type, "fileUri": uri}}),
            Self::Inline { data, mime_type } => {
                json!({"inlineData": {"mimeType": mime_type, "data": STANDARD.encode(data)}})
            }
        }
    }
}

fn generation_config(options: &GenerateOptions, model: Option<&Model>) -> Result<Map<String, Value>> {
    let mut config = Map::new();
    if let Some(temperature) = options.temperature {
        if !(0.0..=2.0).contains(&temperature) {
            return Err(invalid(&format!("`temperature={temperature}` is outside 0 to 2")));
        }
        config.insert("temperature".into(), json!(temperature));
    }
    if let Some(limit) = options.max_output_tokens {
        if limit == 0 {
            return Err(invalid("`max_output_tokens` must be at least 1"));
        }
        config.insert("maxOutputTokens".into(), json!(limit));
    }
    if let Some(resolution) = &options.media_resolution {
        config.insert("mediaResolution".into(), json!(media_resolution(resolution)?));
    }
    if let Some(thinking) = thinking_config(options.thinking.as_deref(), model)? {
        config.insert("thinkingConfig".into(), thinking);
    }
    if let Some(schema) = &options.response_schema {
        config.insert("responseMimeType".into(), json!("application/json"));
        config.insert("responseSchema".into(), schema.clone());
    }
    Ok(config)
}

fn media_resolution(name: &str) -> Result<String> {
    let level = name.trim().to_ascii_uppercase();
    match level.as_str() {
        "LOW" | "MEDIUM" | "HIGH" => Ok(format!("MEDIA_RESOLUTION_{level}")),
        _ => Err(invalid(&format!("`media_resolution=\"{name}\"` is not one of `low`, `medium`, `high`"))),
    }
}

/// A classifier should not pay for thoughts nobody asked for, so the default is the least that the model accepts.
fn thinking_config(asked: Option<&str>, model: Option<&Model>) -> Result<Option<Value>> {
    let style = model.map(|model| &model.thinking);
    let Some(asked) = asked.map(str::trim) else {
        return Ok(match style {
            Some(Thinking::Budget) => Some(json!({"thinkingBudget": 0})),
            Some(Thinking::Level { lowest }) => Some(json!({"thinkingLevel": lowest})),
            Some(Thinking::None) | None => None,
        });
    };
    if let Ok(budget) = asked.parse::<i32>() {
        return Ok(Some(json!({"thinkingBudget": budget})));
    }
    let level = asked.to_ascii_uppercase();
    match (level.as_str(), style) {
        ("DEFAULT", _) => Ok(None),
        ("OFF", Some(Thinking::Budget)) => Ok(Some(json!({"thinkingBudget": 0}))),
        ("MINIMAL" | "LOW" | "MEDIUM" | "HIGH", _) => Ok(Some(json!({"thinkingLevel": level}))),
        ("OFF", _) => {
            Err(invalid("this model's thinking cannot be turned off; leave `thinking` out for the least it allows"))
        }
        _ => Err(invalid(&format!(
            "`thinking=\"{asked}\"` is not one of `minimal`, `low`, `medium`, `high`, `off`, `default` or a number of tokens"
        ))),
    }
}

fn labels(pairs: &[(String, String)]) -> Result<Value> {
    let mut map = Map::new();
    for (key, value) in pairs {
        let allowed = |text: &str| {
            text.chars().count() <= 63
                && text
                    .chars()
                    .all(|letter| (letter.is_alphanumeric() && !letter.is_uppercase()) || "_-".contains(letter))
        };
        if !key.starts_with(char::is_alphabetic) || !allowed(key) || !allowed(value) {
            return Err(invalid(&format!(
                "the label `{key}: {value}` is not allowed: lower-case letters, digits, `_` and `-`, at most 63, the key starting with a letter"
            )));
        }
        map.insert(key.clone(), json!(value));
    }
    Ok(Value::Object(map))
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::Catalogue;

    fn body(options: &GenerateOptions, model: Option<&str>) -> Value {
        let catalogue = Catalogue::embedded().unwrap();
        let template = RequestTemplate::new(options, model.and_then(|id| catalogue.find(id))).unwrap();
        let image = ImagePart::Uri { uri: "gs://b/o:1.jpg".into(), mime_type: "image/jpeg".into() };
        serde_json::from_slice(&template.body(&image, "what \"sign\"?").unwrap()).unwrap()
    }

    #[test]
    fn the_image_comes_first_and_the_prompt_after_it() {
        let body = body(&GenerateOptions::default(), None);
        assert_eq!(
            body,
            json!({"contents": [{"role": "user", "parts": [
                {"fileData": {"mimeType": "image/jpeg", "fileUri": "gs://b/o:1.jpg"}}, {"text": "what \"sign\"?"}]}]})
        );
    }

    #[test]
    fn thinking_is_turned_down_as_far_as_the_model_allows() {
        let config =
            |model| body(&GenerateOptions::default(), Some(model))["generationConfig"]["thinkingConfig"].clone();
        assert_eq!(config("gemini-2.5-flash"), json!({"thinkingBudget": 0}));
        assert_eq!(config("gemini-3.5-flash-lite"), json!({"thinkingLevel": "MINIMAL"}));
        assert_eq!(config("gemini-3.8-flash"), json!({"thinkingLevel": "LOW"}));
    }

    #[test]
    fn a_label_google_would_refuse_is_refused_before_any_call() {
        let options = GenerateOptions { labels: vec![("Team".into(), "x".into())], ..GenerateOptions::default() };
        assert!(RequestTemplate::new(&options, None).is_err());
    }
}
