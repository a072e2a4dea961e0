use super::{answer, bytes, files, fixtures, json, squeezed};
use mime::read;
use serde_json::Value;

/// Cases in which we differ, each with the reason.
const CRISP_KNOWN: &[(&str, &str)] = &[(
    "test_email_with_italian",
    "a gateway wrapped quoted lines in the middle of words; their tails stand without a mark and stay the author's",
)];

#[test]
fn first_fragment_of_many_clients_and_languages() {
    let cases = json("crisp/cases-first-fragment.json");
    let cases = cases.as_array().unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let name = case["test"].as_str().unwrap();
        let body = bytes(format!("crisp/{}", case["fixture"].as_str().unwrap()));
        let mail = read(&answer("text/plain", &String::from_utf8_lossy(&body))).unwrap();
        let expected = case["expected_first_fragment_trimmed"].as_str().unwrap();
        if squeezed(&mail.text) != squeezed(expected) {
            println!("{name}: {:?}", mail.text);
            wrong.push(name);
        }
    }
    println!("first fragment: {} of {}", cases.len() - wrong.len(), cases.len());
    let known: Vec<&str> = CRISP_KNOWN.iter().map(|(name, _)| *name).collect();
    assert_eq!(wrong, known);
}

/// What each bounce, report and automatic answer says must keep every machine from answering it.
#[test]
fn machines_are_never_answered() {
    let labels = json("sisimai/labels.json");
    let labels = labels.as_array().unwrap();
    let mut missed = Vec::new();
    for label in labels {
        let file = label["file"].as_str().unwrap();
        let mail = read(&bytes(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        if mail.headers.suppression.is_empty() {
            missed.push(file.to_owned());
        }
    }
    println!("never answered: {} of {}", labels.len() - missed.len(), labels.len());
    assert_eq!(missed, Vec::<String>::new());
}

#[test]
fn mails_in_the_wild_read_the_same_with_either_line_end() {
    let all = files("mail-parser", ".eml");
    let mut compared = 0;
    for path in &all {
        let raw = std::fs::read(path).unwrap();
        // In UTF-16 a line end is no single byte that could be exchanged.
        if raw.to_ascii_lowercase().windows(6).any(|w| w == b"utf-16") {
            continue;
        }
        let unix = strip_cr(&raw);
        compared += 1;
        let dos = with_cr(&unix);
        let (a, b) = (read(&unix), read(&dos));
        let name = path.display();
        let (Ok(a), Ok(b)) = (a, b) else {
            panic!("{name} is not read");
        };
        assert_eq!((&a.text, &a.quoted, &a.signature), (&b.text, &b.quoted, &b.signature), "{name}");
        assert_eq!(a.headers, b.headers, "{name}");
        assert_eq!(a.obstacles, b.obstacles, "{name}");
        let described = |mail: &channel::mail::ReadMail| -> Vec<(u32, String)> {
            mail.attachments.iter().map(|one| (one.part, one.name.clone())).collect()
        };
        assert_eq!(described(&a), described(&b), "{name}");
        assert!(!a.text.contains(['\0', '\r', '\u{200b}', '\u{202e}']), "{name}");
    }
    println!("in the wild: {compared} of {}", all.len());
    assert!(compared + 3 >= all.len());
}

fn strip_cr(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    for (at, &b) in raw.iter().enumerate() {
        if b != b'\r' || raw.get(at + 1) != Some(&b'\n') {
            out.push(b);
        }
    }
    out
}

fn with_cr(unix: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(unix.len() + unix.len() / 20);
    for &b in unix {
        if b == b'\n' {
            out.push(b'\r');
        }
        out.push(b);
    }
    out
}

/// The author's part of each mail of the reply parsers' own collections, begun and ended as a reader sees it.
#[test]
fn replies_of_two_more_collections() {
    for (file, expected) in [
        ("github-reply/correct_sig.txt", "this is an email with a correct -- signature."),
        ("github-reply/email_1_4.txt", "Awesome! I haven't had another problem with it."),
        ("github-reply/email_1_7.txt", ":+1:"),
        ("crisp/test/fixtures/email_thread.txt", "This is new email reply in thread from bellow."),
        ("crisp/test/fixtures/email_unquoted_reply.txt", "This is my reply."),
        ("github-reply/email_1_8.txt", "I will reply under this one and under this."),
        ("github-reply/email_2_1.txt", "Outlook with a reply"),
        ("github-reply/email_2_2.txt", "Outlook with a reply directly above line"),
        ("github-reply/email_2_3.txt", "Outlook with a reply directly above line"),
        ("github-reply/email_iPhone.txt", "Here is another email"),
        ("github-reply/email_BlackBerry.txt", "Here is another email"),
        ("github-reply/email_multi_word_sent_from_my_mobile_device.txt", "Here is another email"),
        (
            "github-reply/email_sent_from_my_not_signature.txt",
            "Here is another email Sent from my desk, is much easier then my mobile phone.",
        ),
        (
            "github-reply/email_sig_delimiter_in_middle_of_line.txt",
            "Hi there! Stuff happened. And here is a fix -- this is not a signature. kthxbai",
        ),
        (
            "github-reply/email_one_is_not_on.txt",
            "Thank, this is really helpful. One outstanding question I had: Locally (on development), when I run...",
        ),
        ("reply-languages/email_danish_1.txt", "Hej Peter, Tak for din mail. Det lyder godt."),
        ("reply-languages/email_danish_2.txt", "Hej Hanne, Jeg har modtaget filerne."),
        ("reply-languages/email_danish_3.txt", "Hej, Svar."),
        ("reply-languages/email_danish_4.txt", "Hej, Svar."),
        ("reply-languages/email_danish_5.txt", "Hej, Svar."),
        ("reply-languages/email_3_1.txt", "First reply. This is fairly common; nothing too hard here!"),
        ("reply-languages/email_headers_no_delimiter.txt", "And another reply!"),
        ("reply-languages/email_nl_1_2.txt", "Outlook met een antwoord"),
        ("reply-languages/multi_header.txt", "No problem. I’ll just start a new order."),
        (
            "reply-languages/email_ja_1_2.txt",
            "田中様 お世話になっております。織田です。 それでは 11:00 にお待ちしております。 以上、よろしくお願いいたします",
        ),
        (
            "reply-languages/email_swedish_1.txt",
            "Hej Person A, Ursäkta mitt sena svar! Kan inte se att det står något om vilket företag det gäller?",
        ),
    ] {
        let mail = read(&answer("text/plain", &String::from_utf8_lossy(&bytes(file)))).unwrap();
        assert_eq!(squeezed(&mail.text), expected, "{file}");
    }
}

const QUOTEQUAIL_KNOWN: &[(&str, &str)] = &[(
    "quote_html-5",
    "an answer without a word above the quote: nothing of it is its author's, and a person looks at it",
)];

/// The plain and HTML cases of quoting and forwarding: what stands above and below is the author's.
#[test]
fn quotes_and_forwards() {
    let (mut run, mut wrong) = (0, Vec::new());
    for (file, media) in
        [("unwrap", "text/plain"), ("quote", "text/plain"), ("unwrap_html", "text/html"), ("quote_html", "text/html")]
    {
        let cases = json(&format!("quotequail/cases-{file}.json"));
        for (at, case) in cases.as_array().unwrap().iter().enumerate() {
            run += 1;
            let mut source = case["values"][0].as_str().unwrap().to_owned();
            if case["args"][0] == "file" {
                source = String::from_utf8(bytes(format!("quotequail/files/{source}"))).unwrap();
            }
            let mail = read(&answer(media, &source)).unwrap();
            let expected = if file.starts_with("unwrap") {
                unwrapped(&case["values"][1], &source, media)
            } else {
                shown(&case["values"][2], media)
            };
            let got = squeezed(
                &[Some(mail.text.clone()), mail.signature.clone()].into_iter().flatten().collect::<Vec<_>>().join(" "),
            );
            if got != squeezed(&expected) {
                println!("{file}-{at}: {got:?} not {:?}", squeezed(&expected));
                wrong.push(format!("{file}-{at}"));
            }
        }
    }
    println!("quotes and forwards: {} of {run}", run - wrong.len());
    let known: Vec<&str> = QUOTEQUAIL_KNOWN.iter().map(|(name, _)| *name).collect();
    assert_eq!(wrong, known);
}

fn plain(text: &str, media: &str) -> String {
    if media == "text/html" { mime::html_to_text(text) } else { text.to_owned() }
}

/// Above and below; of a forward without a word of the author, all of it.
fn unwrapped(case: &Value, source: &str, media: &str) -> String {
    let piece = |name: &str| case[name].as_str().map(|text| plain(text, media)).unwrap_or_default();
    let (top, bottom) = if media == "text/html" { ("html_top", "html_bottom") } else { ("text_top", "text_bottom") };
    let own = format!("{} {}", piece(top), piece(bottom));
    if own.trim().is_empty() { plain(source, media) } else { own }
}

/// The pieces that are marked to be shown.
fn shown(case: &Value, media: &str) -> String {
    let pieces = case.as_array().unwrap();
    let shown: Vec<String> =
        pieces.iter().filter(|p| p[0] == true).map(|p| plain(p[1].as_str().unwrap(), media)).collect();
    let shown = shown.join(" ");
    if shown.trim().is_empty() { pieces.iter().map(|p| plain(p[1].as_str().unwrap(), media)).collect() } else { shown }
}

/// Nothing of a hostile document but words becomes text.
#[test]
fn hostile_html_leaves_nothing_active() {
    let cases = json("dompurify/cases.json");
    for case in cases.as_array().unwrap() {
        let payload = case["payload"].as_str().unwrap();
        let mail = read(&answer("text/html", &format!("<p>before</p>{payload}"))).unwrap();
        assert!(mail.text.starts_with("before"), "{payload}");
        for url in mail.text.split('(').skip(1).filter(|piece| piece.contains("://")) {
            assert!(!url.starts_with("javascript") && !url.starts_with("data"), "{payload}");
        }
    }
}

#[test]
fn outlook_html_is_divided() {
    for file in ["outlook-mixed.html", "office-365.html", "microsoft-namespaces.html"] {
        let html = String::from_utf8(bytes(format!("planer/{file}"))).unwrap();
        let mail = read(&answer("text/html", &html)).unwrap();
        println!(
            "{file}: {:?} / {:?}",
            mail.text,
            mail.quoted.as_deref().map(|q| q.chars().take(80).collect::<String>())
        );
        assert!(!mail.text.is_empty(), "{file}");
    }
}

#[test]
fn mails_prepared_for_a_model() {
    for path in files("langmail", ".eml") {
        let mail = read(&std::fs::read(&path).unwrap()).unwrap();
        println!("{}: {:?}", path.file_name().unwrap().display(), mail.text.chars().take(300).collect::<String>());
        assert!(!mail.text.is_empty(), "{}", path.display());
        assert!(!mail.text.contains(['\u{200b}', '\u{200c}', '\u{200d}', '\u{feff}']), "{}", path.display());
    }
}

/// Signed and sealed by others, but with no verdict of Gmail's.
#[test]
fn a_verdict_of_others_is_none() {
    for path in files("mail-auth", ".txt") {
        if path.starts_with(fixtures().join("mail-auth/LICENSES")) {
            continue;
        }
        let raw = std::fs::read(&path).unwrap();
        if let Ok(mail) = read(&raw) {
            assert_ne!(mail.headers.authentication, channel::mail::Authentication::Pass, "{}", path.display());
        }
    }
}
