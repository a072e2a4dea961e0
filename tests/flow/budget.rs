//! What one drafted mail costs, counted: `tests/budget.toml` holds the figures, and a change that raises one says why
//! beside it there.

use crate::letters::question;
use crate::world::World;
use channel::ports::Clock;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Counts by name, such as `gmail.users.messages.get` (units) or `write_units`.
type Counts = BTreeMap<String, f64>;

fn budget() -> BTreeMap<String, Counts> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("budget.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

impl World {
    fn counts(&self, calls_before: u64) -> Counts {
        let mut counts = Counts::new();
        for call in self.google.calls().iter().filter(|call| call.seq > calls_before && call.units > 0) {
            *counts.entry(call.method.clone()).or_default() += f64::from(call.units);
            *counts.entry("gmail_units".to_owned()).or_default() += f64::from(call.units);
        }
        let total = self.meter.total();
        counts.insert("write_units".to_owned(), total.write_units);
        counts.insert("read_units".to_owned(), total.read_units);
        counts.insert("sqs_messages".to_owned(), f64::from(self.post.sent.load(Ordering::SeqCst)));
        let secrets = self.vault.reads.load(Ordering::SeqCst) + self.vault.writes.load(Ordering::SeqCst);
        counts.insert("secret_calls".to_owned(), f64::from(secrets));
        counts.insert("model_calls".to_owned(), f64::from(self.asked.load(Ordering::SeqCst)));
        counts
    }

    fn count_from_here(&self) -> u64 {
        self.meter.reset();
        self.post.sent.store(0, Ordering::SeqCst);
        self.vault.reads.store(0, Ordering::SeqCst);
        self.vault.writes.store(0, Ordering::SeqCst);
        self.asked.store(0, Ordering::SeqCst);
        self.google.calls().last().map_or(0, |call| call.seq)
    }

    /// One mail from push to draft, without the schedule: it runs, mail or not.
    async fn counted(&mut self, letter: &crate::letters::Letter) -> Counts {
        let before = self.count_from_here();
        self.receive(letter);
        let until = self.clock.now().plus(Duration::from_secs(50));
        self.drain(until).await;
        self.counts(before)
    }
}

/// Every count must be the one that is recorded: more needs a reason, less is worth recording.
fn compare(name: &str, seen: &Counts) {
    println!("[{name}]");
    for (what, count) in seen {
        println!("\"{what}\" = {count:.1}");
    }
    let recorded = budget().remove(name).unwrap_or_else(|| panic!("tests/budget.toml has no [{name}]"));
    let risen: Vec<String> = seen
        .iter()
        .filter(|(what, count)| **count > recorded.get(*what).copied().unwrap_or(0.0) + 0.01)
        .map(|(what, count)| format!("{what}: {count} instead of {}", recorded.get(what).copied().unwrap_or(0.0)))
        .collect();
    assert!(risen.is_empty(), "{name} costs more than tests/budget.toml says: {risen:?}");
}

#[tokio::test]
async fn a_drafted_mail_costs_what_the_budget_says() {
    let mut world = World::new().await;
    // What is read once a day or an hour is not this mail's: the cold caches and the mailbox's own minute.
    world.receive(&question("warm").subject("Another matter"));
    world.settle().await;
    let first = world.counted(&question("m1")).await;
    let text_kib = f64::from(u32::try_from(question("m1").body.len()).unwrap()) / 1024.0;
    for n in 2..5 {
        world.receive(&question(&format!("m{n}")).replies_to("<m1@customer.test>").subject("Re: Returning an item"));
        world.settle().await;
    }
    let drafts = world.drafts().len();
    let fifth = world.counted(&question("m5").replies_to("<m1@customer.test>").subject("Re: Returning an item")).await;
    assert_eq!((drafts, world.drafts().len()), (2, 2), "one draft for each thread");
    compare("first_mail_of_a_thread", &first);
    compare("fifth_mail_of_a_thread", &fifth);
    assert!(first["gmail_units"] <= 65.0 && fifth["gmail_units"] <= 130.0, "the ceilings of Gmail units");
    for counts in [&first, &fifth] {
        assert!(
            counts["write_units"] <= 56.0 + 2.0 * text_kib.ceil(),
            "the ceiling of write units: {}",
            counts["write_units"]
        );
    }
}
