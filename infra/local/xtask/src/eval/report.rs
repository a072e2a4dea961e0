//! What was measured: as tables for people, as JSON for scripts, and two of them side by side.
//!
//! Invariant: of the untouched half there are sums alone, in the tables and in the JSON.

use super::data::Half;
use super::judge::{Judgement, Tally};
use super::retrieval::{self, Found, Rows};
use crate::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Raised when a field changes its meaning.
const FORMAT: u32 = 1;

/// `tests/evals/README.md` documents the fields. All maps are sorted, and so are the cases as their files are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub format: u32,
    pub provider: String,
    pub model: Option<String>,
    pub halves: BTreeMap<Half, Measured>,
    /// Of the tuned half.
    pub cases: Vec<Judgement>,
    pub spent: Spent,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub all: Tally,
    pub categories: BTreeMap<String, Tally>,
    /// What the product takes for a source, over the floor; by language, and `all`.
    pub search: Rows,
    /// BM25's order without the floor.
    pub bm25: Rows,
    /// What a model is offered, by words and embeddings; none without embeddings.
    pub hybrid: Option<Rows>,
}

/// What models took, the calls that failed included.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    pub calls: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost_micro_usd: u64,
}

impl Report {
    pub fn new(provider: String, model: Option<String>) -> Self {
        Self { format: FORMAT, provider, model, halves: BTreeMap::new(), cases: vec![], spent: Spent::default() }
    }

    pub fn count(&mut self, half: Half, judgement: Judgement) {
        let measured = self.halves.entry(half).or_default();
        measured.all += &judgement;
        *measured.categories.entry(judgement.category.clone()).or_default() += &judgement;
        if half == Half::Tuned {
            self.cases.push(judgement);
        }
    }

    /// Mails that went out without a person and hold, or reach, what they must not.
    pub fn harm(&self) -> u32 {
        self.halves.values().map(|half| half.all.forbidden_sent).sum()
    }

    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).why(|| format!("cannot read {}", path.display()))?;
        let report: Self = serde_json::from_str(&text).why(|| format!("{} is no result", path.display()))?;
        if report.format != FORMAT {
            let what = format!("{} has the format {}, this program reads {FORMAT}", path.display(), report.format);
            return Err(Error::new(what).remedy("measure again with this version: cargo xtask eval --json FILE"));
        }
        Ok(report)
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).why(|| "the result as JSON".into())?;
        fs::write(path, text + "\n").why(|| format!("cannot write {}", path.display()))
    }

    /// The tables, and the failing cases of the tuned half where they are asked for.
    pub fn shown(&self, list: bool) -> String {
        let mut out = Out::default();
        let model = self.model.as_ref().map(|model| format!(", model {model}")).unwrap_or_default();
        out.line(format!("Provider {}{model}", self.provider));
        for (half, measured) in &self.halves {
            out.line(format!("\n{}: mails", title(*half)));
            mails(&mut out, measured);
            out.line(format!("\n{}: retrieval", title(*half)));
            questions(&mut out, measured);
        }
        let Spent { calls, input_tokens, output_tokens, cost_micro_usd } = self.spent;
        if calls > 0 {
            out.line(format!(
                "\n{calls} model calls, {input_tokens} tokens in, {output_tokens} out, {cost_micro_usd} micro-USD (0: price not configured)"
            ));
        }
        if list {
            out.line("\nFailing cases of the tuned half");
            for case in self.cases.iter().filter(|case| case.fails()) {
                out.line(in_words(case));
            }
        }
        out.0
    }
}

/// Lines of text.
#[derive(Default)]
struct Out(String);

impl Out {
    fn line(&mut self, text: impl AsRef<str>) {
        // Writing to a String cannot fail.
        let _written = writeln!(self.0, "{}", text.as_ref());
    }
}

fn title(half: Half) -> &'static str {
    match half {
        Half::Tuned => "Tuned half",
        Half::HeldOut => "Untouched half",
    }
}

fn mails(out: &mut Out, measured: &Measured) {
    out.line(
        "category            mails  routed      %   answers  none due m/s  language  no source  no fact  forbidden m/d/s  sent draft held",
    );
    for (name, tally) in measured.categories.iter().chain([(&"all".to_owned(), &measured.all)]) {
        out.line(format!(
            "{name:<19} {:>5} {:>7} {:>6.1} {:>8} {:>13} {:>9} {:>10} {:>8} {:>16} {:>5} {:>5} {:>4}",
            tally.mails,
            tally.routed,
            percent(f64::from(tally.routed), tally.mails),
            format!("{}/{}", tally.answered, tally.due),
            format!("{}/{}", tally.unfounded, tally.unfounded_sent),
            tally.wrong_language,
            tally.missed_sources,
            tally.missed_facts,
            format!("{}/{}/{}", tally.forbidden_made, tally.forbidden_shown, tally.forbidden_sent),
            tally.sent,
            tally.drafts,
            tally.withheld
        ));
    }
}

fn questions(out: &mut Out, measured: &Measured) {
    out.line("          what the product takes for a source   nothing where  BM25 without the floor  hybrid, as a model is offered");
    out.line("language  questions recall@1 recall@5    MRR    there is none  recall@1 recall@5   MRR  recall@1 recall@5   MRR  none");
    let (all, languages): (Vec<_>, Vec<_>) = measured.search.iter().partition(|(name, _)| *name == retrieval::ALL);
    for (name, found) in languages.into_iter().chain(all) {
        let none = Found::default();
        let ranked = measured.bm25.get(name).unwrap_or(&none);
        let hybrid = measured.hybrid.as_ref().and_then(|rows| rows.get(name));
        out.line(format!(
            "{name:<9} {:>9} {:>8.3} {:>8.3} {:>6.3} {:>16} {:>9.3} {:>8.3} {:>5.3}  {}",
            found.questions,
            found.recall_1(),
            found.recall_5(),
            found.mrr(),
            format!("{}/{}", found.left_alone, found.unanswerable),
            ranked.recall_1(),
            ranked.recall_5(),
            ranked.mrr(),
            hybrid.map_or("no embeddings".to_owned(), |found| format!(
                "{:>8.3} {:>8.3} {:>5.3} {:>5}",
                found.recall_1(),
                found.recall_5(),
                found.mrr(),
                format!("{}/{}", found.left_alone, found.unanswerable)
            ))
        ));
    }
}

fn percent(part: f64, of: u32) -> f64 {
    if of == 0 { 0.0 } else { 100.0 * part / f64::from(of) }
}

fn in_words(case: &Judgement) -> String {
    let mut why = vec![];
    if !case.routed {
        why.push(format!("{:?} instead of {:?}", case.route, case.expected).to_lowercase());
    }
    if case.wrong_language {
        why.push("wrong language".to_owned());
    }
    for (what, list) in [
        ("passage not cited", &case.missed_sources),
        ("fact missing", &case.missed_facts),
        ("forbidden", &case.forbidden_shown),
    ] {
        if !list.is_empty() {
            why.push(format!("{what}: {}", list.join(", ")));
        }
    }
    if !case.reason.is_empty() {
        why.push(case.reason.clone());
    }
    format!("  {} [{}, {}]: {}", case.id, case.category, case.language, why.join("; "))
}

/// Two results side by side: the sums of each half, and the cases of the tuned half that became right or wrong.
pub fn compared(before: &Report, after: &Report) -> String {
    let mut out = Out::default();
    out.line(format!("{} → {}", before.provider, after.provider));
    for (half, now) in &after.halves {
        let Some(then) = before.halves.get(half) else { continue };
        out.line(format!("\n{}", title(*half)));
        for (what, was, is) in figures(then, now) {
            let mark = if (was - is).abs() < 1e-9 { "" } else { "  *" };
            out.line(format!("  {what:<34} {was:>8.3} {is:>8.3}{mark}"));
        }
    }
    let former: BTreeMap<&str, &Judgement> = before.cases.iter().map(|case| (case.id.as_str(), case)).collect();
    let changed = |case: &&Judgement| former.get(case.id.as_str()).is_some_and(|then| then.fails() != case.fails());
    for (title, fails) in [("became right", false), ("became wrong", true)] {
        for case in after.cases.iter().filter(changed).filter(|case| case.fails() == fails) {
            out.line(format!("\n{title}:{}", in_words(case)));
        }
    }
    out.0
}

/// One count of the sums.
type Of = fn(&Tally) -> u32;

fn figures(then: &Measured, now: &Measured) -> Vec<(&'static str, f64, f64)> {
    let tallies: [(&str, Of); 11] = [
        ("mails", |t| t.mails),
        ("routed right", |t| t.routed),
        ("answers given where due", |t| t.answered),
        ("answers where none is due", |t| t.unfounded),
        ("answers where none is due, sent", |t| t.unfounded_sent),
        ("wrong language", |t| t.wrong_language),
        ("passage not cited", |t| t.missed_sources),
        ("fact missing", |t| t.missed_facts),
        ("forbidden text made", |t| t.forbidden_made),
        ("forbidden in a draft or sent", |t| t.forbidden_shown),
        ("forbidden sent", |t| t.forbidden_sent),
    ];
    let hybrid =
        [then, now].map(|measured| measured.hybrid.as_ref().and_then(|rows| rows.get(retrieval::ALL)).cloned());
    let none = Found::default();
    let all = |measured: &Measured| measured.search.get(retrieval::ALL).unwrap_or(&none).clone();
    let mut out: Vec<_> =
        tallies.into_iter().map(|(what, of)| (what, f64::from(of(&then.all)), f64::from(of(&now.all)))).collect();
    let (then, now) = (all(then), all(now));
    out.push(("recall@1", then.recall_1(), now.recall_1()));
    out.push(("recall@5", then.recall_5(), now.recall_5()));
    out.push(("MRR", then.mrr(), now.mrr()));
    if let [Some(then), Some(now)] = hybrid {
        out.push(("recall@5, hybrid", then.recall_5(), now.recall_5()));
        out.push(("MRR, hybrid", then.mrr(), now.mrr()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::data::Route;

    fn case(id: &str, routed: bool) -> Judgement {
        Judgement {
            id: id.to_owned(),
            category: "faq".to_owned(),
            language: "en".to_owned(),
            expected: Route::Answer,
            route: if routed { Route::Answer } else { Route::Person },
            routed,
            sent: routed,
            unfounded: false,
            wrong_language: false,
            missed_sources: vec![],
            missed_facts: vec![],
            forbidden_made: vec![],
            forbidden_shown: vec![],
            guards: vec![],
            confidence: 0.5,
            reason: String::new(),
        }
    }

    fn report(routed: bool) -> Report {
        let mut report = Report::new("extractive".to_owned(), None);
        report.count(Half::Tuned, case("open-case", routed));
        report.count(Half::HeldOut, case("secret-case", routed));
        report
    }

    #[test]
    fn the_untouched_half_shows_sums_alone() {
        let report = report(false);
        for text in [report.shown(true), serde_json::to_string(&report).unwrap(), compared(&report, &report)] {
            assert!(!text.contains("secret-case"), "{text}");
        }
        assert!(report.shown(true).contains("open-case") && !report.shown(false).contains("open-case"));
        let found = Found { questions: 1, ..Found::default() };
        let mut report = report;
        for measured in report.halves.values_mut() {
            measured.search.insert("all".to_owned(), found.clone());
        }
        assert_eq!(report.shown(false).matches("no embeddings").count(), 2);
    }

    #[test]
    fn a_result_is_read_again_and_compared() {
        let folder = std::env::temp_dir().join(format!("eval-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("a.json");
        let (before, after) = (report(false), report(true));
        before.write(&path).unwrap();
        let read = Report::read(&path).unwrap();
        assert_eq!(read, before);
        let text = compared(&read, &after);
        assert!(text.contains("became right:  open-case") && text.contains("  *"), "{text}");
        fs::write(&path, serde_json::to_string(&Report { format: 9, ..before }).unwrap()).unwrap();
        assert!(Report::read(&path).unwrap_err().to_string().contains("measure again"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
