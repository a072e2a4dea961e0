use super::*;
use lopdf::{Document, Object, Stream, dictionary};
use std::io::{Cursor, Write};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../../tests/fixtures/documents/", $name)).as_slice()
    };
}

fn read(name: &str, bytes: &[u8]) -> Result<String, NotRead> {
    text("application/octet-stream", name, bytes).map(|read| read.markdown)
}

const POLICY: &str = "# Rückgabe und Umtausch\n\n## Fristen\n\n";

#[test]
fn a_pdf_keeps_headings_paragraphs_and_tables() {
    let read = read("policy.pdf", fixture!("policy.pdf")).unwrap();
    assert!(read.starts_with(POLICY), "{read}");
    assert!(read.contains("innerhalb von 30 Tagen zurückgeben"), "{read}");
    assert!(read.contains("Größere Möbel") && read.contains("kostet 49 €"), "{read}");
    assert!(read.contains("## Ausnahmen\n\n") && read.contains("Maßanfertigungen"), "{read}");
    assert!(read.contains("bis 2 kg 4,90 €"), "{read}");
}

#[test]
fn a_pdf_is_the_same_packed_or_with_an_owners_password_only() {
    let plain = read("a.pdf", fixture!("policy.pdf")).unwrap();
    assert_eq!(read("a.pdf", fixture!("policy-packed.pdf")).unwrap(), plain);
    assert_eq!(read("a.pdf", fixture!("policy-owner.pdf")).unwrap(), plain);
}

#[test]
fn a_pdf_is_read_in_all_scripts() {
    let read = read("a.pdf", fixture!("scripts.pdf")).unwrap();
    for line in [
        "Η παράδοση διαρκεί τρεις ημέρες.",
        "Доставка занимает три дня.",
        "Teslimat üç gün sürer, ücretsizdir.",
        "Wysyłka trwa trzy dni.",
        "送货需要三天。",
        "配送には三日かかります。",
    ] {
        assert!(read.contains(line), "{line} in {read}");
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    assert_eq!(read("a.pdf", fixture!("policy-locked.pdf")), Err(NotRead::Locked));
    assert_eq!(read("a.pdf", fixture!("picture.pdf")), Err(NotRead::NoText));
    assert_eq!(read("a.pdf", &fixture!("policy.pdf")[..700]), Err(NotRead::Damaged));
    assert_eq!(read("a.pdf", b"no pdf at all"), Err(NotRead::Damaged));
    assert_eq!(text("application/pdf", "a", b"no pdf at all"), Err(NotRead::Damaged));
    assert_eq!(read("a.docx", b"PK\x03\x04 no zip"), Err(NotRead::Damaged));
    assert_eq!(read("a.doc", &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0]), Err(NotRead::OldOrLockedWord));
    assert_eq!(read("a.exe", b"MZ\0\0"), Err(NotRead::UnknownKind));
    assert_eq!(read("a.txt", b"a\0b"), Err(NotRead::Damaged));
    assert_eq!(read("a.txt", b" \n\t"), Err(NotRead::Empty));
    assert_eq!(read("a.txt", b"-- ... --"), Err(NotRead::NoText));
    assert_eq!(read("a.txt", &vec![b'a'; limits::DOCUMENT_BYTES + 1]), Err(NotRead::TooLarge));
    let (archive, _) = package(&[("readme.txt", b"not a document")]);
    assert_eq!(read("a.zip", &archive), Err(NotRead::UnknownKind));
}

#[test]
fn the_bytes_say_what_a_file_is() {
    let plain = read("a.pdf", fixture!("policy.pdf")).unwrap();
    let named_otherwise = text("text/plain; charset=utf-8", "notes.txt", fixture!("policy.pdf")).unwrap();
    assert_eq!(named_otherwise.markdown, plain);
    assert_eq!(text("image/png", "a.md", b"# Hours\n\nDaily.").unwrap().markdown, "# Hours\n\nDaily.");
}

#[test]
fn a_word_document_keeps_headings_and_leaves_out_what_nobody_sees() {
    let read = read("warranty.docx", fixture!("warranty.docx")).unwrap();
    assert_eq!(
        read,
        "# Garantie\n\n# Durée\n\nLa garantie dure deux ans & couvre les pièces <et> la main-d’œuvre.\n\nVisible.\n\n\
         - Batterie : six mois\n- Écran : un an\n\n## Tarifs\n\nRéparation | Prix\nÉcran | 89 €\nFin."
    );
}

#[test]
fn html_and_markdown_keep_their_headings() {
    let html = "<h1>Delivery</h1><p>Three days.<h2>Abroad</h2><p style='display:none'>X</p><ul><li>Norway</ul>";
    assert_eq!(read("a.html", html.as_bytes()).unwrap(), "# Delivery\n\nThree days.\n\n## Abroad\n\n- Norway");
    assert_eq!(read("a.md", "# Größe\n\nKlein".as_bytes()).unwrap(), "# Größe\n\nKlein");
}

#[test]
fn text_is_read_in_its_charset() {
    assert_eq!(text("text/plain; charset=iso-8859-2", "a", b"pi\xeakny \xb3").unwrap().markdown, "piękny ł");
    assert_eq!(read("a.txt", b"\xff\xfeG\0r\0\xf6\0").unwrap(), "Grö");
    assert_eq!(read("a.txt", "\u{feff}日本".as_bytes()).unwrap(), "日本");
}

#[test]
fn a_table_says_with_each_value_what_it_is() {
    let csv = "Plan;Price;Note\nBasic;9 €;\"for one; or two\"\n\nTeam;29 €;\"says \"\"go\"\"\"\n";
    assert_eq!(
        read("a.csv", csv.as_bytes()).unwrap(),
        "- Plan: Basic; Price: 9 €; Note: for one; or two\n- Plan: Team; Price: 29 €; Note: says \"go\""
    );
    assert_eq!(read("a.tsv", b"a\tb\n1\t2").unwrap(), "- a: 1; b: 2");
    assert_eq!(read("a.csv", b"only, heads").unwrap(), "only; heads");
}

#[test]
fn every_cut_of_every_document_ends_without_a_panic() {
    for bytes in [fixture!("policy.pdf"), fixture!("policy-packed.pdf"), fixture!("warranty.docx")] {
        let step = (bytes.len() / 200).max(1);
        for end in (1..bytes.len()).step_by(step) {
            // Whatever comes out, it comes out.
            let _ = super::text("", "a", &bytes[..end]);
            let mut wrong = bytes.to_vec();
            wrong[end] ^= 0x55;
            let _ = super::text("", "a", &wrong);
        }
    }
}

fn package(files: &[(&str, &[u8])]) -> (Vec<u8>, usize) {
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        out.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(content).unwrap();
    }
    let bytes = out.finish().unwrap().into_inner();
    let length = bytes.len();
    (bytes, length)
}

#[test]
fn a_package_that_unpacks_without_end_is_refused() {
    let (bomb, length) = package(&[("word/document.xml", &vec![b' '; limits::PACKAGE_PART + 1])]);
    assert!(length < 1 << 20, "{length}");
    assert_eq!(read("a.docx", &bomb), Err(NotRead::Bomb));
}

#[test]
fn entities_of_a_documents_own_are_not_looked_up() {
    let lines = "<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/passwd'><!ENTITY b '&c;&c;'>]>\
                 <w:document xmlns:w='w'><w:body><w:p><w:r><w:t>one &a;&b;&#50;&amp;</w:t></w:r></w:p></w:body></w:document>";
    let (bytes, _) = package(&[("word/document.xml", lines.as_bytes())]);
    assert_eq!(read("a.docx", &bytes).unwrap(), "one 2&");
}

/// A file of one page whose content and forms are given; each form may draw the others.
fn pdf(content: &[u8], forms: &[Vec<u8>]) -> Vec<u8> {
    let mut document = Document::with_version("1.7");
    let pages = document.new_object_id();
    let font = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding",
    });
    let ids: Vec<_> = forms.iter().map(|_| document.new_object_id()).collect();
    let mut named = lopdf::Dictionary::new();
    for (at, id) in ids.iter().enumerate() {
        named.set(format!("F{at}"), Object::Reference(*id));
    }
    let resources = document.add_object(dictionary! { "Font" => dictionary! { "A" => font }, "XObject" => named });
    for (id, form) in ids.iter().zip(forms) {
        let head = dictionary! { "Type" => "XObject", "Subtype" => "Form", "Resources" => resources };
        document.objects.insert(*id, Object::Stream(Stream::new(head, form.clone())));
    }
    let content = document.add_object(Stream::new(dictionary! {}, content.to_vec()));
    let page = document.add_object(dictionary! {
        "Type" => "Page", "Parent" => pages, "Contents" => content, "Resources" => resources,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
    });
    let kids = dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 };
    document.objects.insert(pages, Object::Dictionary(kids));
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    document.trailer.set("Root", catalog);
    document.compress();
    let mut out = Vec::new();
    document.save_to(&mut out).unwrap();
    out
}

#[test]
fn a_stream_that_unpacks_without_end_is_refused() {
    let bomb = pdf(&vec![b' '; limits::PDF_STREAM + 1], &[]);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    assert_eq!(read("a.pdf", &bomb), Err(NotRead::Bomb));
}

#[test]
fn forms_that_draw_each_other_meet_a_count() {
    let draw = |next: usize| format!("BT /A 9 Tf (x) Tj ET {}", format!("/F{next} Do ").repeat(12)).into_bytes();
    let forms: Vec<Vec<u8>> = (0..9).map(|at| draw((at + 1) % 9)).collect();
    let (read, cut) = pdf::within(&pdf(b"BT /A 9 Tf 50 700 Td (first) Tj ET /F0 Do", &forms), 20_000).unwrap();
    assert!(cut && read.starts_with("first"), "{}", read.len());
}

#[test]
fn words_that_are_placed_one_by_one_are_parted() {
    let page = b"BT /A 10 Tf 50 700 Td (one) Tj 40 0 Td (two) Tj [(thr) -20 (ee) -400 (four)] TJ 0 -12 Td (next) Tj \
                 0 -40 Td (apart) Tj ET q 1 0 0 1 0 -100 cm BT /A 10 Tf 50 700 Td (moved) Tj ET Q";
    assert_eq!(read("a.pdf", &pdf(page, &[])).unwrap(), "one twothree four\nnext\n\napart\n\nmoved");
}

#[test]
fn the_attachments_of_a_mail_are_read_by_the_numbers_of_their_parts() {
    use channel::ports::MailReader;
    let policy = base64(fixture!("policy.pdf"));
    let mail = format!(
        "From: a@example.com\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nSee the files.\r\n\
         --b\r\nContent-Type: application/pdf; name=policy.pdf\r\nContent-Disposition: inline; filename=policy.pdf\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{policy}\r\n\
         --b\r\nContent-Type: text/csv; charset=iso-8859-1\r\nContent-Disposition: attachment; filename=prices.csv\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=F6=DFe;Preis\r\nXL;9\r\n\
         --b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=photo.png\r\n\
         Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n"
    );
    let read = crate::read(mail.as_bytes()).unwrap();
    let named = |name: &str| read.attachments.iter().find(|file| file.name == name).unwrap();
    let (policy, prices, photo) = (named("policy.pdf"), named("prices.csv"), named("photo.png"));
    let mime = crate::Mime;
    assert!(mime.may_hold_text(policy) && mime.may_hold_text(prices) && !mime.may_hold_text(photo));
    let texts = mime.attachments(mail.as_bytes(), &[prices.part, policy.part, photo.part, 99]);
    assert_eq!(texts[0].as_ref().unwrap().markdown, "- Größe: XL; Preis: 9");
    assert!(texts[1].as_ref().unwrap().markdown.starts_with(POLICY));
    assert_eq!(texts[2].as_ref().unwrap_err(), &NotRead::UnknownKind.to_string());
    assert_eq!(texts[3].as_ref().unwrap_err(), &NotRead::Damaged.to_string());
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= chunk.len() { sign as char } else { '=' });
        }
    }
    out
}
