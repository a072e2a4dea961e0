//! The limits that Gmail sets: quota units per minute, simultaneous calls, mails per day, and how a refusal is worded.
//!
//! Invariant: a call that is refused for the quota spends nothing of it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Json, Router, extract::State, routing::get};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::{
    error::ApiError,
    server::{Running, Sim},
};

const MINUTE_MS: i64 = 60_000;

/// What a mailbox may do. 0 lifts a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Quota units of one account and one project within any minute.
    pub units_per_minute: u64,
    /// Calls of one account under way at once.
    pub concurrent_calls: usize,
    /// Mails that a private account may send within any 24 hours.
    pub daily_sends_consumer: usize,
    /// The same for an account of an organisation.
    pub daily_sends_workspace: usize,
    pub refusal: Refusal,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            units_per_minute: 6_000,
            concurrent_calls: 0,
            daily_sends_consumer: 500,
            daily_sends_workspace: 2_000,
            refusal: Refusal::default(),
        }
    }
}

/// The forms in which Gmail says "too much"; all of them have been seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// 429 `rateLimitExceeded`, "Resource has been exhausted".
    #[default]
    Exhausted,
    /// 429 `rateLimitExceeded` with the time from which calls are taken again, in the text and as `Retry-After`.
    RetryAfter,
    /// 403 `rateLimitExceeded`.
    RateLimit,
    /// 403 `userRateLimitExceeded`.
    UserRateLimit,
    /// 403 `quotaExceeded`.
    Quota,
}

impl Refusal {
    /// The refusal; `until_ms` is when a call would be taken again.
    fn error(self, now_ms: i64, until_ms: i64, suffix: &str) -> ApiError {
        let new = |code, reason, text: &str| ApiError::new(code, reason, format!("{text}{suffix}"));
        match self {
            Self::Exhausted => new(429, "rateLimitExceeded", "Resource has been exhausted (e.g. check quota)."),
            Self::RetryAfter => {
                let until = jiff::Timestamp::from_millisecond(until_ms)
                    .map_or_else(|_| String::new(), |time| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
                let text = format!("User-rate limit exceeded.  Retry after {until}");
                let mut error = new(429, "rateLimitExceeded", &text);
                error.retry_after = u64::try_from((until_ms - now_ms + 999) / 1_000).ok();
                error
            }
            Self::RateLimit => new(403, "rateLimitExceeded", "Rate Limit Exceeded"),
            Self::UserRateLimit => new(403, "userRateLimitExceeded", "User Rate Limit Exceeded"),
            Self::Quota => new(403, "quotaExceeded", "Quota exceeded for quota group 'default' of service 'Gmail'."),
        }
    }

    /// The refusal of a mail above the day's number.
    pub(crate) fn of_sending(self, now_ms: i64, until_ms: i64) -> ApiError {
        match self {
            Self::Exhausted | Self::RetryAfter => Self::RetryAfter.error(now_ms, until_ms, " (Mail sending)"),
            other => other.error(now_ms, until_ms, " (Mail sending)"),
        }
    }
}

type Spent = HashMap<(String, String), VecDeque<(i64, u32)>>;

/// What has been spent, and what is under way.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    spent: Mutex<Spent>,
    under_way: Arc<Mutex<HashMap<String, usize>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call under way; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Slot {
    under_way: Arc<Mutex<HashMap<String, usize>>>,
    address: String,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = lock(&self.under_way);
        match counts.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                counts.remove(&self.address);
            }
        }
    }
}

impl Limiter {
    /// Counts a call as under way, or refuses it.
    pub fn enter(&self, sim: &Sim, address: &str) -> Result<Slot, ApiError> {
        let limit = sim.read(|world| world.limits.concurrent_calls);
        let mut counts = lock(&self.under_way);
        let count = counts.entry(address.to_owned()).or_default();
        if limit > 0 && *count >= limit {
            return Err(ApiError::new(429, "rateLimitExceeded", "Too many concurrent requests for user."));
        }
        *count += 1;
        drop(counts);
        Ok(Slot { under_way: self.under_way.clone(), address: address.to_owned() })
    }

    /// Spends the units of a call, or refuses it.
    pub fn spend(&self, sim: &Sim, address: &str, client_id: &str, units: u32) -> Result<(), ApiError> {
        let (now, limit, refusal, project) = sim.read(|world| {
            let project = world.cloud.project_of(client_id).unwrap_or(client_id).to_owned();
            (world.now_ms(), world.limits.units_per_minute, world.limits.refusal, project)
        });
        let mut spent = lock(&self.spent);
        if limit == 0 {
            spent.clear();
            return Ok(());
        }
        let window = spent.entry((address.to_owned(), project)).or_default();
        // The clock can be set back: what then lies ahead is forgotten as well.
        window.retain(|(at, _)| *at > now - MINUTE_MS && *at <= now);
        let used: u64 = window.iter().map(|(_, units)| u64::from(*units)).sum();
        if used + u64::from(units) > limit {
            return Err(refusal.error(now, free_at(window, limit, units).unwrap_or(now + MINUTE_MS), ""));
        }
        if units > 0 {
            window.push_back((now, units));
        }
        Ok(())
    }
}

/// When so much of the window has passed that `units` fit in again.
fn free_at(window: &VecDeque<(i64, u32)>, limit: u64, units: u32) -> Option<i64> {
    let mut used: u64 = window.iter().map(|(_, units)| u64::from(*units)).sum();
    window.iter().find_map(|(at, gone)| {
        used -= u64::from(*gone);
        (used + u64::from(units) <= limit).then_some(at + MINUTE_MS)
    })
}

impl Running {
    /// Replaces the limits of every mailbox.
    pub fn set_limits(&self, limits: Limits) {
        self.sim.write(|world| world.limits = limits);
    }
}

pub(crate) fn routes() -> Router<Arc<Sim>> {
    Router::new().route("/limits", get(show).post(replace))
}

async fn show(State(sim): State<Arc<Sim>>) -> Json<Limits> {
    Json(sim.read(|world| world.limits.clone()))
}

async fn replace(State(sim): State<Arc<Sim>>, Json(limits): Json<Limits>) -> StatusCode {
    sim.write(|world| world.limits = limits);
    StatusCode::NO_CONTENT
}
