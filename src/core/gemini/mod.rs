//! Gemini on Vertex AI: which models there are, what to send, what came back. Never decides what to ask.

pub mod catalogue;
pub mod client;
pub mod decode;
pub mod error;
pub mod estimate;
pub mod request;
pub mod schema;
pub mod wire;

pub use catalogue::{Catalogue, Model, Place};
pub use client::{GeminiClient, Generated};
pub use decode::{Answer, Outcome, Usage};
pub use request::{Example, GenerateOptions, ImagePart, Misfit, RequestTemplate, View};
