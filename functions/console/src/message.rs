//! The words of every outcome that a page can tell of. Addresses carry a code and pages look it up here, so that nothing
//! from an address is ever shown.

#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    pub code: &'static str,
    /// `good`, `bad` or `note`; the page's style, and whether it is announced as an alert.
    pub kind: &'static str,
    pub text: &'static str,
}

const fn good(code: &'static str, text: &'static str) -> Message {
    Message { code, kind: "good", text }
}

const fn bad(code: &'static str, text: &'static str) -> Message {
    Message { code, kind: "bad", text }
}

const fn note(code: &'static str, text: &'static str) -> Message {
    Message { code, kind: "note", text }
}

pub fn of(code: &str) -> Option<&'static Message> {
    MESSAGES.iter().find(|message| message.code == code)
}

static MESSAGES: &[Message] = &[
    // Connecting (A2)
    good("connected", "Connected. New mail appears in Chat; the first mails may take a minute or two."),
    good("reconnected", "Connected again. Settings are kept, and mail that came meanwhile is being picked up."),
    note("already_connected", "This mailbox is connected already; nothing was changed."),
    bad(
        "denied",
        "Google was not allowed to share the mailbox, so nothing was connected. Press Connect and then Allow.",
    ),
    bad(
        "admin_policy",
        "A Google Workspace administrator does not allow this app. Ask them to trust it in the Admin console, under Security, API controls; then try again.",
    ),
    bad(
        "org_internal",
        "The Google app is for members of its own organisation only. Choose an account of that organisation, or make the app external in the Google Cloud console.",
    ),
    bad(
        "redirect_mismatch",
        "The address of this installation is not registered with the Google client. Add it as an authorised redirect URI in the Google Cloud console.",
    ),
    bad("browser_refused", "Google does not allow this browser for signing in. Use an ordinary one."),
    bad(
        "google_refused",
        "Google refused without saying why. Start again; if it happens again, check the Google client’s settings.",
    ),
    bad("state_wrong", "This authorisation was not begun here, so nothing was done. Start again from this page."),
    bad("state_old", "The authorisation took longer than ten minutes, so nothing was done. Start again."),
    bad(
        "state_used",
        "This authorisation was used already, so nothing was done. If something is missing below, start again.",
    ),
    bad(
        "no_cookie",
        "The browser did not send the cookie that this authorisation was begun with, so nothing was done. Allow cookies for this site and start again.",
    ),
    bad(
        "other_browser",
        "This authorisation was begun in another browser, so nothing was done. Start again in this one.",
    ),
    bad("code_refused", "Authorization failed: Google did not accept the authorisation. Authorise again."),
    bad(
        "scope_missing",
        "Authorization failed: the permission to read and write mail was not granted. Authorise again and leave all permissions ticked.",
    ),
    bad(
        "no_lasting_access",
        "Google gave no lasting access. Remove Postroom in the Google account, under Security, third-party connections; then connect again.",
    ),
    bad(
        "other_account",
        "Another account than this mailbox’s was chosen, so nothing was changed. Press Reconnect and choose the account shown. To use another account, disconnect this mailbox and connect the other one.",
    ),
    bad(
        "gmail_refused",
        "Google granted access, but the mailbox could not be opened, so nothing was changed. Is Gmail switched on for the account? Try again in a moment.",
    ),
    bad(
        "client_refused",
        "Google does not accept this installation’s client. Check its id and secret; no mailbox is to blame.",
    ),
    bad("google_unavailable", "Google did not answer, so nothing was changed. Try again in a moment."),
    bad(
        "unavailable",
        "Something failed on our side. See below whether the mailbox is connected; if it is not, try again in a moment.",
    ),
    bad("unknown_mailbox", "There is no such mailbox."),
    bad("history_days_wrong", "Give the days of history as a whole number from 0 to 90."),
    bad("form_old", "The form was too old, so nothing was done. Try again."),
    // Disconnecting (A8)
    good(
        "disconnected",
        "Disconnected. Google has been told, the tokens are being erased, and what was pending is cancelled. The settings are kept.",
    ),
    note(
        "disconnected_here",
        "Disconnected here, but Google could not be told. Remove Postroom in the Google account as well, under Security, third-party connections.",
    ),
    note("disconnected_already", "The mailbox was disconnected already."),
    // Signing in
    good("signed_out", "You are signed out."),
    note("sign_in_denied", "Google was not allowed to say who you are, so you are not signed in."),
    bad(
        "not_an_operator",
        "This account may not sign in here. Ask whoever runs this installation to add it to the operators.",
    ),
    // Chat (A6)
    good("approved", "Approved. It is sent within moments."),
    good("discarded", "The draft was discarded and is being removed from Gmail."),
    good("cancelled", "The pending answer was cancelled."),
    good("sending_now", "It is being sent now."),
    good(
        "taken_over",
        "You have taken over. The assistant is off on this conversation, and what it had planned is cancelled.",
    ),
    good("handed_back", "Handed back. The assistant is at the unanswered mail now."),
    good("handed_back_next", "Handed back. Nothing is left to answer; the assistant takes the next mail."),
    good("replied", "Your answer is being sent. The assistant is off on this conversation until it is handed back."),
    bad(
        "changed",
        "The draft or answer has changed since you opened the page, so nothing was done. This is how it stands now.",
    ),
    bad("newer_mail", "The customer wrote more meanwhile, so nothing was sent. A new answer is being prepared."),
    bad("under_way", "It is being sent already, or was sent; nothing was done twice."),
    bad("not_connected", "The mailbox is not connected, so nothing can be sent. Reconnect it under Channels."),
    bad("paused", "The channel is paused, so nothing is sent. Switch Enabled on in its settings."),
    bad("stopped", "Automatic sending is stopped for the organisation. Allow it under Settings, or answer by hand."),
    bad("empty", "Write something first."),
    bad("too_long", "The text is too long: at most 50,000 characters."),
    bad("nobody", "The mail names no address that could be answered."),
    // Settings (A3)
    good("saved", "Saved. It takes effect with the next mail."),
    bad("not_saved", "Not saved: look at the fields that are marked."),
    bad(
        "stale",
        "Somebody else changed these settings meanwhile, so nothing was saved. Your entries are still here: compare, and save again to keep them.",
    ),
    // The assistant is asked without an effect (A3.2)
    bad("not_tried", "Nothing was asked: look at the fields that are marked."),
    bad("not_asked", "Nothing was asked: see what is wrong below."),
    bad(
        "asked_too_often",
        "Nothing was asked: sixty questions an hour are the limit, so that they keep no mail waiting. Ask again later.",
    ),
    // The knowledge base
    good("file_taken", "The file is there and is being read. This takes seconds, for a long one a minute."),
    good("pair_taken", "Saved. It serves answers in a moment."),
    good("renamed", "Renamed."),
    good("document_removed", "Removed. Within about a minute no answer rests on it any more."),
    note("document_gone", "It was removed already."),
    // Gaps (C10)
    good(
        "gap_answered",
        "Saved. As soon as it has been read, the answers that wait for it are made again; you find them in Chat.",
    ),
    good("gap_dismissed", "Dismissed."),
    // Notifications (B4)
    good("target_added", "Added. Send a test notification to see whether it arrives."),
    good("target_removed", "Removed. Nothing more is sent there."),
    good("test_arrived", "The test notification was accepted."),
    bad("test_failed", "The test notification is not known to have arrived. The target below says why."),
    good("sending_stopped", "All automatic sending is stopped. What was pending becomes a draft."),
    good("sending_allowed", "Automatic sending is allowed again, where a mailbox is set to it."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use channel::ports::{GmailError, VaultError};
    use channel::usecase::authorisation::{Denial, NotOurs};
    use channel::usecase::connect::ConnectError;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique() {
        let codes: BTreeSet<_> = MESSAGES.iter().map(|message| message.code).collect();
        let texts: BTreeSet<_> = MESSAGES.iter().map(|message| message.text).collect();
        assert_eq!((codes.len(), texts.len()), (MESSAGES.len(), MESSAGES.len()));
    }

    /// A2.3: each failure to connect has a message of its own.
    #[test]
    fn every_failure_to_connect_has_words() {
        let denials = [
            Denial::Denied,
            Denial::AdminPolicy,
            Denial::OrgInternal,
            Denial::RedirectMismatch,
            Denial::Browser,
            Denial::Other,
        ];
        let not_ours = [NotOurs::Wrong, NotOurs::Old, NotOurs::Used, NotOurs::NoCookie, NotOurs::OtherBrowser];
        let others = [
            ConnectError::UnknownMailbox,
            ConnectError::CodeRefused,
            ConnectError::ScopeMissing,
            ConnectError::NoLastingAccess,
            ConnectError::OtherAccount,
            ConnectError::Mailbox(GmailError::NotFound),
            ConnectError::Client(String::new()),
            ConnectError::Unavailable(String::new()),
            ConnectError::Vault(VaultError::Missing),
        ];
        let all =
            denials.map(ConnectError::Denied).into_iter().chain(not_ours.map(ConnectError::NotOurs)).chain(others);
        let codes: Vec<_> = all.map(|error| error.code()).collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len(), "{codes:?}");
        for code in codes.into_iter().chain(["connected", "reconnected", "already_connected"]) {
            assert!(of(code).is_some(), "{code}");
        }
    }
}
