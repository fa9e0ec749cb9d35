//! The bytes of a generateContent request: what is the same for every image, and what differs.

mod options;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use super::catalogue::Model;
use super::schema::Shape;
use crate::error::{Error, ErrorKind, Result};

pub use options::GenerateOptions;

/// An answer sent back is cut here: what is wrong with it shows before that, and its tokens are paid again.
const LONGEST_ANSWER: usize = 8_000;
const LONGEST_PROBLEM: usize = 600;

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

/// One image of a request, with what is said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Stands before the image, for example when and in which direction it was taken.
    pub caption: Option<String>,
    /// The image.
    pub image: ImagePart,
}

/// An image and its right answer, for the model to go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The image.
    pub view: View,
    /// The answer's text, in the form that is asked for.
    pub answer: String,
}

/// An answer that did not fit, and why: sent along when the question is asked once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misfit<'a> {
    /// The answer's text.
    pub answer: &'a str,
    /// What is wrong with it.
    pub problem: &'a str,
}

/// Everything of a request but its images and its prompt, encoded once.
#[derive(Debug, Clone)]
pub struct RequestTemplate {
    examples: String,
    rest: String,
    shape_text: String,
    /// A prompt that most requests have, and as JSON.
    shared_prompt: Option<(String, String)>,
}

impl RequestTemplate {
    /// Checks and encodes what every request of a run shares.
    pub fn new(options: &GenerateOptions, model: Option<&Model>) -> Result<Self> {
        let mut rest = Map::new();
        if let Some(text) = options.system_instruction.as_deref().filter(|text| !text.trim().is_empty()) {
            rest.insert("systemInstruction".into(), json!({"parts": [{"text": text}]}));
        }
        let config = options::generation_config(options, model)?;
        if !config.is_empty() {
            rest.insert("generationConfig".into(), Value::Object(config));
        }
        let mut shape = rest.clone();
        if !options.examples.is_empty() {
            shape.insert("examples".into(), options.examples.iter().map(Example::identity).collect());
        }
        if !options.labels.is_empty() {
            rest.insert("labels".into(), options::labels(&options.labels)?);
        }
        let encoded = Value::Object(rest).to_string();
        let inner = encoded.trim_start_matches('{').to_owned();
        Ok(Self {
            examples: encoded_examples(&options.examples, options.response_schema.as_ref())?,
            rest: if inner == "}" { inner } else { format!(",{inner}") },
            shape_text: Value::Object(shape).to_string(),
            shared_prompt: None,
        })
    }

    /// Encodes a prompt once that most requests will have.
    #[must_use]
    pub fn with_shared_prompt(mut self, prompt: &str) -> Self {
        self.shared_prompt = serde_json::to_string(prompt).ok().map(|encoded| (prompt.to_owned(), encoded));
        self
    }

    /// The body of one request: the images first, the prompt after them; `again` asks once more after an answer that
    /// did not fit.
    pub fn body(&self, views: &[View], prompt: &str, again: Option<Misfit<'_>>) -> Result<Bytes> {
        let mut body = Body { bytes: Vec::with_capacity(self.length(views, prompt)) };
        body.raw("{\"contents\":[");
        body.raw(&self.examples);
        body.raw("{\"role\":\"user\",\"parts\":[");
        for view in views {
            body.view(view)?;
            body.raw(",");
        }
        match &self.shared_prompt {
            Some((shared, encoded)) if shared == prompt => {
                body.raw("{\"text\":");
                body.raw(encoded);
                body.raw("}");
            }
            _ => body.text(prompt)?,
        }
        if let Some(misfit) = again {
            // The service refuses an empty text, so an empty answer is not repeated to it.
            let answer = shortened(misfit.answer.trim(), LONGEST_ANSWER);
            if answer.is_empty() {
                body.raw(",");
            } else {
                body.raw("]},{\"role\":\"model\",\"parts\":[");
                body.text(&answer)?;
                body.raw("]},{\"role\":\"user\",\"parts\":[");
            }
            body.text(&misfit.sentence())?;
        }
        body.raw("]}]");
        body.raw(&self.rest);
        Ok(Bytes::from(body.bytes))
    }

    /// About as long as a body will be.
    fn length(&self, views: &[View], prompt: &str) -> usize {
        let of_view = |view: &View| match &view.image {
            ImagePart::Uri { uri, .. } => uri.len() + 128,
            ImagePart::Inline { data, .. } => data.len().div_ceil(3) * 4 + 128,
        };
        let views: usize = views.iter().map(of_view).sum();
        self.examples.len() + self.rest.len() + views + prompt.len() + prompt.len() / 16 + 128
    }

    /// What shapes an answer besides the model, the images and the prompt, as a text that stays the same as long as
    /// that does. Labels only mark the invoice and are not in it.
    #[must_use]
    pub fn shape_text(&self) -> &str {
        &self.shape_text
    }
}

impl Misfit<'_> {
    fn sentence(&self) -> String {
        let problem = shortened(self.problem.trim().trim_end_matches('.'), LONGEST_PROBLEM);
        format!("That answer cannot be used: {problem}. Answer once more, in the required form and with nothing else.")
    }
}

impl Example {
    /// The example without its bytes: an inline image by its digest.
    fn identity(&self) -> Value {
        let image = match &self.view.image {
            ImagePart::Uri { uri, mime_type } => json!({"uri": uri, "mimeType": mime_type}),
            ImagePart::Inline { data, mime_type } => {
                json!({"sha256": STANDARD.encode(digest(&SHA256, data)), "mimeType": mime_type})
            }
        };
        json!({"caption": self.view.caption, "image": image, "answer": self.answer})
    }

    fn problem(&self, shape: Option<&Shape>) -> Option<String> {
        if self.answer.trim().is_empty() {
            return Some("is empty".to_owned());
        }
        match serde_json::from_str(&self.answer) {
            Ok(value) => shape?.misfit(&value).map(|misfit| format!("does not fit the schema: {misfit}")),
            Err(cause) => shape.map(|_| format!("is not JSON: {cause}")),
        }
    }
}

/// Examples as turns of a conversation, each followed by a comma.
fn encoded_examples(examples: &[Example], shape: Option<&Shape>) -> Result<String> {
    let mut turns = Body::default();
    for (position, example) in examples.iter().enumerate() {
        if let Some(problem) = example.problem(shape) {
            let message = format!("the answer of example {} {problem}", position + 1);
            return Err(Error::new(ErrorKind::Configuration, message)
                .with_hint("give each example the answer that you would want for it"));
        }
        turns.raw("{\"role\":\"user\",\"parts\":[");
        turns.view(&example.view)?;
        turns.raw("]},{\"role\":\"model\",\"parts\":[");
        turns.text(&example.answer)?;
        turns.raw("]},");
    }
    String::from_utf8(turns.bytes).map_err(|cause| not_encoded().with_source(cause))
}

/// JSON as it is written; images are encoded into their place, without a copy of them in between.
#[derive(Default)]
struct Body {
    bytes: Vec<u8>,
}

impl Body {
    fn raw(&mut self, json: &str) {
        self.bytes.extend_from_slice(json.as_bytes());
    }

    fn string(&mut self, text: &str) -> Result<()> {
        serde_json::to_writer(&mut self.bytes, text).map_err(|cause| not_encoded().with_source(cause))
    }

    fn text(&mut self, text: &str) -> Result<()> {
        self.raw("{\"text\":");
        self.string(text)?;
        self.raw("}");
        Ok(())
    }

    fn view(&mut self, view: &View) -> Result<()> {
        if let Some(caption) = view.caption.as_deref().filter(|caption| !caption.trim().is_empty()) {
            self.text(caption)?;
            self.raw(",");
        }
        match &view.image {
            ImagePart::Uri { uri, mime_type } => {
                self.raw("{\"fileData\":{\"mimeType\":");
                self.string(mime_type)?;
                self.raw(",\"fileUri\":");
                self.string(uri)?;
            }
            ImagePart::Inline { data, mime_type } => {
                self.raw("{\"inlineData\":{\"mimeType\":");
                self.string(mime_type)?;
                self.raw(",\"data\":\"");
                let start = self.bytes.len();
                self.bytes.resize(start + data.len().div_ceil(3) * 4, b'=');
                STANDARD
                    .encode_slice(data, &mut self.bytes[start..])
                    .map_err(|cause| not_encoded().with_source(cause))?;
                self.raw("\"");
            }
        }
        self.raw("}}");
        Ok(())
    }
}

fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn not_encoded() -> Error {
    Error::new(ErrorKind::Internal, "a request cannot be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::Catalogue;

    fn body(options: &GenerateOptions, model: Option<&str>) -> Value {
        let catalogue = Catalogue::embedded().unwrap();
        let template = RequestTemplate::new(options, model.and_then(|id| catalogue.find(id))).unwrap();
        let image = ImagePart::Uri { uri: "gs://b/o:1.jpg".into(), mime_type: "image/jpeg".into() };
        read(&template.body(&[View { caption: None, image }], "what \"sign\"?", None).unwrap())
    }

    fn read(body: &[u8]) -> Value {
        serde_json::from_slice(body).unwrap()
    }

    fn view(caption: Option<&str>, name: &str) -> View {
        let image = ImagePart::Uri { uri: format!("gs://b/{name}"), mime_type: "image/png".into() };
        View { caption: caption.map(str::to_owned), image }
    }

    #[test]
    fn an_image_sent_along_is_encoded_whole() {
        let template = RequestTemplate::new(&GenerateOptions::default(), None).unwrap();
        for data in ["", "a", "ab", "abc", "abcd"] {
            let image = ImagePart::Inline { data: data.into(), mime_type: "image/png".into() };
            let body = read(&template.body(&[View { caption: None, image }], "?", None).unwrap());
            let sent = &body["contents"][0]["parts"][0]["inlineData"];
            assert_eq!(*sent, json!({"mimeType": "image/png", "data": STANDARD.encode(data)}));
        }
    }

    #[test]
    fn several_views_stand_in_order_each_after_its_caption() {
        let template = RequestTemplate::new(&GenerateOptions::default(), None).unwrap();
        let body = read(&template.body(&[view(Some("from the \"north\""), "a"), view(None, "b")], "?", None).unwrap());
        let file = |name: &str| json!({"fileData": {"mimeType": "image/png", "fileUri": format!("gs://b/{name}")}});
        assert_eq!(
            body["contents"][0]["parts"],
            json!([{"text": "from the \"north\""}, file("a"), file("b"), {"text": "?"}])
        );
    }

    #[test]
    fn an_answer_that_does_not_fit_is_sent_back_with_what_is_wrong() {
        let template = RequestTemplate::new(&GenerateOptions::default(), None).unwrap();
        let again = Misfit { answer: " {\"a\": 1} ", problem: "`$.a` is not a string." };
        let body = read(&template.body(&[view(None, "a")], "?", Some(again)).unwrap());
        let turns = body["contents"].as_array().unwrap();
        assert_eq!(
            turns.iter().map(|turn| turn["role"].as_str().unwrap()).collect::<Vec<_>>(),
            ["user", "model", "user"]
        );
        assert_eq!(turns[0]["parts"].as_array().unwrap().len(), 2);
        assert_eq!(turns[1]["parts"], json!([{"text": "{\"a\": 1}"}]));
        assert!(turns[2]["parts"][0]["text"].as_str().unwrap().contains("`$.a` is not a string. Answer once more"));
    }

    #[test]
    fn an_empty_answer_is_not_repeated_since_the_service_refuses_empty_texts() {
        let template = RequestTemplate::new(&GenerateOptions::default(), None).unwrap();
        let again = Misfit { answer: "\n", problem: "the answer is not JSON" };
        let body = read(&template.body(&[view(None, "a")], "?", Some(again)).unwrap());
        assert_eq!(body["contents"].as_array().unwrap().len(), 1);
        assert_eq!(body["contents"][0]["parts"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn a_huge_answer_is_not_paid_for_whole_again() {
        let template = RequestTemplate::new(&GenerateOptions::default(), None).unwrap();
        let answer = "ö".repeat(1_000_000);
        let again = Misfit { answer: &answer, problem: &answer };
        assert!(template.body(&[view(None, "a")], "?", Some(again)).unwrap().len() < 20_000);
    }

    #[test]
    fn examples_are_turns_before_the_question() {
        let example = Example { view: view(None, "seen"), answer: "stop".into() };
        let options = GenerateOptions { examples: vec![example], ..GenerateOptions::default() };
        let body = body(&options, None);
        assert_eq!(body["contents"].as_array().unwrap().len(), 3);
        assert_eq!(body["contents"][0]["parts"][0]["fileData"]["fileUri"], "gs://b/seen");
        assert_eq!(body["contents"][1], json!({"role": "model", "parts": [{"text": "stop"}]}));
    }

    #[test]
    fn what_shapes_an_answer_changes_the_text_of_its_shape_and_labels_do_not() {
        let text = |options: &GenerateOptions| RequestTemplate::new(options, None).unwrap().shape_text().to_owned();
        let inline = |data: &'static str| {
            let image = ImagePart::Inline { data: data.into(), mime_type: "image/png".into() };
            let example = Example { view: View { caption: None, image }, answer: "stop".into() };
            text(&GenerateOptions { examples: vec![example], ..GenerateOptions::default() })
        };
        let plain = text(&GenerateOptions::default());
        let labelled = GenerateOptions { labels: vec![("run".into(), "x".into())], ..GenerateOptions::default() };
        assert_eq!(text(&labelled), plain);
        let warm = GenerateOptions { temperature: Some(1.0), ..GenerateOptions::default() };
        let texts = [plain, text(&warm), inline("a"), inline("b")];
        for (position, text) in texts.iter().enumerate() {
            assert!(!texts[..position].contains(text), "{text}");
        }
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
    fn a_shared_prompt_is_sent_as_any_other() {
        let template = RequestTemplate::new(&GenerateOptions::default(), None).unwrap();
        let shared = template.clone().with_shared_prompt("is it \"red\"?\n");
        for prompt in ["is it \"red\"?\n", "or blue?"] {
            let body = |template: &RequestTemplate| template.body(&[view(None, "a")], prompt, None).unwrap();
            assert_eq!(body(&shared), body(&template));
        }
    }

    #[test]
    fn the_bytes_of_a_request_are_always_the_same() {
        let options = GenerateOptions {
            temperature: Some(0.5),
            labels: vec![("run".into(), "a".into())],
            ..GenerateOptions::default()
        };
        let template = RequestTemplate::new(&options, None).unwrap();
        let body = template.body(&[view(None, "a")], "is it \"red\"?\n", None).unwrap();
        let expected = concat!(
            r#"{"contents":[{"role":"user","parts":[{"fileData":{"mimeType":"image/png","fileUri":"gs://b/a"}},"#,
            r#"{"text":"is it \"red\"?\n"}]}],"generationConfig":{"temperature":0.5},"labels":{"run":"a"}}"#
        );
        assert_eq!(body, expected);
    }

    #[test]
    fn an_example_whose_answer_does_not_fit_the_schema_is_refused() {
        let shape = crate::gemini::schema::Shape::labels("sign", vec!["stop".into()]);
        let template = |answer: &str| {
            let examples = vec![Example { view: view(None, "a"), answer: answer.into() }];
            let options =
                GenerateOptions { examples, response_schema: Some(shape.clone()), ..GenerateOptions::default() };
            RequestTemplate::new(&options, None)
        };
        assert!(template(r#"{"sign": "stop"}"#).is_ok());
        for answer in ["", "stop", r#"{"sign": "go"}"#] {
            assert!(template(answer).unwrap_err().message().contains("example 1"), "{answer}");
        }
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
