use super::*;

fn settings() -> Settings {
    Settings { ver: 3, ..Settings::initial(MailboxId::parse("mb").unwrap()) }
}

fn wrong_fields(form: &SettingsForm) -> Vec<&'static str> {
    form.check(&settings())
        .map(|_| vec![])
        .unwrap_or_else(|errors| errors.into_iter().map(|error| error.field).collect())
}

#[test]
fn a_form_made_from_settings_means_these_settings() {
    let mut settings = settings();
    settings.delay_secs = 5400;
    settings.exclusions.senders = vec![EmailAddress::parse("Boss@example.com").unwrap()];
    settings.exclusions.domains = vec!["example.net".to_owned()];
    settings.exclusions.subject_words = vec!["out of office".to_owned(), "Ünsubscribe".to_owned()];
    settings.personality.signature = "Kind regards\nSupport".to_owned();
    assert_eq!(SettingsForm::of(&settings).check(&settings), Ok(settings));
}

#[test]
fn sending_without_a_person_asks_for_a_confirmation_once() {
    let mut form = SettingsForm::of(&settings());
    (form.auto_reply, form.draft_only) = (true, false);
    assert_eq!(wrong_fields(&form), ["auto_reply_confirmed"]);
    form.auto_reply_confirmed = true;
    let sending = form.check(&settings()).unwrap();
    assert_eq!(sending.mode(), Mode::AutoReply);
    form.auto_reply_confirmed = false;
    assert!(form.check(&sending).is_ok(), "it sends already");
    form.draft_only = true;
    assert_eq!(form.check(&settings()).unwrap().mode(), Mode::Draft, "draft wins when both are on");
}

#[test]
fn what_cannot_be_stored_is_told_beside_its_field() {
    let base = SettingsForm::of(&settings());
    let with = |change: fn(&mut SettingsForm)| {
        let mut form = base.clone();
        change(&mut form);
        wrong_fields(&form)
    };
    assert_eq!(with(|f| f.labels.clear()), ["labels"]);
    assert_eq!(with(|f| f.labels = vec!["SPAM".into()]), ["labels"]);
    assert_eq!(with(|f| f.labels = vec!["<script>".into()]), ["labels", "labels"]);
    assert_eq!(with(|f| f.delay = "-1".into()), ["delay"]);
    assert_eq!(with(|f| f.delay = "99999999".into()), ["delay"]);
    assert_eq!(with(|f| f.delay_unit = "weeks".into()), ["delay"]);
    assert_eq!(with(|f| f.excluded_senders = "a@example.com\nnot an address".into()), ["excluded_senders"]);
    assert_eq!(with(|f| f.excluded_domains = "@example.com\r\nnope".into()), ["excluded_domains"]);
    assert_eq!(with(|f| f.excluded_words = "x".repeat(201)), ["excluded_words"]);
}

#[test]
fn lists_are_cleaned_of_blanks_and_doubles() {
    let mut form = SettingsForm::of(&settings());
    form.excluded_domains = " @Example.com \r\n\r\nexample.com\nexample.com\n".to_owned();
    form.excluded_words = "help\n help \nHelp".to_owned();
    let exclusions = form.check(&settings()).unwrap().exclusions;
    assert_eq!(exclusions.domains, ["example.com"]);
    assert_eq!(exclusions.subject_words, ["help", "Help"]);
}
