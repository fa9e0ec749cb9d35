//! What an answer costs at list price.

use crate::gemini::Usage;
use crate::gemini::catalogue::Price;

impl Price {
    /// List price of an answer in US dollars, by the traffic type that came back.
    #[must_use]
    pub fn of(&self, usage: &Usage, location: &str) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
        let count = |tokens: Option<i64>| tokens.unwrap_or(0).max(0) as f64;
        usage.input_tokens?;
        let cached = count(usage.cached_tokens);
        let fresh = (count(usage.input_tokens) - cached).max(0.0);
        let output = count(usage.output_tokens) + count(usage.thinking_tokens);
        let dollars = (fresh * self.input + cached * self.cached + output * self.output) / 1.0e6;
        let lane = match usage.traffic_type.as_deref() {
            Some("ON_DEMAND_FLEX") => 0.5,
            Some("ON_DEMAND_PRIORITY") => 1.8,
            _ => 1.0,
        };
        let uplift = if location == "global" { 1.0 } else { self.uplift_outside_global };
        Some(dollars * lane * uplift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinking_costs_as_much_as_output_and_cached_input_less() {
        let price = Price { input: 0.3, output: 2.5, cached: 0.03, uplift_outside_global: 1.1 };
        let usage = Usage {
            input_tokens: Some(1_000_000),
            output_tokens: Some(100_000),
            thinking_tokens: Some(100_000),
            cached_tokens: Some(500_000),
            traffic_type: Some("ON_DEMAND".into()),
        };
        let cost = price.of(&usage, "global").unwrap();
        assert!((cost - (0.15 + 0.015 + 0.5)).abs() < 1e-9, "{cost}");
        assert!((price.of(&usage, "us").unwrap() / cost - 1.1).abs() < 1e-9);
        assert_eq!(price.of(&Usage::default(), "global"), None);
    }
}
