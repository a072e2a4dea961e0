//! The log of API calls: who called what, at what price, with what result. Never a token, never content.
//!
//! Invariant: nothing that a call waits for walks the log. The figures of each method are kept beside it.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// Older entries fall out; `seq` goes on.
const KEPT: usize = 20_000;

/// One call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub seq: u64,
    pub at_ms: i64,
    pub account: Option<String>,
    pub method: String,
    pub units: u32,
    /// What the caller saw; 0 when the connection was dropped.
    pub status: u16,
    /// The reason code of a refusal, such as `rateLimitExceeded` or `invalid_grant`.
    #[serde(default)]
    pub reason: Option<String>,
    /// Whether a fault changed the answer.
    pub fault: bool,
    /// The faults that fired for it, also those that only took time.
    #[serde(default)]
    pub faults: Vec<u64>,
    /// What the simulator itself took, waiting for its own locks included, network and injected delays not.
    /// 0 for a push, whose time is its endpoint's.
    #[serde(default)]
    pub service_us: u64,
}

/// The figures of one method since the start or the last clearing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodSummary {
    pub method: String,
    pub count: u64,
    /// Calls that the caller saw fail, by a status of 400 or above or by a dropped connection.
    pub refused: u64,
    pub units: u64,
    /// Percentiles of `service_us`, exact to about 3 %.
    pub p50_us: u64,
    pub p95_us: u64,
    pub max_us: u64,
}

/// Times in steps of at most a thirty-second of their size.
#[derive(Debug, Default)]
struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

const STEPS: u64 = 32;

impl Histogram {
    fn step(value: u64) -> usize {
        let shift = (u64::BITS - value.leading_zeros()).saturating_sub(STEPS.ilog2() + 1);
        usize::try_from(u64::from(shift) * STEPS + (value >> shift)).unwrap_or(usize::MAX)
    }

    /// The largest value of a step.
    fn ceiling(step: usize) -> u64 {
        let step = step as u64;
        let shift = (step / STEPS).saturating_sub(1);
        ((step - shift * STEPS + 1) << shift) - 1
    }

    fn add(&mut self, value: u64) {
        let step = Self::step(value);
        if self.counts.len() <= step {
            self.counts.resize(step + 1, 0);
        }
        self.counts[step] += 1;
        self.total += 1;
        self.max = self.max.max(value);
    }

    /// The smallest time that at least `percent` of all do not exceed.
    fn percentile(&self, percent: u64) -> u64 {
        let wanted = (self.total * percent).div_ceil(100);
        let mut seen = 0;
        for (step, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Self::ceiling(step).min(self.max);
            }
        }
        self.max
    }
}

#[derive(Debug, Default)]
struct Figures {
    refused: u64,
    units: u64,
    times: Histogram,
}

/// Which calls to show; what is not set does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallQuery {
    pub account: Option<String>,
    /// The beginning of a method's name.
    pub method: Option<String>,
    /// Only what came after this `seq`.
    pub since: Option<u64>,
    /// `ok`, `refused`, `dropped`, `faulted`, a status (`429`, `4xx`), or a reason code.
    pub outcome: Option<String>,
    /// The newest so many.
    pub limit: Option<usize>,
}

impl CallQuery {
    fn wants(&self, call: &Call) -> bool {
        self.account.as_deref().is_none_or(|wanted| call.account.as_deref() == Some(wanted))
            && self.method.as_deref().is_none_or(|prefix| call.method.starts_with(prefix.trim_end_matches('*')))
            && self.outcome.as_deref().is_none_or(|outcome| call.came_out(outcome))
    }
}

impl Call {
    fn came_out(&self, outcome: &str) -> bool {
        match outcome {
            "ok" => (200..400).contains(&self.status),
            "refused" => self.status >= 400,
            "dropped" => self.status == 0,
            "faulted" => !self.faults.is_empty(),
            "2xx" | "3xx" | "4xx" | "5xx" => outcome.starts_with(&(self.status / 100).to_string()),
            _ => self.reason.as_deref() == Some(outcome) || outcome.parse() == Ok(self.status),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct CallLog {
    calls: VecDeque<Call>,
    seq: u64,
    figures: BTreeMap<String, Figures>,
}

impl CallLog {
    pub fn push(&mut self, mut call: Call) {
        self.seq += 1;
        call.seq = self.seq;
        if !self.figures.contains_key(&call.method) {
            self.figures.insert(call.method.clone(), Figures::default());
        }
        if let Some(figures) = self.figures.get_mut(&call.method) {
            figures.refused += u64::from(call.status == 0 || call.status >= 400);
            figures.units += u64::from(call.units);
            figures.times.add(call.service_us);
        }
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    /// Oldest first.
    pub fn matching(&self, query: &CallQuery) -> Vec<Call> {
        let newer = self.calls.partition_point(|call| query.since.is_some_and(|seq| call.seq <= seq));
        let hits = self.calls.range(newer..).filter(|call| query.wants(call));
        let skipped = query.limit.map_or(0, |limit| hits.clone().count().saturating_sub(limit));
        hits.skip(skipped).cloned().collect()
    }

    pub fn summary(&self) -> Vec<MethodSummary> {
        self.figures
            .iter()
            .map(|(method, figures)| MethodSummary {
                method: method.clone(),
                count: figures.times.total,
                refused: figures.refused,
                units: figures.units,
                p50_us: figures.times.percentile(50),
                p95_us: figures.times.percentile(95),
                max_us: figures.times.max,
            })
            .collect()
    }

    /// Forgets calls and figures; `seq` goes on.
    pub fn clear(&mut self) {
        self.calls.clear();
        self.figures.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(at_ms: i64, account: &str, units: u32, status: u16, service_us: u64) -> Call {
        Call { at_ms, account: Some(account.into()), method: "m".into(), units, status, service_us, ..Call::default() }
    }

    #[test]
    fn every_time_lies_in_a_step_of_its_size() {
        for value in (0..5_000).chain([1 << 20, (1 << 40) + 12_345, u64::MAX >> 1]) {
            let (step, ceiling) = (Histogram::step(value), Histogram::ceiling(Histogram::step(value)));
            assert!(value <= ceiling && ceiling - value <= value / STEPS, "{value} in step {step} up to {ceiling}");
            assert!(step == 0 || Histogram::ceiling(step - 1) < value, "{value} is not in the step below");
        }
    }

    #[test]
    fn the_summary_counts_refusals_units_and_times() {
        let mut log = CallLog::default();
        for us in 1..=100 {
            log.push(call(0, "a@b.test", 5, if us % 10 == 0 { 429 } else { 200 }, us));
        }
        log.push(call(0, "a@b.test", 0, 0, 31));
        let [one] = log.summary().try_into().unwrap();
        assert_eq!((one.count, one.refused, one.units, one.max_us), (101, 11, 500, 100));
        assert!((50..=51).contains(&one.p50_us) && (95..=97).contains(&one.p95_us), "{one:?}");
        log.clear();
        assert_eq!((log.summary(), log.matching(&CallQuery::default())), (vec![], vec![]));
    }

    #[test]
    fn the_log_is_read_from_a_number_on() {
        let mut log = CallLog::default();
        for second in 0..90 {
            log.push(call(second * 1_000, "a@b.test", 7, 200, 1));
        }
        assert_eq!(
            log.matching(&CallQuery { since: Some(88), ..CallQuery::default() })
                .iter()
                .map(|call| call.seq)
                .collect::<Vec<_>>(),
            [89, 90]
        );
    }
}
