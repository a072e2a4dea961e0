use super::*;
use channel::assistant::KnowledgeDocument;

const GUIDE: &str = "# Guide\n\n## Delivery times\n\nStandard delivery takes 3 to 5 working days within the country.\n\n\
    ## Delivery costs\n\nDelivery costs 4.90 €. It is free from 50 €.\n\n## Colours of the lamp\n\nThe lamp Nordlicht comes in white and in green.";
const HILFE: &str = "# Hilfe\n\n## Lieferzeit\n\nDie Lieferung innerhalb des Landes dauert in der Regel drei bis fünf Werktage und kostet nichts.";

fn index(documents: &[(&str, &str)]) -> Index {
    let document = |(id, text): &(&str, &str)| KnowledgeDocument {
        id: (*id).to_owned(),
        title: "Guide".to_owned(),
        text: (*text).to_owned(),
        version: 1,
    };
    Index::build(&documents.iter().map(document).collect::<Vec<_>>())
}

/// Each passage points into a direction of its own, in the order of their ids.
fn axes(index: &Index) -> Vectors {
    let mut vectors = Vectors::of_model("axes");
    let mut wanted: Vec<(String, Key)> =
        index.passages_in(&index.languages()).map(|(_, passage)| (passage.id.clone(), Key::of(passage))).collect();
    wanted.sort();
    for (at, (_, key)) in wanted.iter().enumerate() {
        let mut vector = vec![0.0; wanted.len()];
        vector[at] = 0.5;
        vectors.insert(*key, &vector).unwrap();
    }
    vectors
}

fn ids(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.id.as_str()).collect()
}

fn asked(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

#[test]
fn a_model_is_offered_what_is_below_the_floor_of_quotations() {
    let index = index(&[("guide", GUIDE)]);
    let question = "My sister marries on Saturday, would the delivery of a green lamp still arrive before the party?";
    assert!(index.search(question, 5).is_empty());
    assert!(!index.offered("en", &asked(question), None, 5).is_empty());
}

#[test]
fn nonsense_is_offered_nothing() {
    let index = index(&[("guide", GUIDE)]);
    let long = "Yesterday my cousin climbed a mountain while clouds gathered above valleys, rivers murmured, shepherds sang, \
                bells rang and a lamp burned behind some window of some distant village where nobody answered.";
    for question in ["What is the airspeed of an unladen swallow?", "asdf qwer zxcv", "", "???", long] {
        assert_eq!(ids(&index.offered("en", &asked(question), None, 5)), Vec::<&str>::new(), "{question}");
    }
}

#[test]
fn another_language_is_never_offered() {
    let both = index(&[("guide", GUIDE), ("hilfe", HILFE)]);
    let found = both.offered("de", &asked("Wie lange dauert der Versand der Lampe Nordlicht?"), None, 5);
    assert!(!found.is_empty() && found.iter().all(|hit| hit.language == "de"), "{found:?}");
    let meaning = Meaning { vectors: Arc::new(axes(&both)), questions: vec![vec![1.0; 4]], floor: 0.0 };
    assert!(both.offered("sv", &asked("Finns lampan Nordlicht i rött?"), Some(&meaning), 5).is_empty());
    // Where it cannot be told, all are looked through.
    assert_eq!(both.offered(UNDETERMINED, &asked("Nordlicht?"), Some(&meaning), 5).len(), 4);
}

#[test]
fn meaning_finds_what_shares_no_word_and_the_floor_holds() {
    let index = index(&[("guide", GUIDE)]);
    let meaning =
        |vector: &[f32], floor| Meaning { vectors: Arc::new(axes(&index)), questions: vec![vector.to_vec()], floor };
    let question = asked("When will the postwoman ring?");
    assert!(index.offered("en", &question, None, 5).is_empty());
    assert_eq!(ids(&index.offered("en", &question, Some(&meaning(&[1.0, 0.2, 0.0], 0.5)), 5)), ["guide#1"]);
    assert!(index.offered("en", &question, Some(&meaning(&[0.5, 0.5, 0.5], 0.9)), 5).is_empty());
    // A vector of another length says nothing.
    assert!(index.offered("en", &question, Some(&meaning(&[1.0, 0.0], 0.5)), 5).is_empty());
}

#[test]
fn a_passage_that_both_orders_know_comes_before_the_first_of_one() {
    let index = index(&[("guide", GUIDE)]);
    let question = asked("What are the costs of delivery?");
    let by_words = index.offered("en", &question, None, 5);
    assert_eq!(ids(&by_words)[..2], ["guide#2", "guide#1"]);
    let meaning = Meaning { vectors: Arc::new(axes(&index)), questions: vec![vec![0.9, 0.3, 1.0]], floor: 0.5 };
    // Third by meaning first, first by meaning second, and second by words: that one has both.
    assert_eq!(ids(&index.offered("en", &question, Some(&meaning), 5))[0], "guide#1");
}

#[test]
fn each_question_brings_its_own_first_passage() {
    let index = index(&[("guide", GUIDE)]);
    let questions = ["What does delivery cost?".to_owned(), "Which colours has the lamp?".to_owned()];
    let found = index.offered("en", &questions, None, 2);
    assert_eq!(ids(&found), ["guide#2", "guide#3"]);
}

#[test]
fn vectors_are_stored_and_read_again() {
    let index = index(&[("guide", GUIDE)]);
    let vectors = axes(&index);
    let text = serde_json::to_string(&vectors).unwrap();
    let read: Vectors = serde_json::from_str(&text).unwrap();
    assert_eq!(read, vectors);
    assert_eq!((read.model(), read.len(), read.dimension()), ("axes", 3, Some(3)));
    assert!(index.without(&read, 10).is_empty());
    let short = text.replace("\"dimension\":3", "\"dimension\":4");
    assert!(serde_json::from_str::<Vectors>(&short).unwrap_err().to_string().contains("length"));
}

#[test]
fn only_what_changed_wants_a_vector() {
    let before = index(&[("guide", GUIDE)]);
    let mut vectors = axes(&before);
    let after = index(&[("guide", &GUIDE.replace("4.90", "5.90"))]);
    let wanted = after.without(&vectors, 10);
    assert_eq!(wanted.len(), 1);
    assert!(
        wanted[0].text.contains("5.90") && wanted[0].text.starts_with("Guide > Delivery costs"),
        "{}",
        wanted[0].text
    );
    vectors.keep(&after.keys());
    assert_eq!(vectors.len(), 2);
}

#[test]
fn a_vector_that_points_nowhere_is_refused() {
    let index = index(&[("guide", GUIDE)]);
    let key = index.without(&Vectors::default(), 1)[0].key;
    let mut vectors = axes(&index);
    for bad in
        [vec![f32::NAN, 1.0, 0.0], vec![f32::INFINITY, 1.0, 0.0], vec![0.0; 3], vec![], vec![1.0; 4], vec![1.0; 5_000]]
    {
        assert!(vectors.insert(key, &bad).is_err(), "{} numbers", bad.len());
    }
    assert_eq!(vectors, axes(&index));
}

#[test]
fn a_byte_for_a_number_keeps_the_angle() {
    let vector: Vec<f32> = (0_u16..384).map(|n| (f32::from(n) * 0.7).sin() * 0.05).collect();
    let other: Vec<f32> = (0_u16..384).map(|n| (f32::from(n) * 0.7 + 0.6).sin() * 0.05).collect();
    let exact = {
        let dot: f32 = vector.iter().zip(&other).map(|(a, b)| a * b).sum();
        let length = |v: &[f32]| v.iter().map(|a| a * a).sum::<f32>().sqrt();
        dot / (length(&vector) * length(&other))
    };
    assert!((cosine(&vector, &packed(&vector).unwrap()) - 1.0).abs() < 1e-3);
    assert!((cosine(&vector, &packed(&other).unwrap()) - exact).abs() < 5e-3);
}
