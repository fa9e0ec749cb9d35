//! What an answer means. Every degenerate shape gets its own outcome, and none reads as a good answer.

use super::wire::{Candidate, CountTokensResponse, GenerateResponse, UsageMetadata};
use crate::error::{Error, ErrorKind, Result};
use crate::transport::Response;

/// A decoded answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What became of the request.
    pub outcome: Outcome,
    /// The answer's text without thoughts; present only when there is some.
    pub text: Option<String>,
    /// Why it is not a good answer, in words.
    pub problem: Option<String>,
    /// Why the model stopped, in Google's word; may be one this version does not know.
    pub finish_reason: Option<String>,
    /// Tokens.
    pub usage: Usage,
    /// Which model answered.
    pub model_version: Option<String>,
    /// Google's id of the answer.
    pub response_id: Option<String>,
}

/// What became of a request that the service answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A complete answer.
    Complete,
    /// Refused: safety, recitation and the like.
    Blocked,
    /// The token limit ended the answer.
    Truncated,
    /// The model gave nothing usable.
    Unusable,
}

/// Tokens of one answer; thinking tokens are not part of the output tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens, cached ones included.
    pub input_tokens: Option<i64>,
    /// Output tokens.
    pub output_tokens: Option<i64>,
    /// Thinking tokens, billed like output.
    pub thinking_tokens: Option<i64>,
    /// Input tokens read from the cache.
    pub cached_tokens: Option<i64>,
    /// Google's traffic type, for example `ON_DEMAND`.
    pub traffic_type: Option<String>,
}

const BLOCKING: &[&str] = &[
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
];

/// Reads a 200 answer; a body that is not Google's JSON is a [`ErrorKind::MalformedResponse`].
pub fn answer(response: &Response) -> Result<Answer> {
    body(&response.body).map_err(|error| error.with_service("Gemini", response.status.as_u16()))
}

/// Reads the number of tokens that countTokens gives.
pub fn count(response: &Response) -> Result<u64> {
    let unreadable = || Error::new(ErrorKind::MalformedResponse, "Gemini gave no number of tokens");
    let wire: CountTokensResponse =
        serde_json::from_slice(&response.body).map_err(|cause| unreadable().with_source(cause))?;
    wire.total_tokens
        .and_then(|total| u64::try_from(total).ok())
        .ok_or_else(|| unreadable().with_service("Gemini", response.status.as_u16()))
}

/// Reads the body of an answer.
pub fn body(body: &[u8]) -> Result<Answer> {
    let wire: GenerateResponse = serde_json::from_slice(body).map_err(|error| {
        let what = if body.trim_ascii_start().starts_with(b"<") { "an HTML page" } else { "unreadable JSON" };
        Error::new(ErrorKind::MalformedResponse, format!("Gemini answered with {what}")).with_source(error)
    })?;
    let (outcome, text, problem, finish_reason) = judge(&wire);
    Ok(Answer {
        outcome,
        text,
        problem,
        finish_reason,
        usage: wire.usage_metadata.map(usage).unwrap_or_default(),
        model_version: wire.model_version,
        response_id: wire.response_id,
    })
}

type Judgement = (Outcome, Option<String>, Option<String>, Option<String>);

fn judge(wire: &GenerateResponse) -> Judgement {
    let Some(candidate) = wire.candidates.as_ref().and_then(|candidates| candidates.first()) else {
        return judge_feedback(wire);
    };
    let reason = candidate.finish_reason.clone();
    let text = text_of(candidate);
    let explained = |problem: String| match &candidate.finish_message {
        Some(message) if !message.is_empty() => Some(format!("{problem}: {message}")),
        _ => Some(problem),
    };
    match reason.as_deref() {
        Some(blocking) if BLOCKING.contains(&blocking) => {
            (Outcome::Blocked, None, explained(format!("the answer was blocked ({blocking})")), reason)
        }
        Some("MAX_TOKENS") => {
            let problem =
                if text.is_some() { "the token limit cut the answer" } else { "the token limit left no text" };
            (Outcome::Truncated, text, explained(problem.to_owned()), reason)
        }
        // A server that tells no reason and gives text has finished; Vertex always tells one.
        Some("STOP") | None if text.is_some() => (Outcome::Complete, text, None, reason),
        Some("STOP") | None => (Outcome::Unusable, None, explained(emptiness(candidate)), reason),
        Some(other) => {
            let problem = format!("the model stopped for the reason `{other}`");
            (Outcome::Unusable, text, explained(problem), reason)
        }
    }
}

fn judge_feedback(wire: &GenerateResponse) -> Judgement {
    let Some(feedback) = &wire.prompt_feedback else {
        return (Outcome::Unusable, None, Some("the answer holds no candidates".to_owned()), None);
    };
    let reason = feedback.block_reason.clone();
    let shown = reason.as_deref().unwrap_or("no reason given");
    let mut problem = format!("the request was blocked ({shown})");
    if let Some(message) = feedback.block_reason_message.as_deref().filter(|message| !message.is_empty()) {
        problem = format!("{problem}: {message}");
    }
    (Outcome::Blocked, None, Some(problem), reason)
}

fn text_of(candidate: &Candidate) -> Option<String> {
    let parts = candidate.content.as_ref()?.parts.as_deref()?;
    let spoken = parts.iter().filter(|part| part.thought != Some(true)).filter_map(|part| part.text.as_deref());
    let text = spoken.collect::<String>();
    (!text.trim().is_empty()).then_some(text)
}

fn emptiness(candidate: &Candidate) -> String {
    let parts = candidate.content.as_ref().and_then(|content| content.parts.as_deref()).unwrap_or_default();
    if parts.is_empty() {
        "the answer holds no parts".to_owned()
    } else if parts.iter().any(|part| part.thought == Some(true)) {
        "the answer holds thoughts only".to_owned()
    } else {
        "the answer holds no text".to_owned()
    }
}

fn usage(wire: UsageMetadata) -> Usage {
    let tools = wire.tool_use_prompt_token_count.unwrap_or(0);
    Usage {
        input_tokens: wire.prompt_token_count.map(|tokens| tokens + tools),
        output_tokens: wire.candidates_token_count,
        thinking_tokens: wire.thoughts_token_count,
        cached_tokens: wire.cached_content_token_count,
        traffic_type: wire.traffic_type,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};

    fn decode(body: &str) -> Result<Answer> {
        answer(&Response { status: StatusCode::OK, headers: HeaderMap::new(), body: body.to_owned().into() })
    }

    #[track_caller]
    fn expect(body: &str, outcome: Outcome, text: Option<&str>) {
        let answer = decode(body).unwrap();
        assert_eq!((answer.outcome, answer.text.as_deref()), (outcome, text), "{body}");
        assert_eq!(answer.problem.is_none(), outcome == Outcome::Complete, "{body}");
    }

    #[test]
    fn thoughts_are_not_part_of_the_answer() {
        let body = r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"a "},{"text":"sign"}]},"finishReason":"STOP"}]}"#;
        expect(body, Outcome::Complete, Some("a sign"));
    }

    #[test]
    fn every_empty_shape_is_unusable() {
        for body in [
            "{}",
            r#"{"candidates":[]}"#,
            r#"{"candidates":[{}]}"#,
            r#"{"candidates":[{"finishReason":"STOP"}]}"#,
            r#"{"candidates":[{"content":{},"finishReason":"STOP"}]}"#,
            r#"{"candidates":[{"content":{"parts":[]},"finishReason":"STOP"}]}"#,
            r#"{"candidates":[{"content":{"parts":[{}]},"finishReason":"STOP"}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP"}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true}]},"finishReason":"STOP"}]}"#,
            r#"{"candidates":[{"content":null,"finishReason":"OTHER"}]}"#,
        ] {
            expect(body, Outcome::Unusable, None);
        }
    }

    #[test]
    fn a_finish_reason_nobody_heard_of_is_never_a_good_answer() {
        let body = r#"{"candidates":[{"content":{"parts":[{"text":"STOP sign"}]},"finishReason":"FROM_THE_FUTURE"}]}"#;
        expect(body, Outcome::Unusable, Some("STOP sign"));
    }

    #[test]
    fn blocks_hide_partial_text() {
        let body = r#"{"candidates":[{"content":{"parts":[{"text":"par"}]},"finishReason":"SAFETY"}]}"#;
        expect(body, Outcome::Blocked, None);
        expect(r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}"#, Outcome::Blocked, None);
        expect(r#"{"promptFeedback":{"blockReasonMessage":"no"}}"#, Outcome::Blocked, None);
    }

    #[test]
    fn the_token_limit_is_told_with_and_without_text() {
        expect(
            r#"{"candidates":[{"content":{"role":"model"},"finishReason":"MAX_TOKENS"}]}"#,
            Outcome::Truncated,
            None,
        );
        let body = r#"{"candidates":[{"content":{"parts":[{"text":"a st"}]},"finishReason":"MAX_TOKENS"}]}"#;
        expect(body, Outcome::Truncated, Some("a st"));
    }

    #[test]
    fn a_page_or_broken_json_is_malformed_and_retryable() {
        for body in ["<html>busy</html>", r#"{"candidates":[{"#, "", "[]x", r#"{"candidates":3}"#] {
            let error = decode(body).unwrap_err();
            assert!(error.kind() == ErrorKind::MalformedResponse && error.is_retryable(), "{body}");
        }
    }
}
