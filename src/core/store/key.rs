//! What makes two questions the same: a hash of everything that shapes the answer.

use ring::digest::{Context, SHA256};
use std::fmt;

/// The hash of a question. Equal keys mean that an answer to the one is an answer to the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 32]);

/// Collects the parts of a question. Clones share what was hashed so far.
#[derive(Clone)]
pub struct KeyBuilder {
    context: Context,
}

impl Key {
    /// Begins a key; another `version` makes every key another one.
    #[must_use]
    pub fn builder(version: &str) -> KeyBuilder {
        let mut builder = KeyBuilder { context: Context::new(&SHA256) };
        builder.part("version", version.as_bytes());
        builder
    }

    /// The hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key that is written so: 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl KeyBuilder {
    /// Adds a part. Order counts, and parts never run together: each is hashed with its length.
    pub fn part(&mut self, name: &str, value: &[u8]) -> &mut Self {
        for bytes in [name.as_bytes(), value] {
            self.context.update(&(bytes.len() as u64).to_be_bytes());
            self.context.update(bytes);
        }
        self
    }

    /// The key of all parts.
    #[must_use]
    pub fn finish(self) -> Key {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.context.finish().as_ref());
        Key(bytes)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[(&str, &str)]) -> Key {
        let mut builder = Key::builder("1");
        for (name, value) in parts {
            builder.part(name, value.as_bytes());
        }
        builder.finish()
    }

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key = key(&[("model", "a")]);
        assert_eq!(Key::parse(&key.to_string()), Some(key));
        assert_eq!(Key::parse("ee"), None);
        assert_eq!(Key::parse(&"é".repeat(32)), None);
    }

    #[test]
    fn the_same_parts_make_the_same_key() {
        assert_eq!(key(&[("model", "a"), ("prompt", "b")]), key(&[("model", "a"), ("prompt", "b")]));
    }

    #[test]
    fn parts_do_not_run_together() {
        let keys = [
            key(&[("a", "bc")]),
            key(&[("ab", "c")]),
            key(&[("a", "b"), ("c", "")]),
            key(&[("a", "b"), ("", "c")]),
            key(&[("", "abc")]),
            key(&[("c", ""), ("a", "b")]),
            key(&[]),
        ];
        let distinct: std::collections::HashSet<Key> = keys.into_iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn another_version_makes_another_key() {
        assert_ne!(Key::builder("1").finish(), Key::builder("2").finish());
    }

    #[test]
    fn a_clone_continues_from_the_common_beginning() {
        let mut common = Key::builder("1");
        common.part("model", b"m");
        let mut other = common.clone();
        other.part("image", b"x");
        common.part("image", b"y");
        assert_eq!(other.finish(), key(&[("model", "m"), ("image", "x")]));
        assert_eq!(common.finish(), key(&[("model", "m"), ("image", "y")]));
    }

    #[test]
    fn a_key_stays_what_it_was_in_an_earlier_version() {
        let shown = format!("{:?}", key(&[("model", "gemini"), ("image", "gs://b/a.jpg")]));
        assert_eq!(shown, "ee82860ddc3de61acd2eac6e78185557c0159f1565c1048398d0be2f3cbcce57");
    }
}
