//! `generateContent`: an answer that can only belong to the image asked about.

use memchr::memmem;
use serde_json::json;

/// The answer to a request: its text is the image's fingerprint, or says that there was no image; where the request asks
/// for JSON, it is an object that holds it.
#[must_use]
pub fn answer(request: &[u8], image: Option<&str>) -> Vec<u8> {
    let mut text = image.map_or_else(|| "no image".to_owned(), fingerprint);
    if memmem::find(request, br#""application/json""#).is_some() {
        text = json!({"fingerprint": text, "kind": "stop", "legible": true, "faces": 2}).to_string();
    }
    json!({
        "candidates": [{
            "content": {"role": "model", "parts": [{"text": text}]},
            "finishReason": "STOP",
            "safetyRatings": [
                {"category": "HARM_CATEGORY_HATE_SPEECH", "probability": "NEGLIGIBLE", "probabilityScore": 0.031_25, "severity": "HARM_SEVERITY_NEGLIGIBLE", "severityScore": 0.062_5},
                {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "NEGLIGIBLE", "probabilityScore": 0.031_25, "severity": "HARM_SEVERITY_NEGLIGIBLE", "severityScore": 0.062_5},
            ],
            "avgLogprobs": -0.012_5
        }],
        "usageMetadata": {
            "promptTokenCount": 1420, "candidatesTokenCount": 12, "totalTokenCount": 1432, "trafficType": "ON_DEMAND",
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 330}, {"modality": "IMAGE", "tokenCount": 1090}],
            "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 12}]
        },
        "modelVersion": "neutral", "createTime": "2026-11-22T00:00:00.000000Z", "responseId": "neutral"
    })
    .to_string()
    .into_bytes()
}

/// FNV-1a of the image's address, as 16 hexadecimal digits; the benchmark programs compute the same.
#[must_use]
pub fn fingerprint(uri: &str) -> String {
    format!("{:016x}", hash(uri))
}

/// FNV-1a in 64 bits.
#[must_use]
pub fn hash(text: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    text.bytes().fold(0xCBF2_9CE4_8422_2325, mix)
}

/// The first `fileUri` of the request, or `file_uri` as google-genai writes it, found without reading the rest.
#[must_use]
pub fn image(request: &[u8]) -> Option<String> {
    let keys = [&br#""fileUri""#[..], br#""file_uri""#];
    let (key, at) = keys.iter().find_map(|key| Some((key, memmem::find(request, key)?)))?;
    let after = &request[at + key.len()..];
    let colon = after.iter().position(|byte| *byte == b':')?;
    let mut values = serde_json::Deserializer::from_slice(&after[colon + 1..]).into_iter::<String>();
    values.next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_answer_is_the_fingerprint_of_the_image_asked_about() {
        let request =
            br#"{"contents":[{"parts":[{"fileData":{"mimeType":"image/jpeg","fileUri" : "gs:\/\/b\/a.jpg"}}]}]}"#;
        let image_asked_about = image(request);
        let answer: Value = serde_json::from_slice(&answer(request, image_asked_about.as_deref())).unwrap();
        assert_eq!(answer["candidates"][0]["content"]["parts"][0]["text"], fingerprint("gs://b/a.jpg"));
        assert_eq!(image(br#"{"fileData": {"file_uri": "gs://b/c.jpg"}}"#).as_deref(), Some("gs://b/c.jpg"));
        assert_ne!(fingerprint("gs://b/a.jpg"), fingerprint("gs://b/b.jpg"));
    }

    #[test]
    fn who_asks_for_json_gets_an_object() {
        let request = br#"{"generationConfig":{"responseMimeType":"application/json"}}"#;
        let answer: Value = serde_json::from_slice(&answer(request, Some("a"))).unwrap();
        let text = answer["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap();
        let object: Value = serde_json::from_str(text).unwrap();
        assert_eq!(object["fingerprint"], fingerprint("a"));
    }

    #[test]
    fn fingerprints_are_fnv_1a() {
        assert_eq!(fingerprint(""), "cbf29ce484222325");
        assert_eq!(fingerprint("a"), "af63dc4c8601ec8c");
    }
}
