//! The simulator's own time for a call: what passes between start and end, without what it was made to wait for.

use std::time::{Duration, Instant};

pub(crate) struct Stopwatch {
    running_since: Instant,
    before: Duration,
}

#[expect(clippy::disallowed_methods, reason = "the time a call takes is the machine's, not the simulated world's")]
fn now() -> Instant {
    Instant::now()
}

impl Stopwatch {
    pub fn start() -> Self {
        Self::start_at(now())
    }

    fn start_at(at: Instant) -> Self {
        Self { running_since: at, before: Duration::ZERO }
    }

    /// Waits for something whose time is not the simulator's own.
    pub async fn pause<T>(&mut self, wait: impl Future<Output = T>) -> T {
        self.halt(now());
        let result = wait.await;
        self.resume(now());
        result
    }

    pub fn microseconds(mut self) -> u64 {
        self.halt(now());
        u64::try_from(self.before.as_micros()).unwrap_or(u64::MAX)
    }

    fn halt(&mut self, at: Instant) {
        self.before += at.saturating_duration_since(self.running_since);
    }

    fn resume(&mut self, at: Instant) {
        self.running_since = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_does_not_count() {
        let begin = now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut watch = Stopwatch::start_at(begin);
        for (halt, resume) in [(3, 1_003), (1_007, 9_007)] {
            watch.halt(at(halt));
            watch.resume(at(resume));
        }
        watch.halt(at(9_012));
        assert_eq!(watch.before, Duration::from_millis(3 + 4 + 5));
    }
}
