//! The words as they are written.

mod orders;

use super::duration::{ahead, signed};
use crate::google::SUBSCRIPTION;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};

/// Reason codes of refusals, with the status that goes with each.
const REASONS: [(&str, u16); 16] = [
    ("rateLimitExceeded", 403),
    ("userRateLimitExceeded", 403),
    ("quotaExceeded", 403),
    ("dailyLimitExceeded", 403),
    ("insufficientPermissions", 403),
    ("domainPolicy", 403),
    ("accessNotConfigured", 403),
    ("forbidden", 403),
    ("authError", 401),
    ("failedPrecondition", 400),
    ("invalidArgument", 400),
    ("notFound", 404),
    ("aborted", 409),
    ("backendError", 503),
    ("invalid_grant", 400),
    ("invalid_client", 401),
];
/// Errors of the consent page, with their statuses; those with `true` are shown there and never handed on.
const CONSENT: [(&str, u16, bool); 5] = [
    ("access_denied", 403, false),
    ("admin_policy_enforced", 400, false),
    ("org_internal", 403, false),
    ("redirect_uri_mismatch", 400, true),
    ("disallowed_useragent", 403, true),
];

#[derive(Debug, Subcommand)]
pub(super) enum Word {
    /// Show what is set, and how often it fired.
    #[command(after_help = "Example: cargo xtask fault list --json")]
    List,
    /// Clear the faults of calls and pushes: one, or all. What `token` and `clock` did stays; see `restore`, `clock 0`.
    #[command(after_help = "Example: cargo xtask fault clear 3")]
    Clear {
        /// A number that `fault list` shows; without it all are cleared.
        id: Option<u64>,
    },
    /// Refuse calls with one of Google's errors: 400 to 5xx, each 403 kind, 429 with a time stamp.
    #[command(after_help = "Example: cargo xtask fault refuse gmail.users.messages.get --status 429 --retry-at +30s \
                            --nth 2 --times 3")]
    Refuse {
        #[command(flatten)]
        calls: Calls,
        /// Reason code in the body [default: the usual one of the status]
        #[arg(long, value_parser = PossibleValuesParser::new(REASONS.map(|(reason, _)| reason)))]
        reason: Option<String>,
        /// HTTP status [default: that of the reason, or 503]
        #[arg(long)]
        status: Option<u16>,
        /// Name in the message when to come back, so far from the call on, by the simulator's clock.
        #[arg(long, value_name = "SPAN", value_parser = ahead, conflicts_with = "retry_after")]
        retry_at: Option<i64>,
        /// Send a Retry-After header of so many seconds.
        #[arg(long, value_name = "SECONDS")]
        retry_after: Option<u64>,
    },
    /// Close the connection without an answer; with --after the call has had its effect: a lost response.
    #[command(after_help = "Example: cargo xtask fault drop gmail.users.drafts.send --after")]
    Drop(Calls),
    /// Answer late.
    #[command(after_help = "Example: cargo xtask fault delay gmail.users.messages.get 1500ms")]
    Delay {
        #[command(flatten)]
        calls: Calls,
        /// How long.
        #[arg(value_parser = ahead)]
        by: i64,
    },
    /// Announce the right length and close the connection in the middle of the body.
    #[command(after_help = "Example: cargo xtask fault truncate gmail.users.messages.get --percent 40")]
    Truncate {
        #[command(flatten)]
        calls: Calls,
        /// How much of the body still comes.
        #[arg(long, default_value_t = 50)]
        percent: u8,
    },
    /// Answer 200 with something that is no answer of Gmail.
    #[command(after_help = "Example: cargo xtask fault garbage gmail.users.history.list --form html")]
    Garbage {
        #[command(flatten)]
        calls: Calls,
        #[arg(long, value_enum, default_value_t = Form::Html)]
        form: Form,
    },
    /// Make every earlier history id of a mailbox too old: `history.list` answers 404 to them.
    #[command(after_help = "Example: cargo xtask fault history-gone support@postroom.test")]
    HistoryGone { account: String },
    /// Let lists lag behind: they do not show what is young, so that a push finds an empty history.
    #[command(after_help = "Example: cargo xtask fault lag support@postroom.test 5s --gets")]
    Lag {
        account: String,
        /// What is younger is not shown [default: whatever comes, until the fault is cleared]
        #[arg(value_parser = ahead)]
        younger_than: Option<i64>,
        /// `history.list` already names the newest history id.
        #[arg(long)]
        ahead: bool,
        /// `messages.get` answers 404 too.
        #[arg(long)]
        gets: bool,
    },
    /// Delete messages for good right after a list has named them.
    #[command(after_help = "Example: cargo xtask fault vanish gmail.users.history.list --count 2")]
    Vanish {
        #[command(flatten)]
        calls: Calls,
        /// How many of those that the list names.
        #[arg(long, default_value_t = 1)]
        count: usize,
    },
    /// Lose, repeat, delay, reorder, forge or replay pushes.
    #[command(subcommand)]
    Push(Push),
    /// End refresh tokens, or the client that holds them, in one of Google's ways.
    #[command(after_help = "Example: cargo xtask fault token password support@postroom.test")]
    Token {
        #[arg(value_enum)]
        kind: Token,
        /// Whose tokens; not for the kinds of a client.
        #[arg(required_if_eq_any([
            ("kind", "revoked"), ("kind", "unused"), ("kind", "password"), ("kind", "limit"), ("kind", "admin"),
            ("kind", "session"), ("kind", "testing"), ("kind", "time-limited"), ("kind", "account-deleted"),
            ("kind", "account-disabled"),
        ]))]
        account: Option<String>,
        /// OAuth client id: which client is meant, or whose tokens only.
        #[arg(long)]
        client: Option<String>,
        /// time-limited, testing: how long the tokens still live; session: how long a session lasts.
        #[arg(long = "for", value_name = "SPAN", value_parser = ahead)]
        lasts: Option<i64>,
    },
    /// Lift what `token` laid on accounts and clients: of one, or of all. Tokens that are dead stay so.
    #[command(after_help = "Example: cargo xtask fault restore support@postroom.test")]
    Restore {
        account: Option<String>,
        #[arg(long)]
        client: Option<String>,
    },
    /// Let the next consent end with an error.
    #[command(after_help = "Example: cargo xtask fault consent admin_policy_enforced")]
    Consent {
        #[arg(value_parser = PossibleValuesParser::new(CONSENT.map(|(code, _, _)| code)))]
        code: String,
        #[arg(long)]
        account: Option<String>,
        /// Show it on Google's own page instead of handing it to the application.
        #[arg(long)]
        page: bool,
    },
    /// Set how a Pub/Sub subscription delivers, or end it.
    #[command(subcommand)]
    Subscription(Subscription),
    /// Set how far the simulator's clock is ahead of (or, with -, behind) the machine's.
    #[command(after_help = "Example: cargo xtask fault clock +5m")]
    Clock {
        #[arg(value_parser = signed, allow_hyphen_values = true)]
        offset: i64,
    },
    /// Publish a second signing key, which signs from now on.
    #[command(after_help = "Example: cargo xtask fault keys")]
    Keys,
}

/// Which calls.
#[derive(Debug, Args)]
pub(super) struct Calls {
    /// A method as the call log names it, such as gmail.users.messages.get; a trailing * matches the rest.
    method: String,
    #[command(flatten)]
    which: Which,
    /// After the call has had its effect.
    #[arg(long)]
    after: bool,
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// Only calls of this account.
    #[arg(long)]
    account: Option<String>,
    /// The first matching call that it changes, counted from 1.
    #[arg(long, default_value_t = 1)]
    nth: u64,
    /// How many matching calls it changes.
    #[arg(long, default_value_t = 1)]
    times: u64,
    /// Until it is cleared.
    #[arg(long, conflicts_with = "times")]
    always: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Form {
    /// A page for people.
    Html,
    /// JSON that breaks off.
    HalfJson,
    /// JSON with fields of the wrong types.
    WrongTypes,
    /// Nothing.
    Empty,
}

#[derive(Debug, Subcommand)]
pub(super) enum Push {
    /// It never comes.
    #[command(after_help = "Example: cargo xtask fault push lost --times 3")]
    Lost(Which),
    /// It comes once more although it was acknowledged.
    #[command(after_help = "Example: cargo xtask fault push twice")]
    Twice(Which),
    /// It comes late.
    #[command(after_help = "Example: cargo xtask fault push late 30s")]
    Late {
        #[arg(value_parser = ahead)]
        by: i64,
        #[command(flatten)]
        which: Which,
    },
    /// It comes only after a later one of the mailbox.
    #[command(after_help = "Example: cargo xtask fault push reordered")]
    Reordered(Which),
    /// It carries a token that Google would not have made for it; once refused, it comes again with a good one.
    #[command(after_help = "Example: cargo xtask fault push forged alg-none")]
    Forged {
        #[arg(value_enum)]
        kind: Forgery,
        #[command(flatten)]
        which: Which,
    },
    /// The same request, body and token, comes a second time.
    #[command(after_help = "Example: cargo xtask fault push replayed")]
    Replayed(Which),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Forgery {
    WrongKey,
    UnknownKey,
    WrongAudience,
    WrongIssuer,
    WrongEmail,
    UnverifiedEmail,
    AlgNone,
    Hs256,
    Expired,
    NoToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Token {
    /// The person took the consent back.
    Revoked,
    /// Not used for six months.
    Unused,
    /// The person changed the password: ends tokens with Gmail scopes.
    Password,
    /// Over 100 live tokens: the older ones end.
    Limit,
    /// The administrator restricts the service.
    Admin,
    /// The organisation's session length is over.
    Session,
    /// The seven days of a client in "Testing" are over.
    Testing,
    /// The person's access for a limited time is over.
    TimeLimited,
    AccountDeleted,
    AccountDisabled,
    /// The client got another secret.
    SecretRotated,
    ClientDeleted,
    ClientUnauthorized,
}

#[derive(Debug, Subcommand)]
pub(super) enum Subscription {
    /// Set its policy; what is not named is as by default.
    #[command(after_help = "Example: cargo xtask fault subscription set --dead-letter projects/p/topics/dead \
                            --max-attempts 5 --min-backoff 1s --max-backoff 30s")]
    Set(Box<Policy>),
    /// Let its idle time pass: it is deleted, and pushes vanish.
    #[command(after_help = "Example: cargo xtask fault subscription idle")]
    Idle(Named),
    /// It stays, but gets nothing more.
    #[command(after_help = "Example: cargo xtask fault subscription detach")]
    Detach(Named),
    #[command(after_help = "Example: cargo xtask fault subscription delete")]
    /// Delete it.
    Delete(Named),
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// projects/P/subscriptions/S
    #[arg(default_value = SUBSCRIPTION)]
    subscription: String,
}

#[derive(Debug, Args)]
pub(super) struct Policy {
    #[command(flatten)]
    named: Named,
    /// Time for an acknowledgement.
    #[arg(long, value_name = "SPAN", value_parser = ahead)]
    ack_deadline: Option<i64>,
    /// Pause before the second delivery; it doubles.
    #[arg(long, value_name = "SPAN", value_parser = ahead)]
    min_backoff: Option<i64>,
    #[arg(long, value_name = "SPAN", value_parser = ahead)]
    max_backoff: Option<i64>,
    /// Topic for what was refused too often.
    #[arg(long, value_name = "TOPIC")]
    dead_letter: Option<String>,
    /// Deliveries before that, 5 to 100.
    #[arg(long, default_value_t = 5)]
    max_attempts: u32,
    /// How long an unacknowledged message is kept.
    #[arg(long, value_name = "SPAN", value_parser = ahead, default_value = "7d")]
    retention: i64,
    /// Idle for so long, the subscription is deleted.
    #[arg(long, value_name = "SPAN", value_parser = ahead, default_value = "31d")]
    expiration: i64,
    /// It is never deleted.
    #[arg(long, conflicts_with = "expiration")]
    no_expiration: bool,
    /// Every message comes twice.
    #[arg(long)]
    duplicates: bool,
    /// Of every two messages the second comes first.
    #[arg(long)]
    disorder: bool,
}
