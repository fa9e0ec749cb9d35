//! How many input tokens the requests of a run have, counted by the service for a few of its rows.

use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

use super::interval::{Interval, mean, number};
use super::plan::rows;
use super::run::Run;
use super::work::Work;
use crate::error::{Error, ErrorKind, Result};
use crate::gemini::{GeminiClient, GenerateOptions, RequestTemplate, estimate};
use crate::retry::RetryPolicy;

/// How far a mean that was counted may be off at least: to each side, as a share of it.
const LEAST_DOUBT: f64 = 0.05;

/// Estimated input tokens are a ceiling for images and may be too few for texts: half of them to one and a half times.
const ESTIMATED_INPUT: Interval = Interval { low: 0.5, high: 1.5 };

/// A plan does not wait longer than this for a service that refuses or fails to count.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Run {
    /// Input tokens of a request, and on how many counted rows that rests.
    pub(super) async fn input_tokens(
        &self,
        to_ask: &[u32],
        sample: usize,
        notes: &mut Vec<String>,
    ) -> Result<(Interval, usize)> {
        let sample = spread(to_ask, sample);
        if sample.is_empty() {
            return Ok((Interval::default(), 0));
        }
        let (counted, problem) = self.count(&sample).await?;
        if let Some(problem) = problem {
            let what = if counted.is_empty() {
                "input tokens are estimated, from half to one and a half times, because they could not be counted"
                    .to_owned()
            } else {
                format!("input tokens were counted for {} of {}", counted.len(), rows(sample.len()))
            };
            notes.push(format!("{what}: {}", problem.message()));
        }
        if let Some(interval) = Interval::of_mean(&counted, to_ask.len(), LEAST_DOUBT) {
            return Ok((interval, counted.len()));
        }
        let estimates: Vec<f64> = sample.iter().map(|row| self.estimated_input(*row)).collect();
        let estimate = mean(&estimates).unwrap_or_default();
        Ok((Interval { low: estimate * ESTIMATED_INPUT.low, high: estimate * ESTIMATED_INPUT.high }, 0))
    }

    /// Counts the rows' input tokens all at once; with the first problem that concerned a row.
    async fn count(&self, sample: &[u32]) -> Result<(Vec<f64>, Option<Error>)> {
        let asked = &self.asked;
        let first = self.work.destinations.first().map(|first| &first.place);
        // Labels are for invoices, and countTokens does not know them.
        let generate = GenerateOptions {
            response_schema: asked.question.schema.response_schema(),
            labels: Vec::new(),
            ..asked.options.generate.clone()
        };
        let model = first.and_then(|place| asked.services.gemini.catalogue().find(&place.model));
        let template = Arc::new(RequestTemplate::new(&generate, model)?);
        let policy = RetryPolicy { deadline: asked.options.policy.deadline.min(LONGEST_WAIT), ..asked.options.policy };
        let gemini = asked.services.gemini.clone().with_stack(|stack| stack.with_policy(policy));
        let mut counting = JoinSet::new();
        for row in sample.iter().copied() {
            let (work, gemini, template) = (Arc::clone(&self.work), gemini.clone(), Arc::clone(&template));
            counting.spawn(async move { count_row(&work, &gemini, &template, row as usize).await });
        }
        let (mut counted, mut problem) = (Vec::new(), None);
        while let Some(ended) = counting.join_next().await {
            let ended = ended.unwrap_or_else(|cause| {
                Err(Error::new(ErrorKind::Internal, "counting tokens ended unexpectedly").with_source(cause))
            });
            match ended {
                Ok(tokens) => counted.push(tokens),
                Err(error) if concerns_every_row(&error) => return Err(error),
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        match problem {
            // Nobody is there to ask either.
            Some(error) if counted.is_empty() && error.kind() == ErrorKind::Transport => Err(error),
            problem => Ok((counted, problem)),
        }
    }

    fn estimated_input(&self, row: u32) -> f64 {
        let generate = &self.asked.options.generate;
        let model = self.work.destinations.first().and_then(|first| {
            let catalogue = self.work.gemini.catalogue();
            catalogue.find(&first.place.model)
        });
        let image = estimate::image_tokens(generate.media_resolution.as_deref(), model);
        let examples = number(usize::try_from(image).unwrap_or_default()) * number(generate.examples.len());
        number(usize::try_from(self.work.estimated_input(row as usize)).unwrap_or(usize::MAX)) + examples
    }
}

async fn count_row(work: &Work, gemini: &GeminiClient, template: &RequestTemplate, row: usize) -> Result<f64> {
    let (views, _room) = work.input.views_in_room(row, &work.images).await?;
    let body = template.body(&views, &work.prompt.render(work.input.table(), row)?, None)?;
    let place = work.destinations.first().map(|first| &first.place);
    let place = place.ok_or_else(|| Error::new(ErrorKind::Configuration, "there is no region to ask"))?;
    let tokens = gemini.count_tokens(place, body, work.timeout).await?;
    Ok(number(usize::try_from(tokens).unwrap_or(usize::MAX)))
}

/// Whether a run would end with this error; what countTokens alone refuses is no reason to.
fn concerns_every_row(error: &Error) -> bool {
    error.kind() == ErrorKind::Internal || (error.stops_the_run() && error.kind() != ErrorKind::InvalidRequest)
}

/// Up to `count` of the rows, as far from each other as possible.
fn spread(rows: &[u32], count: usize) -> Vec<u32> {
    let count = count.min(rows.len());
    (0..count).map(|place| rows[(2 * place + 1) * rows.len() / (2 * count)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_all_rows() {
        let rows: Vec<u32> = (0..100).map(|row| row * 2).collect();
        assert_eq!(spread(&rows, 4), [24, 74, 124, 174]);
        assert_eq!(spread(&rows[..3], 8), [0, 2, 4]);
        assert!(spread(&[], 8).is_empty());
    }

    #[test]
    fn what_only_counting_refuses_does_not_end_a_plan() {
        use crate::error::Scope;
        let of = |kind, scope| concerns_every_row(&Error::new(kind, "no").with_scope(scope));
        assert!(of(ErrorKind::PermissionDenied, Scope::Run) && of(ErrorKind::ModelUnavailable, Scope::Run));
        assert!(!of(ErrorKind::InvalidRequest, Scope::Run) && !of(ErrorKind::PermissionDenied, Scope::Bucket));
    }
}
