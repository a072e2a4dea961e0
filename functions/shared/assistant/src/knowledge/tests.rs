use super::*;

fn document(id: &str, text: &str) -> KnowledgeDocument {
    KnowledgeDocument { id: id.to_owned(), title: "Guide".to_owned(), text: text.to_owned(), version: 1 }
}

const GUIDE: &str = "# Guide\n\n## Delivery times\n\nStandard delivery takes 3 to 5 working days within the country.\n\n\
    ## Delivery costs\n\nDelivery costs 4.90 €. It is free from 50 €.\n\n## Colours of the lamp\n\nThe lamp Nordlicht comes in white and in green.";

#[test]
fn a_paraphrase_finds_the_passage_and_its_title() {
    let index = Index::build(&[document("guide", GUIDE)]);
    let hits = index.search("How many days until my parcel arrives?", 3);
    assert_eq!(hits[0].id, "guide#1");
    assert_eq!(hits[0].title, "Guide > Delivery times");
    assert_eq!(hits[0].language, "en");
    assert!(hits[0].score >= FLOOR);
}

#[test]
fn cost_and_duration_of_the_same_thing_are_told_apart() {
    let index = Index::build(&[document("guide", GUIDE)]);
    assert_eq!(index.search("How much do you charge for shipping?", 1)[0].id, "guide#2");
    assert_eq!(index.search("How long does shipping take?", 1)[0].id, "guide#1");
    let no_prices = Index::build(&[document(
        "guide",
        "# Guide\n\n## Delivery times\n\nStandard delivery takes 3 to 5 working days.\n\n## Lamp\n\nThe lamp is white and it is nice to have.",
    )]);
    assert!(no_prices.search("How much do you charge for shipping?", 1).is_empty());
}

#[test]
fn nothing_counts_when_the_question_is_about_something_else() {
    let index = Index::build(&[document("guide", GUIDE)]);
    for question in [
        "Do you ship to Norway?",
        "How long does delivery to norway take?",
        "Is the lamp Nordlicht waterproof?",
        "Where is my delivery 4711234?",
        "Do you sell gift cards?",
        "",
        "??",
    ] {
        assert!(index.search(question, 3).is_empty(), "{question}");
    }
}

#[test]
fn a_search_never_crosses_languages() {
    let german = "# Hilfe\n\n## Lieferzeit\n\nDie Lieferung innerhalb des Landes dauert in der Regel drei bis fünf Werktage und kostet nichts.";
    let index = Index::build(&[document("guide", GUIDE), document("hilfe", german)]);
    assert_eq!(index.languages(), ["de", "en"]);
    assert_eq!(
        index.search("Wie lange dauert der Versand?", 5).iter().map(|hit| hit.id.as_str()).collect::<Vec<_>>(),
        ["hilfe#1"]
    );
    assert!(index.search("Combien de temps prend la livraison ?", 5).is_empty());
}

#[test]
fn chinese_is_searched_by_pairs() {
    let index = Index::build(&[document(
        "zh",
        "# 帮助\n\n## 运费\n\n运费为十元，满一百元包邮。\n\n## 营业时间\n\n营业时间为上午九点到下午六点。",
    )]);
    assert_eq!(index.search("请问营业时间是什么？", 3)[0].id, "zh#2");
}

#[test]
fn thousands_of_passages_and_the_cap() {
    let text: String = (0..MAX_PASSAGES + 5).map(|n| format!("## Part {n}\n\nAbout part {n}.\n\n")).collect();
    let index = Index::build(&[document("big", &text)]);
    assert_eq!((index.len(), index.skipped()), (MAX_PASSAGES, 5));
}

#[test]
fn an_empty_base_is_no_error() {
    assert!(Index::build(&[]).is_empty());
    assert!(Index::build(&[document("e", "")]).search("How long does delivery take?", 3).is_empty());
}

#[test]
fn a_word_said_in_passing_is_no_subject() {
    let text = "# Guide\n\n## Returns\n\nYou can return goods within 30 days of delivery.\n\n## Shipping costs\n\nShipping costs 4.90 €.\n\n\
        ## Payment\n\nYou can pay by card.\n\nQ: Can I track my parcel?\nA: Yes, with the number in the confirmation.";
    let index = Index::build(&[document("guide", text)]);
    for question in [
        "How long does delivery take?",
        "Can I pay on delivery?",
        "Can I exchange an item?",
        "Do you have goods?",
        "Do you have goods and a confirmation?",
    ] {
        assert!(index.search(question, 3).is_empty(), "{question}");
    }
}
