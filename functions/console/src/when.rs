//! Times as people read them. Pages are written in UTC and say so; the script rewrites them for the browser's zone.

use channel::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// RFC 3339, for the `datetime` attribute.
    pub iso: String,
    pub absolute: String,
    pub relative: String,
}

impl When {
    pub fn new(at: Timestamp, now: Timestamp) -> Self {
        let shown = jiff::Timestamp::from_millisecond(at.as_millis())
            .map(|at| (at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), at.strftime("%-d %b %Y, %H:%M UTC").to_string()));
        // Outside the years 1 to 9999, which no real mail is.
        let (iso, absolute) = shown.unwrap_or_else(|_| (String::new(), "an unknown time".to_owned()));
        Self { iso, absolute, relative: relative(at, now) }
    }
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    let (distance, past) = if at <= now { (now.since(at), true) } else { (at.since(now), false) };
    let secs = distance.as_secs();
    let (count, unit) = match secs {
        0..45 => return if past { "just now".to_owned() } else { "in a moment".to_owned() },
        45..3600 => (secs.div_ceil(60), "min"),
        3600..86_400 => (secs / 3600, "h"),
        _ => (secs / 86_400, if secs < 2 * 86_400 { "day" } else { "days" }),
    };
    if past { format!("{count} {unit} ago") } else { format!("in {count} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_both_ways() {
        let now = Timestamp::from_secs(1_795_363_500);
        for (offset, expected) in [
            (0, "just now"),
            (-90, "2 min ago"),
            (-7200, "2 h ago"),
            (-100_000, "1 day ago"),
            (-300_000, "3 days ago"),
            (20, "in a moment"),
            (300, "in 5 min"),
        ] {
            assert_eq!(When::new(Timestamp::from_secs(now.as_secs() + offset), now).relative, expected);
        }
        let when = When::new(now, now);
        assert_eq!((when.iso.as_str(), when.absolute.as_str()), ("2026-11-22T16:05:00Z", "22 Nov 2026, 16:05 UTC"));
        assert_eq!(When::new(Timestamp::from_millis(i64::MAX), now).absolute, "an unknown time");
    }
}
