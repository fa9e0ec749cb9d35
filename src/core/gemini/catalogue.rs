//! Which models exist, where they are served, when they end and what they cost: data, never truth in code.

use chrono::NaiveDate;
use serde::Deserialize;

use super::schema::Dialect;
use crate::error::{Error, ErrorKind, Result, Scope};

const MODELS: &str = include_str!("models.json");

/// All known models with the date the knowledge is of.
#[derive(Debug, Clone, Deserialize)]
pub struct Catalogue {
    /// Date of the knowledge.
    pub as_of: NaiveDate,
    /// Where the knowledge is from.
    pub source: String,
    /// The recommended classifier.
    pub default: String,
    /// Known models.
    pub models: Vec<Model>,
    /// Documented quotas.
    #[serde(default)]
    pub tiers: Vec<Tiers>,
}

/// The documented pay-as-you-go quotas of a family of models in the `global` location, by what one spends in 30 days.
/// More is served as far as there is room.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Tiers {
    /// A part of the models' ids, for example `flash`.
    pub family: String,
    /// Tokens a minute, input and output together, the lowest tier first.
    pub tokens_per_minute: Vec<u64>,
}

/// One model.
#[derive(Debug, Clone, Deserialize)]
pub struct Model {
    /// Its id on Vertex AI.
    pub id: String,
    /// From this day projects that did not use it before get no answer.
    pub retired: Option<NaiveDate>,
    /// From this day nobody gets an answer.
    pub shutdown: Option<NaiveDate>,
    /// What Google names to use instead.
    pub successor: Option<String>,
    /// Serving locations; `*` stands for single regions.
    pub locations: Vec<String>,
    /// List price in US dollars per million tokens.
    pub price: Option<Price>,
    /// How thinking is turned down.
    pub thinking: Thinking,
    /// How it takes the schema of its answers.
    #[serde(default)]
    pub schema: Dialect,
    /// What an image costs in tokens, by media resolution.
    #[serde(default)]
    pub image_tokens: ImageTokens,
}

/// Input tokens of one image at each media resolution: a ceiling, since small and oblong images cost less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ImageTokens {
    /// At `low`.
    pub low: u32,
    /// At `medium`.
    pub medium: u32,
    /// At `high`, which is also the default.
    pub high: u32,
}

impl Default for ImageTokens {
    /// What the models from Gemini 3 on document; a model nobody knows is taken for a new one.
    fn default() -> Self {
        Self { low: 280, medium: 560, high: 1_120 }
    }
}

/// US dollars per million tokens; thinking tokens cost as much as output.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Price {
    /// Input tokens.
    pub input: f64,
    /// Output and thinking tokens.
    pub output: f64,
    /// Input tokens read from the cache.
    pub cached: f64,
    /// Factor outside the `global` location.
    #[serde(default = "one")]
    pub uplift_outside_global: f64,
}

/// How a model's thinking is turned down.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "style", rename_all = "lowercase")]
pub enum Thinking {
    /// `thinkingBudget` in tokens; 0 is off.
    Budget,
    /// `thinkingLevel`; the lowest that the model accepts.
    Level {
        /// For example `MINIMAL`.
        lowest: String,
    },
    /// The model does not think.
    None,
}

/// What to do about a retired model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnRetired {
    /// Refuse, naming the successor.
    #[default]
    Raise,
    /// Use the successor and say so.
    Replace,
    /// Send it all the same: projects that used the model before may still get answers.
    Allow,
}

/// A model as a user wishes it.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Model id; the catalogue's default otherwise.
    pub model: Option<&'a str>,
    /// Vertex AI location.
    pub location: &'a str,
    /// Whether the user named the location, and so wants to hear of another one being used.
    pub is_location_named: bool,
    /// What to do about a retired model.
    pub on_retired: OnRetired,
    /// Refuse a location that does not serve the model instead of widening it.
    pub strict: bool,
}

/// A model and the location its requests go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Model id, or the resource name of an endpoint.
    pub model: String,
    /// Vertex AI location.
    pub location: String,
    /// What was changed from the user's wish, one sentence each.
    pub notes: Vec<String>,
}

fn one() -> f64 {
    1.0
}

impl Catalogue {
    /// The catalogue that ships with this version.
    pub fn embedded() -> Result<Self> {
        Self::parse(MODELS)
    }

    /// A catalogue from JSON of the same form.
    pub fn parse(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|error| {
            Error::new(ErrorKind::Configuration, format!("the model catalogue cannot be read: {error}"))
                .with_source(error)
        })
    }

    /// The entry of a model; revisions such as `gemini-2.5-flash-001` share their model's entry.
    #[must_use]
    pub fn find(&self, model: &str) -> Option<&Model> {
        let last = model.rsplit('/').next().unwrap_or(model);
        let unversioned = last.split('@').next().unwrap_or(last);
        let without_revision = match unversioned.rsplit_once('-') {
            Some((id, revision)) if revision.len() == 3 && revision.bytes().all(|byte| byte.is_ascii_digit()) => id,
            _ => unversioned,
        };
        self.models.iter().find(|entry| entry.id == unversioned || entry.id == without_revision)
    }

    /// The documented quotas of a model in tokens a minute; none for a model nobody knows.
    #[must_use]
    pub fn tiers_of(&self, model: &str) -> &[u64] {
        let is_of = |family: &str| self.find(model).is_some_and(|entry| entry.id.split('-').any(|part| part == family));
        let tiers = self.tiers.iter().find(|tiers| is_of(&tiers.family));
        tiers.map_or(&[], |tiers| &tiers.tokens_per_minute)
    }

    /// Where to send requests, given today's date.
    pub fn place(&self, wish: &Wish<'_>, today: NaiveDate) -> Result<Place> {
        let location = wish.location;
        let asked = wish.model.map_or(self.default.as_str(), str::trim);
        check_name(asked)?;
        let mut place = Place { model: asked.to_owned(), location: location.to_owned(), notes: Vec::new() };
        if asked.starts_with("projects/") {
            return Ok(place);
        }
        let Some(entry) = self.find(asked) else {
            return Ok(place);
        };
        let entry = self.living(entry, wish.on_retired, today, &mut place)?;
        if !entry.serves(location) {
            let wider = wider_location(entry, location);
            if wish.strict || wider.is_none() {
                return Err(not_served(entry, location));
            }
            wider.unwrap_or_default().clone_into(&mut place.location);
            if wish.is_location_named {
                place.notes.push(format!(
                "`{}` is not served in `{location}`; requests go to `{}` (pass `strict_region=True` to refuse instead)",
                entry.id, place.location
            ));
            }
        }
        Ok(place)
    }

    /// The error for a model the service does not know.
    #[must_use]
    pub fn unknown_model(&self, model: &str, location: &str, said: &str) -> Error {
        let hint = match self.find(model) {
            Some(entry) => match &entry.successor {
                Some(successor) => self.describe_successor(successor),
                None => format!("`{}` is served in {}", entry.id, quoted(&entry.locations)),
            },
            None => format!(
                "known models: {}; most are served in `global`, `us` and `eu` only",
                quoted(
                    &self
                        .models
                        .iter()
                        .filter(|entry| entry.retired.is_none())
                        .map(|e| e.id.clone())
                        .collect::<Vec<_>>()
                )
            ),
        };
        Error::new(ErrorKind::ModelUnavailable, format!("the model `{model}` gives no answers in `{location}`: {said}"))
            .with_scope(Scope::Run)
            .with_hint(hint)
    }

    fn living<'a>(
        &'a self,
        entry: &'a Model,
        rule: OnRetired,
        today: NaiveDate,
        place: &mut Place,
    ) -> Result<&'a Model> {
        let Some(retired) = entry.retired.filter(|date| *date <= today) else {
            return Ok(entry);
        };
        if rule == OnRetired::Allow {
            return Ok(entry);
        }
        let successor = entry.successor.as_deref().and_then(|id| self.find(id));
        match successor {
            Some(successor) if rule == OnRetired::Replace => {
                place.notes.push(format!(
                    "`{}` was retired on {retired}; using its successor `{}`",
                    place.model, successor.id
                ));
                place.model.clone_from(&successor.id);
                Ok(successor)
            }
            _ => Err(self.retired(entry, retired)),
        }
    }

    fn retired(&self, entry: &Model, date: NaiveDate) -> Error {
        let mut hint = entry
            .successor
            .as_deref()
            .map_or_else(|| format!("use `{}`", self.default), |successor| self.describe_successor(successor));
        hint.push_str("; `on_retired=\"replace\"` does so by itself");
        if let Some(shutdown) = entry.shutdown.filter(|shutdown| *shutdown > date) {
            let allowed = format!(
                ", and `on_retired=\"allow\"` asks all the same (projects that used it before may get answers until {shutdown})"
            );
            hint.push_str(&allowed);
        }
        Error::new(ErrorKind::ModelUnavailable, format!("the model `{}` was retired on {date}", entry.id))
            .with_scope(Scope::Run)
            .with_hint(hint)
    }

    fn describe_successor(&self, successor: &str) -> String {
        match self.find(successor) {
            Some(entry) => format!("use its successor `{successor}`, served in {}", quoted(&entry.locations)),
            None => format!("use its successor `{successor}`"),
        }
    }
}

impl Model {
    /// Whether the model is served in this location.
    #[must_use]
    pub fn serves(&self, location: &str) -> bool {
        let is_single_region = !matches!(location, "global" | "us" | "eu");
        self.locations.iter().any(|served| served == location || (is_single_region && served == "*"))
    }
}

fn wider_location<'a>(entry: &Model, location: &str) -> Option<&'a str> {
    let own = if location.starts_with("us-") {
        "us"
    } else if location.starts_with("europe-") {
        "eu"
    } else {
        "global"
    };
    [own, "global"].into_iter().find(|wider| entry.serves(wider))
}

fn not_served(entry: &Model, location: &str) -> Error {
    Error::new(ErrorKind::ModelUnavailable, format!("the model `{}` is not served in `{location}`", entry.id))
        .with_scope(Scope::Run)
        .with_hint(format!("pass `region=` one of {}", quoted(&entry.locations)))
}

fn check_name(model: &str) -> Result<()> {
    let well_formed = !model.is_empty()
        && !model.contains("..")
        && model.chars().all(|letter| letter.is_ascii_alphanumeric() || "-._/@:".contains(letter));
    if well_formed {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Configuration, format!("`{model}` is not a model name"))
        .with_hint("pass an id like `gemini-3.5-flash-lite` or an endpoint's resource name"))
}

fn quoted(names: &[String]) -> String {
    let shown: Vec<String> =
        names.iter().map(|name| if name == "*" { "single regions".to_owned() } else { format!("`{name}`") }).collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(model: &str, location: &str, on_retired: OnRetired, strict: bool) -> Result<Place> {
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let wish = Wish { model: Some(model), location, is_location_named: true, on_retired, strict };
        Catalogue::embedded().unwrap().place(&wish, today)
    }

    #[test]
    fn a_retired_model_is_refused_with_its_successor_and_where_it_is_served() {
        let text = place("gemini-2.5-flash", "us-central1", OnRetired::Raise, false).unwrap_err().to_string();
        assert!(text.contains("retired on 2026-10-20") && text.contains("`gemini-3.5-flash-lite`"), "{text}");
        assert!(text.contains("`global`, `us`, `eu`"), "{text}");
    }

    #[test]
    fn a_retired_model_is_replaced_or_allowed_on_request() {
        let replaced = place("gemini-2.5-flash", "us-central1", OnRetired::Replace, false).unwrap();
        assert_eq!((replaced.model.as_str(), replaced.location.as_str()), ("gemini-3.5-flash-lite", "us"));
        assert_eq!(replaced.notes.len(), 2);
        let allowed = place("gemini-2.5-flash-001", "us-central1", OnRetired::Allow, false).unwrap();
        assert_eq!((allowed.model.as_str(), allowed.location.as_str()), ("gemini-2.5-flash-001", "us-central1"));
    }

    #[test]
    fn a_single_region_is_widened_to_its_own_multi_region() {
        for (asked, used) in [("us-west1", "us"), ("europe-west4", "eu"), ("asia-northeast1", "global"), ("eu", "eu")] {
            assert_eq!(place("gemini-3.5-flash-lite", asked, OnRetired::Raise, false).unwrap().location, used);
        }
        assert!(place("gemini-3.5-flash-lite", "us-west1", OnRetired::Raise, true).is_err());
    }

    #[test]
    fn a_model_nobody_heard_of_is_tried_as_asked() {
        assert_eq!(place("gemini-9-nova", "us-central1", OnRetired::Raise, false).unwrap().location, "us-central1");
        assert!(place("gemini?x=1", "us-central1", OnRetired::Raise, false).is_err());
    }

    #[test]
    fn each_generation_gets_its_schemas_in_its_own_form_and_an_entry_without_one_the_oldest() {
        let catalogue = Catalogue::embedded().unwrap();
        for model in &catalogue.models {
            let is_recent = model.id.starts_with("gemini-3");
            assert_eq!(model.schema == Dialect::ResponseJsonSchema, is_recent, "{}", model.id);
        }
        let own = r#"{"as_of": "2026-11-22", "source": "me", "default": "m", "models":
            [{"id": "m", "locations": ["us"], "thinking": {"style": "none"}}]}"#;
        assert_eq!(Catalogue::parse(own).unwrap().models[0].schema, Dialect::ResponseSchema);
    }

    #[test]
    fn every_successor_is_in_the_catalogue_and_alive() {
        let catalogue = Catalogue::embedded().unwrap();
        for successor in catalogue.models.iter().filter_map(|model| model.successor.as_deref()) {
            assert!(catalogue.find(successor).unwrap().retired.is_none(), "{successor}");
        }
        assert!(catalogue.find(&catalogue.default).unwrap().retired.is_none());
    }
}
