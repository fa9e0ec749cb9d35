//! What a run would take: rows, tokens, dollars and time, found out without generating anything.

use chrono::NaiveDate;
use std::sync::Arc;

use super::answers::Status;
use super::feed::{Fed, Feed};
use super::interval::{Interval, number};
use super::run::Run;
use crate::error::Result;
use crate::gemini::Usage;
use crate::gemini::catalogue::Thinking;

/// How far the mean length of answers may be off at least, of which the next ones may differ: a share of it.
const LEAST_DOUBT_OF_ANSWERS: f64 = 0.1;

/// Stored answers from which the length of others is concluded.
const ENOUGH_ANSWERS: usize = 3;

/// What a run would take. Ranges are no promises: rows that are sent twice cost twice, and the service sets the pace.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Rows in all.
    pub rows: usize,
    /// Rows that would be asked.
    pub rows_to_ask: usize,
    /// Rows whose answer the store has.
    pub stored_rows: usize,
    /// Rows that ask the same as an earlier one.
    pub duplicate_rows: usize,
    /// Rows that cannot be asked.
    pub unusable_rows: usize,
    /// Rows whose tokens were counted.
    pub sampled_rows: usize,
    /// Input tokens of all requests together.
    pub input_tokens: Interval,
    /// Output and thinking tokens of all answers together.
    pub output_tokens: Interval,
    /// US dollars at list price; `None` where the price is not known.
    pub cost_usd: Option<Interval>,
    /// Seconds at the quota that runs have met and the user's own limits; `None` where there is neither.
    pub seconds: Option<Interval>,
    /// Seconds at each documented quota of the model, by its tokens a minute.
    pub seconds_at_tiers: Vec<(u64, Interval)>,
    /// The day of the prices.
    pub prices_of: NaiveDate,
    /// What to know about the numbers, one sentence each.
    pub notes: Vec<String>,
}

/// What is known of the rows before any is asked.
#[derive(Default)]
struct Census {
    to_ask: Vec<u32>,
    stored: usize,
    duplicates: usize,
    unusable: usize,
    first_problem: Option<String>,
    /// Output tokens of the answers in the store.
    answer_lengths: Vec<f64>,
}

impl Run {
    /// Looks the rows up in the store, counts the input tokens of up to `sample` of those to be asked, and concludes what
    /// all of them take. An error that every row would meet is this one's.
    pub async fn plan(&self, sample: usize) -> Result<Plan> {
        let census = self.census().await?;
        let count = census.to_ask.len();
        let mut notes = Vec::new();
        if let Some(problem) = &census.first_problem {
            notes.push(format!("{} cannot be asked; the first one: {problem}", rows(census.unusable)));
        }
        let (input, sampled_rows) = self.input_tokens(&census.to_ask, sample, &mut notes).await?;
        let output_tokens = self.output_tokens(&census, &mut notes).times(number(count)).whole();
        let input_tokens = input.times(number(count)).whole();
        let cost_usd = self.cost(input_tokens, output_tokens, &mut notes);
        if let Some(cost) = cost_usd {
            self.compare_with_limit(cost, count, &mut notes);
        }
        let tokens = input_tokens.and(output_tokens);
        let catalogue = self.work.gemini.catalogue();
        let tiers = self.work.destinations.first().map_or(&[][..], |first| catalogue.tiers_of(&first.place.model));
        #[expect(clippy::cast_precision_loss, reason = "a quota is far below 2^52")]
        let at_tier = |tier: &u64| (*tier, tokens.times(60.0 / *tier as f64));
        Ok(Plan {
            rows: self.work.input.len(),
            rows_to_ask: count,
            stored_rows: census.stored,
            duplicate_rows: census.duplicates,
            unusable_rows: census.unusable,
            sampled_rows,
            input_tokens,
            output_tokens,
            cost_usd,
            seconds: self.seconds(tokens, count, &mut notes),
            seconds_at_tiers: tiers.iter().map(at_tier).collect(),
            prices_of: catalogue.as_of,
            notes,
        })
    }

    async fn census(&self) -> Result<Census> {
        let (store, refresh) = (self.asked.options.store.clone(), self.asked.refresh.clone());
        let mut feed = Feed::start(Arc::clone(&self.work), store, refresh);
        let mut census = Census::default();
        while let Some(lot) = feed.lot().await {
            for fed in lot? {
                match fed {
                    Fed::Ask(row, ..) => census.to_ask.push(row),
                    Fed::Same(..) => census.duplicates += 1,
                    Fed::Known(_, row) => {
                        census.stored += 1;
                        if row.status == Status::Ok {
                            census.answer_lengths.extend(answer_length(&row.usage));
                        }
                    }
                    Fed::Bad(_, error) => {
                        census.unusable += 1;
                        census.first_problem.get_or_insert_with(|| error.message().to_owned());
                    }
                }
            }
        }
        Ok(census)
    }

    /// Output tokens of an answer.
    fn output_tokens(&self, census: &Census, notes: &mut Vec<String>) -> Interval {
        if census.to_ask.is_empty() {
            return Interval::default();
        }
        let lengths = &census.answer_lengths;
        if lengths.len() >= ENOUGH_ANSWERS {
            notes.push(format!("output tokens are concluded from {} in the store", answers(lengths.len())));
            let population = lengths.len() + census.to_ask.len();
            return Interval::of_mean(lengths, population, LEAST_DOUBT_OF_ANSWERS).unwrap_or_default();
        }
        let limit = self.asked.options.generate.max_output_tokens;
        let usual = number(usize::try_from(self.work.estimated_output()).unwrap_or(usize::MAX));
        notes.push(format!(
            "output tokens are estimated at {usual} an answer, from half to double: only answers tell their length"
        ));
        if self.thinks() {
            notes.push("thinking tokens, which cost as much as output, are not in the estimate".to_owned());
        }
        let interval = Interval::around_guess(usual);
        let most = limit.map_or(interval.high, f64::from);
        Interval { high: interval.high.min(most), ..interval }
    }

    fn thinks(&self) -> bool {
        let model = self.work.destinations.first().and_then(|first| {
            let catalogue = self.work.gemini.catalogue();
            catalogue.find(&first.place.model)
        });
        match self.asked.options.generate.thinking.as_deref().map(str::trim) {
            Some(wish) => !["off", "minimal", "0"].iter().any(|least| wish.eq_ignore_ascii_case(least)),
            None => model.is_none_or(|model| match &model.thinking {
                Thinking::Level { lowest } => lowest != "MINIMAL",
                Thinking::Budget | Thinking::None => false,
            }),
        }
    }

    fn cost(&self, input: Interval, output: Interval, notes: &mut Vec<String>) -> Option<Interval> {
        if input.high + output.high <= 0.0 {
            return Some(Interval::default());
        }
        let usage = |input: f64, output: f64| Usage {
            input_tokens: Some(whole(input)),
            output_tokens: Some(whole(output)),
            ..Usage::default()
        };
        let mut cost: Option<Interval> = None;
        for destination in &self.work.destinations {
            let place = &destination.place;
            let Some(price) = destination.price else {
                let limit = self.asked.options.max_cost_usd.map_or("", |_| ", and `max_cost_usd` cannot be kept");
                notes.push(format!("the price of `{}` is not known{limit}", place.model));
                return None;
            };
            let low = price.of(&usage(input.low, output.low), &place.location)?;
            let high = price.of(&usage(input.high, output.high), &place.location)?;
            let here = Interval { low, high };
            cost = Some(cost.map_or(here, |cost| cost.spanning(here)));
        }
        cost
    }

    fn compare_with_limit(&self, cost: Interval, count: usize, notes: &mut Vec<String>) {
        let Some(limit) = self.asked.options.max_cost_usd.filter(|limit| *limit < cost.high) else {
            return;
        };
        let paid = |cost: f64| (number(count) * limit / cost).floor().min(number(count));
        let (least, most) = (paid(cost.high), paid(cost.low));
        notes.push(format!(
            "`max_cost_usd={limit}` may not pay for all: about {least} to {most} of {} would be asked",
            rows(count)
        ));
    }

    fn seconds(&self, tokens: Interval, count: usize, notes: &mut Vec<String>) -> Option<Interval> {
        if count == 0 {
            return Some(Interval::default());
        }
        let known: Vec<f64> =
            self.work.known_quotas().into_iter().flatten().map(|learned| learned.tokens_per_second).collect();
        let limits = &self.asked.options.limits;
        let mut seconds: Option<Interval> = None;
        let mut add = |other: Interval| seconds = Some(seconds.map_or(other, |seconds| seconds.or_more(other)));
        if !known.is_empty() {
            let rate: f64 = known.iter().sum();
            add(tokens.times(1.0 / rate));
            let of = if known.len() < self.work.destinations.len() { " in some of the regions" } else { "" };
            notes.push(format!(
                "the time is at the {:.3} million tokens a minute that earlier runs met{of}",
                rate * 60.0 / 1.0e6
            ));
        }
        if let Some(rate) = limits.tokens_per_minute {
            add(tokens.times(60.0 / rate));
        }
        if let Some(rate) = limits.requests_per_minute {
            let at_rate = number(count) * 60.0 / rate;
            add(Interval { low: at_rate, high: at_rate });
        }
        if known.is_empty() {
            let own = if seconds.is_some() { "the time is at your own limits; " } else { "" };
            notes.push(format!("{own}the quota is not known until a run has met it"));
        }
        seconds
    }
}

fn answer_length(usage: &Usage) -> Option<f64> {
    let tokens = usage.output_tokens?.max(0) + usage.thinking_tokens.unwrap_or(0).max(0);
    Some(number(usize::try_from(tokens).ok()?))
}

#[expect(clippy::cast_possible_truncation, reason = "a cast of floats saturates")]
fn whole(tokens: f64) -> i64 {
    tokens as i64
}

pub(super) fn rows(count: usize) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

fn answers(count: usize) -> String {
    if count == 1 { "1 answer".to_owned() } else { format!("{count} answers") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_are_part_of_an_answers_length() {
        let usage = Usage { output_tokens: Some(5), thinking_tokens: Some(7), ..Usage::default() };
        assert_eq!((answer_length(&usage), answer_length(&Usage::default())), (Some(12.0), None));
    }
}
