//! What a mail asks: its sentences that are questions or requests, in order, and the rest as their context.

use crate::concerns::contains;
use crate::text::{fold, sentences, words};

/// A sentence that asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask<'t> {
    pub text: &'t str,
    /// The sentence before it in the same mail: what `it` refers to.
    pub before: Option<&'t str>,
}

#[derive(Debug, Default)]
pub struct Reading<'t> {
    pub asks: Vec<Ask<'t>>,
    pub statements: Vec<&'t str>,
}

/// Words that begin a question even without its mark.
const OPENERS: &[&str] = &[
    "how",
    "what",
    "when",
    "where",
    "which",
    "who",
    "why",
    "do you",
    "does",
    "is there",
    "are there",
    "is it",
    "are you",
    "can i",
    "can you",
    "could you",
    "could i",
    "may i",
    "will you",
    "would you",
    "is the",
    "are the",
    "wie",
    "was kostet",
    "was ist",
    "wann",
    "wo",
    "welche*",
    "wer",
    "warum",
    "gibt es",
    "haben sie",
    "kann ich",
    "kann man",
    "konnen sie",
    "konnten sie",
    "liefern sie",
    "bieten sie",
    "ist es",
    "wieviel",
    "darf ich",
    "combien",
    "quand",
    "comment",
    "quel",
    "quelle",
    "quels",
    "quelles",
    "est ce",
    "puis je",
    "pouvez vous",
    "pourriez vous",
    "y a t il",
    "avez vous",
    "livrez vous",
    "qu est ce",
    "a quelle",
    "cuanto",
    "cuanta",
    "cuantos",
    "cuando",
    "como",
    "donde",
    "cual",
    "cuales",
    "que",
    "hacen",
    "puedo",
    "pueden",
    "tienen",
    "hay",
    "a que",
    "se puede",
    "quanto",
    "quanti",
    "quando",
    "come",
    "dove",
    "quale",
    "quali",
    "posso",
    "potete",
    "avete",
    "qual",
    "quais",
    "onde",
    "tem",
    "voces",
    "hoe",
    "wat",
    "wanneer",
    "waar",
    "welke",
    "kan ik",
    "kunt u",
    "heeft u",
    "hebben jullie",
    "hur",
    "vad",
    "nar",
    "var",
    "vilka",
    "kan jag",
    "finns det",
    "hvor",
    "hvad",
    "hvornar",
    "hva",
    "kan jeg",
    "findes der",
    "kuinka",
    "milloin",
    "missa",
    "onko",
    "voinko",
    "paljonko",
    "mennyi*",
    "mikor",
    "hol",
    "hogyan",
    "meddig",
    "cat",
    "cand",
    "unde",
    "cum",
    "care",
    "сколько",
    "когда",
    "где",
    "как",
    "какой",
    "какая",
    "какие",
    "можно",
    "есть ли",
    "ne kadar",
    "nasil",
    "nerede",
    "ile",
    "kiedy",
    "gdzie",
    "jak",
    "czy",
];

/// Words anywhere in a sentence that make it a request.
const REQUESTS: &[&str] = &[
    "please",
    "i need",
    "we need",
    "i want",
    "we want",
    "i would like",
    "we would like",
    "i d like",
    "we d like",
    "i wish to",
    "i wonder",
    "i was wondering",
    "i am wondering",
    "i m wondering",
    "let me know",
    "tell me",
    "want to know",
    "looking for",
    "interested in",
    "wanted to ask",
    "my question",
    "question is",
    "can you",
    "could you",
    "would you",
    "do you",
    "send me",
    "change my",
    "update my",
    "i have to",
    "i must have",
    "bitte",
    "ich brauche",
    "wir brauchen",
    "ich mochte",
    "wir mochten",
    "ich will",
    "ich wurde gern*",
    "wurde gern*",
    "hatte gern*",
    "ich suche",
    "wir suchen",
    "mich interessiert",
    "interessiere mich",
    "frage mich",
    "wollte fragen",
    "wollte wissen",
    "wusste gern*",
    "teilen sie mir",
    "sagen sie mir",
    "konnen sie",
    "konnten sie",
    "schicken sie",
    "senden sie",
    "s il vous plait",
    "svp",
    "merci de",
    "je voudrais",
    "j aimerais",
    "nous aimerions",
    "nous voudrions",
    "je souhaite*",
    "nous souhaitons",
    "je veux",
    "j ai besoin",
    "nous avons besoin",
    "je cherche",
    "je me demande*",
    "pouvez vous",
    "pourriez vous",
    "dites moi",
    "envoyez moi",
    "veuillez",
    "por favor",
    "quisiera",
    "quisieramos",
    "quiero",
    "queremos",
    "me gustaria",
    "nos gustaria",
    "necesito",
    "necesitamos",
    "busco",
    "estoy buscando",
    "me interesa",
    "querria",
    "digame",
    "envienme",
    "podrian",
    "podria",
    "me pregunto",
    "per favore",
    "vorrei",
    "vorremmo",
    "voglio",
    "ho bisogno",
    "cerco",
    "mi interessa",
    "potreste",
    "mandatemi",
    "gostaria",
    "quero",
    "preciso",
    "procuro",
    "poderia*",
    "graag",
    "alstublieft",
    "ik wil",
    "wij willen",
    "ik heb nodig",
    "ik zoek",
    "kunt u",
    "jag vill",
    "jag undrar",
    "jag behover",
    "snalla",
    "jeg vil",
    "jeg onsker",
    "jeg vil gerne",
    "jeg lurer",
    "jeg trenger",
    "jeg har brug",
    "haluaisin",
    "haluan",
    "tarvitsen",
    "szeretnek",
    "szeretnem",
    "kerem",
    "as dori",
    "vreau",
    "am nevoie",
    "va rog",
    "пожалуйста",
    "хочу",
    "хотел*",
    "нужно",
    "нужен",
    "нужна",
    "подскажите",
    "скажите",
    "lutfen",
    "istiyorum",
    "gerekiyor",
    "prosze",
    "chcial*",
    "potrzebuje",
    "してください",
    "お願い",
    "ください",
    "教えて",
    "请",
    "請",
    "想问",
    "부탁",
    "알려",
];

/// Courtesy that holds a request's words and asks nothing: `let me know`, `merci d'avance`.
const COURTESY: &[&str] = &[
    "thank you in advance",
    "thanks in advance",
    "many thanks",
    "looking forward",
    "look forward",
    "how are you",
    "hope you are",
    "please find",
    "please let me know",
    "please advise",
    "kind regards",
    "best regards",
    "vielen dank",
    "danke im voraus",
    "besten dank",
    "mit freundlichen",
    "merci d avance",
    "merci beaucoup",
    "dans l attente",
    "bien cordialement",
    "veuillez agreer",
    "veuillez recevoir",
    "gracias de antemano",
    "muchas gracias",
    "quedo a la espera",
    "un saludo",
    "grazie mille",
    "grazie in anticipo",
    "cordiali saluti",
    "obrigado desde ja",
    "alvast bedankt",
    "met vriendelijke",
    "tack pa forhand",
    "pa forhand takk",
    "pa forhand tak",
    "よろしくお願い",
];

const GREETINGS: &[&str] = &[
    "hi", "hello", "hey", "dear", "team", "hallo", "bonjour", "salut", "hola", "buenas", "buenos", "dias", "tardes",
    "ciao", "ola", "hej", "hei", "moi", "so", "also", "and", "und", "et", "y",
];

/// Where a sentence goes over to its next question.
const JOINTS: &[&str] = &[
    " and how",
    " and what",
    " and when",
    " and where",
    " and do ",
    " and does ",
    " and is ",
    " and are ",
    " and can ",
    " and could ",
    " and which",
    " and who",
    ", and ",
    " also, ",
    "; ",
    " und wie",
    " und was",
    " und wann",
    " und wo",
    " und gibt",
    " und kann",
    " und haben",
    " und welche",
    " und liefern",
    " et combien",
    " et quand",
    " et comment",
    " et quel",
    " et est-ce",
    " et où",
    " et puis-je",
    " et livrez",
    " et peut-on",
    " et avez",
    " y cuánt",
    " y cuant",
    " y cuándo",
    " y cuando",
    " y cómo",
    " y como",
    " y dónde",
    " y qué",
    " y cuál",
    " y hacen",
    " y puedo",
    " y tienen",
    " y a qué",
    " y a que",
    " e quanto",
    " e quando",
    " e come",
    " e dove",
    " e onde",
    " e como",
    " e posso",
    " e qual",
    " en hoe",
    " en wanneer",
    " en wat",
    " en waar",
    " en kan",
    " och hur",
    " och när",
    " och vad",
    " og hvor",
    " og hvad",
    " og hva ",
    " og når",
    " og hvornår",
    " ja kuinka",
    " ja milloin",
    " és mikor",
    " és mennyi",
    " și când",
    " și cât",
    " и сколько",
    " и когда",
    " и как",
    " ve ne ",
    " i ile",
    " i kiedy",
    " i jak",
];

/// Joints between two subjects of one question (`shipping costs and opening hours`).
const SUBJECT_JOINTS: &[&str] = &[
    " and ", " & ", " und ", " sowie ", " et ", " y ", " e ", " en ", " och ", " og ", " ja ", " és ", " și ", " и ",
    " ve ", " i ", ", ",
];

pub fn read(text: &str) -> Reading<'_> {
    let mut reading = Reading::default();
    let mut last = None;
    for sentence in sentences(text) {
        for piece in split_at(sentence, JOINTS, true) {
            let before = last.replace(piece);
            if asks(piece) {
                // What leads up to the question is its context: `In a hurry: where is it printed?`
                match lead(piece) {
                    Some((led, text)) => {
                        reading.asks.push(Ask { text, before: Some(led) });
                        reading.statements.push(led);
                    }
                    None => reading.asks.push(Ask { text: piece, before }),
                }
            } else {
                reading.statements.push(piece);
            }
        }
    }
    reading
}

/// A sentence cut before the clause that begins its question, where what stands ahead asks nothing itself.
fn lead(sentence: &str) -> Option<(&str, &str)> {
    let marks = [": ", ", ", "; ", " - ", " – "];
    let mut cuts: Vec<usize> =
        marks.iter().flat_map(|mark| sentence.match_indices(mark).map(|(at, mark)| at + mark.len())).collect();
    cuts.sort_unstable();
    cuts.into_iter().find_map(|cut| {
        let (head, tail) = sentence.split_at(cut);
        let long = head.split_whitespace().count() >= 3 && tail.split_whitespace().count() >= 3;
        let asked = sentence.contains(['?', '？']) || head.trim_end().ends_with(':');
        // `If I return it, how much …` is one question.
        let condition = CONDITIONS.contains(&fold(head).split_whitespace().next().unwrap_or_default());
        (long && asked && !condition && !asks(head) && begins_question(tail)).then(|| (head.trim(), tail.trim()))
    })
}

/// Words that begin a condition, which belongs to the question after it.
const CONDITIONS: &[&str] =
    &["if", "when", "wenn", "falls", "si", "quand", "cuando", "se", "quando", "als", "wanneer", "jesli", "gdyby", "a"];

/// The parts of a question that names several subjects; one part when it names one.
pub fn subjects(ask: &str) -> Vec<&str> {
    split_at(ask, SUBJECT_JOINTS, false)
}

/// A sentence of thanks.
pub fn thanks(sentence: &str) -> bool {
    const THANKS: &[&str] = &[
        "thank*",
        "danke*",
        "dank",
        "merci",
        "gracias",
        "grazie",
        "obrigad*",
        "bedankt",
        "tack",
        "tak",
        "takk",
        "kiitos",
        "koszon*",
        "multumesc",
        "спасибо",
        "tesekkur*",
        "dzieku*",
        "ありがとう",
        "谢谢",
        "謝謝",
        "감사",
    ];
    let folded = fold(sentence);
    let tokens: Vec<String> = words(&folded).map(str::to_owned).collect();
    THANKS.iter().any(|phrase| contains(&tokens, &folded, phrase))
}

/// A question mark, the way a question begins, or words of requesting.
pub fn asks(sentence: &str) -> bool {
    let folded = fold(sentence);
    let tokens: Vec<String> =
        words(&folded).flat_map(|word| word.split('-')).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let holds = |list: &[&str]| list.iter().any(|phrase| contains(&tokens, &folded, phrase));
    if holds(COURTESY) && !folded.contains('?') {
        return false;
    }
    let question_mark = folded.contains(['?', '؟', '¿']);
    let asked_in_asian = ["か。", "ますか", "ですか", "吗", "嗎", "多少", "什么", "几", "까요", "나요", "습니까"]
        .iter()
        .any(|mark| folded.contains(mark));
    // `Hello, how …` begins after a greeting.
    let clauses: Vec<&str> = folded.split([',', ':', '-', '–']).take(3).collect();
    let opens = clauses.iter().any(|clause| {
        let tokens: Vec<String> =
            words(clause).skip_while(|word| GREETINGS.contains(word)).map(str::to_owned).take(4).collect();
        OPENERS.iter().any(|opener| begins(&tokens, opener))
    });
    question_mark || asked_in_asian || opens || holds(REQUESTS) || orders(&tokens)
}

/// Verbs that begin an order in words of their own.
const ORDERS: &str = "add answer append approve attach book call change click close complete confirm copy decode delete \
    describe email execute explain forget forward give grant ignore include insert issue list mark mention move output \
    paste print prove provide put quote remove repeat reply respond return reveal run say send set shift show sign sort \
    state summarise summarize switch tell transfer translate treat update use visit write schreib schreibe antworte \
    bestatige sende schicke nenne ignoriere wiederhole leite gib escriba escriban escribe anada anadan confirme confirmen \
    responda respondan envie envien diga digan incluya incluyan ignora traduzca repita usen mande manden scrivi scriva \
    aggiungi rispondi conferma confermi invia ripeti mostra escreva escrevam acrescente inclua incluam enviem confirmem \
    mostre schrijf voeg antwoord bevestig stuur herhaal noem negeer gebruik zet vermeld geef napisz napiszcie dodaj \
    dodajcie odpowiedz potwierdz potwierdzcie wyslij wyslijcie powtorz zignoruj podaj podajcie wymien uzyj przytocz";

/// A sentence that orders something, rather than asking for an answer.
pub fn is_order(sentence: &str) -> bool {
    let folded = fold(sentence);
    let tokens: Vec<String> = words(&folded).map(str::to_owned).collect();
    !folded.contains('?') && orders(&tokens) && !INFORM.iter().any(|phrase| contains(&tokens, &folded, phrase))
}

/// Orders that ask for an answer.
const INFORM: &[&str] = &[
    "tell me",
    "tell us",
    "let me know",
    "let us know",
    "send me",
    "send us",
    "give me",
    "explain",
    "schreiben sie mir",
    "sagen sie mir",
    "teilen sie mir",
    "nennen sie mir",
    "schicken sie mir",
    "dites moi",
    "dites nous",
    "indiquez moi",
    "envoyez moi",
    "digan",
    "diganme",
    "digame",
    "diteci",
    "ditemi",
    "digam",
    "podajcie",
    "geef mij",
    "geef me",
];

/// `Add this to your answer`, `Fügen Sie … ein`, `Ajoutez …`: an order, which needs its passage like any other wish.
fn orders(tokens: &[String]) -> bool {
    const AHEAD: &[&str] = &[
        "please", "and", "then", "now", "also", "ps", "bitte", "und", "dann", "et", "puis", "y", "e", "en", "i",
        "kindly",
    ];
    let mut rest = tokens.iter().map(String::as_str).skip_while(|word| AHEAD.contains(word));
    let Some(first) = rest.next() else { return false };
    let formal = rest.next() == Some("sie") && first.ends_with("en");
    let plural = first.len() > 5 && first.ends_with("ez");
    tokens.len() > 2 && (formal || plural || ORDERS.split_whitespace().any(|verb| verb == first))
}

fn begins(tokens: &[String], opener: &str) -> bool {
    let mut parts = 0;
    opener.split(' ').zip(tokens).all(|(part, token)| {
        parts += 1;
        part.strip_suffix('*').map_or(token == part, |start| token.starts_with(start))
    }) && parts == opener.split(' ').count()
}

fn split_at<'t>(sentence: &'t str, joints: &[&str], both_must_ask: bool) -> Vec<&'t str> {
    let lower = sentence.to_lowercase();
    // Lower-casing may change lengths (`İ`); then positions would not fit.
    if lower.len() != sentence.len() {
        return vec![sentence];
    }
    let mut cuts: Vec<usize> =
        joints.iter().flat_map(|joint| lower.match_indices(joint).map(|(at, _)| at).collect::<Vec<_>>()).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut out = Vec::new();
    let mut start = 0;
    for cut in cuts.into_iter().filter(|cut| sentence.is_char_boundary(*cut)).take(8) {
        if cut < start {
            continue;
        }
        let (head, tail) = (&sentence[start..cut], &sentence[cut..]);
        let enough = |piece: &str| piece.chars().filter(|c| c.is_alphabetic()).count() >= 3;
        if enough(head) && enough(tail) && (!both_must_ask || (asks(head) && begins_question(tail))) {
            out.push(head.trim());
            start = cut;
        }
    }
    out.push(sentence[start..].trim());
    out
}

fn begins_question(tail: &str) -> bool {
    let folded = fold(tail);
    let tokens: Vec<String> = words(&folded)
        .map(str::to_owned)
        .skip_while(|word| {
            matches!(
                word.as_str(),
                "and" | "und" | "et" | "y" | "e" | "en" | "och" | "og" | "ja" | "es" | "si" | "и" | "ve" | "i" | "also"
            )
        })
        .take(4)
        .collect();
    OPENERS.iter().any(|opener| begins(&tokens, opener))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Vec<&str> {
        read(text).asks.into_iter().map(|ask| ask.text).collect()
    }

    #[test]
    fn questions_and_requests_are_told_from_the_rest() {
        let mail = "Hello,\nI bought a lamp last week. How long is the warranty? Please send me the manual.\nThank you in advance!\nBest regards";
        assert_eq!(asked(mail), ["How long is the warranty?", "Please send me the manual."]);
        assert!(asked("Thanks a lot, that helped!").is_empty());
    }

    #[test]
    fn one_sentence_may_hold_two_questions() {
        assert_eq!(
            asked("How much is shipping and when are you open?"),
            ["How much is shipping", "and when are you open?"]
        );
        assert_eq!(
            asked("Wie lange dauert die Lieferung und was kostet sie?"),
            ["Wie lange dauert die Lieferung", "und was kostet sie?"]
        );
    }

    #[test]
    fn the_context_is_what_was_said_before() {
        let reading = read("I have an old kettle. Can I return it?");
        assert_eq!(reading.asks[0].before, Some("I have an old kettle."));
    }

    #[test]
    fn questions_without_a_mark() {
        assert_eq!(asked("hi how long does delivery take"), ["hi how long does delivery take"]);
        assert_eq!(asked("how long does delivery take"), ["how long does delivery take"]);
        assert_eq!(asked("请问运费是多少"), ["请问运费是多少"]);
    }
}
