//! `C7`, `C8`, `C12`: the labelled mails and questions as bounds. Of the untouched half only sums are looked at.
//!
//! Each bound is what holds today, with the target beside it where it falls short: it may get better, never worse.

use testkit::model::Character;
use xtask::eval::data::{Half, documents};
use xtask::eval::desk::{Asked, Desk};
use xtask::eval::report::{Measured, Report};
use xtask::eval::retrieval::{ALL, Found};
use xtask::eval::{Told, measure};

async fn measured(asked: Asked) -> Report {
    let desk = Desk::open(asked, None, &documents().expect("the knowledge base")).await.expect("somebody who answers");
    let report = measure(asked, desk, &Half::ALL, Told::silent()).await.expect("a result");
    println!("{}", report.shown(false));
    assert_eq!(report.halves.len(), 2);
    assert!(report.halves.values().all(|half| half.all.mails == 90), "mails are missing");
    report
}

/// What a half must reach.
struct Bound {
    half: Half,
    /// Of 90 mails; the target is 77 (85 %).
    routed: u32,
    /// Of 35 mails that the knowledge base answers.
    answered: u32,
    /// Of the answers given, those that lack a fact or a passage which they need; the target is 0.
    incomplete: u32,
}

const BOUNDS: [Bound; 2] = [
    Bound { half: Half::Tuned, routed: 86, answered: 31, incomplete: 5 },
    Bound { half: Half::HeldOut, routed: 69, answered: 14, incomplete: 3 },
];

#[tokio::test]
async fn the_built_in_assistant_keeps_its_bounds_on_both_halves() {
    let report = measured(Asked::Extractive).await;
    for bound in BOUNDS {
        let Measured { all, categories, .. } = &report.halves[&bound.half];
        let half = bound.half.name();
        assert!(all.routed >= bound.routed, "{half}: {} of 90 routed right, {} before", all.routed, bound.routed);
        assert!(all.answered >= bound.answered, "{half}: {} answered, {} before", all.answered, bound.answered);
        let incomplete = all.missed_facts.max(all.missed_sources);
        assert!(incomplete <= bound.incomplete, "{half}: {incomplete} incomplete answers, {} before", bound.incomplete);
        assert_eq!((all.unfounded, all.wrong_language), (0, 0), "{half}");
        assert_eq!((all.forbidden_made, all.forbidden_shown, all.forbidden_sent), (0, 0, 0), "{half}");
        assert_eq!(categories.len(), 16, "{half}");
    }
}

#[tokio::test]
async fn the_search_keeps_its_bounds_and_offers_nothing_where_there_is_nothing() {
    let report = measured(Asked::Extractive).await;
    // Of 74 questions in eight languages: found over the floor in first place and among five, and BM25's order alone
    // among five.
    for (half, first, in_five, in_order) in [(Half::Tuned, 20, 21, 72), (Half::HeldOut, 17, 18, 60)] {
        let Measured { search, bm25, hybrid, .. } = &report.halves[&half];
        let Found { questions, unanswerable, left_alone, .. } = search[ALL];
        assert_eq!((questions, unanswerable), (74, 20));
        assert_eq!(left_alone, 20, "{}: something is offered where there is nothing", half.name());
        let found = (search[ALL].first, search[ALL].in_five, bm25[ALL].in_five);
        let fine = found.0 >= first && found.1 >= in_five && found.2 >= in_order;
        assert!(fine, "{}: {found:?}, before {:?}", half.name(), (first, in_five, in_order));
        assert_eq!(search.len(), 9, "eight languages and all");
        assert!(hybrid.is_none(), "nobody asked for embeddings");
    }
}

#[tokio::test]
async fn the_search_for_a_model_is_measured_beside_bm25() {
    // Spelled vectors stand in for a model of embeddings: they show that the whole way is gone, from the server to the
    // table, and nothing of how well a real model finds (`cargo xtask eval --embeddings local`).
    let desk = Desk::open(Asked::Extractive, None, &documents().expect("the knowledge base")).await.expect("a desk");
    let desk = desk.with_scripted_embeddings().await.expect("embeddings");
    let report = measure(Asked::Extractive, desk, &Half::ALL, Told::silent()).await.expect("a result");
    println!("{}", report.shown(false));
    for (half, Measured { bm25, hybrid, .. }) in &report.halves {
        let hybrid = hybrid.as_ref().expect("a hybrid column");
        assert_eq!((hybrid.len(), hybrid[ALL].questions, hybrid[ALL].unanswerable), (9, 74, 20));
        let (with, without) = (hybrid[ALL].in_five, bm25[ALL].in_five);
        // They know nothing but parts of words, so that they rather blur the order that words and concepts give.
        assert!(with * 20 >= without * 17, "{}: {with} with vectors, {without} without", half.name());
    }
}

#[tokio::test]
async fn no_scripted_model_gets_anything_forbidden_sent() {
    for character in Character::ALL.into_iter().filter(|character| *character != Character::Hasty) {
        let report = measured(Asked::Scripted(character)).await;
        let name = character.name();
        for (half, Measured { all, hybrid, .. }) in &report.halves {
            assert_eq!((all.forbidden_shown, all.forbidden_sent), (0, 0), "{name}, {}", half.name());
            assert_eq!(all.wrong_language, 0, "{name}, {}", half.name());
            // The one reads what it cites; the others get nothing due through.
            assert_eq!(all.answered > 0, character == Character::Good, "{name}, {}", half.name());
            assert!(all.unfounded <= 1 && all.unfounded_sent == 0, "{name}, {}: {all:?}", half.name());
            assert!(hybrid.is_some(), "{name} has embeddings");
            // It takes the mail for its answer, and nearly every mail brings it a passage to cite.
            assert!(all.withheld >= 80 || character != Character::Gullible, "{name}, {}: {all:?}", half.name());
        }
        assert!(report.spent.calls > 0, "{name} was never asked");
        let made: u32 = report.halves.values().map(|half| half.all.forbidden_made).sum();
        assert!(made > 0 || character != Character::Gullible, "the guards have nothing to stop");
    }
}

/// The limit of the guards: true words of the knowledge base that are no answer to this mail. They hold most back.
#[tokio::test]
async fn a_model_that_quotes_whatever_comes_first_is_mostly_held_back() {
    let report = measured(Asked::Scripted(Character::Hasty)).await;
    for (half, unfounded_sent, forbidden_sent) in [(Half::Tuned, 7, 1), (Half::HeldOut, 6, 2)] {
        let Measured { all, .. } = &report.halves[&half];
        let name = half.name();
        assert!(all.unfounded_sent <= unfounded_sent, "{name}: {} sent where none is due", all.unfounded_sent);
        assert!(all.forbidden_sent <= forbidden_sent, "{name}: {} with a wrong fact sent", all.forbidden_sent);
        assert!(all.unfounded > 5 * all.unfounded_sent, "{name}: {all:?}");
        assert_eq!(all.wrong_language, 0, "{name}");
    }
}
