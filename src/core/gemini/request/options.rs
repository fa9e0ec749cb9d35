//! How answers are to be generated: checked, and written as `generationConfig`.

use serde_json::{Map, Value, json};

use super::Example;
use crate::error::{Error, ErrorKind, Result};
use crate::gemini::catalogue::{Model, Thinking};
use crate::gemini::schema::Shape;

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
    /// What answers look like; sent in the form that the model takes.
    pub response_schema: Option<Shape>,
    /// Images with their right answers, shown to the model before the row's own.
    pub examples: Vec<Example>,
}

pub(super) fn generation_config(options: &GenerateOptions, model: Option<&Model>) -> Result<Map<String, Value>> {
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
    if let Some(shape) = &options.response_schema {
        config.extend(shape.to_configuration(model.map(|model| model.schema).unwrap_or_default()));
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

pub(super) fn labels(pairs: &[(String, String)]) -> Result<Value> {
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
