//! The words, and the control request that each stands for.

use super::Order;
use super::duration::{ahead, signed};
use crate::google::SUBSCRIPTION;
use crate::{Error, Result};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

/// Reason codes of refusals, with the status that goes with each.
pub(super) const REASONS: [(&str, u16); 16] = [
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
const ALWAYS: u64 = u64::MAX;

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
    /// From the so manieth matching call on.
    #[arg(long, default_value_t = 1)]
    nth: u64,
    /// So many times.
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

impl Word {
    pub fn order(&self) -> Result<Order> {
        Ok(match self {
            Self::List => Order::bare(Method::GET, "faults"),
            Self::Clear { id: None } => Order::bare(Method::DELETE, "faults"),
            Self::Clear { id: Some(id) } => Order::bare(Method::DELETE, format!("faults/{id}")),
            Self::Refuse { calls, reason, status, retry_at, retry_after } => {
                calls.fault(refusal(reason.as_deref(), *status, *retry_at, *retry_after)?)
            }
            Self::Drop(calls) => calls.fault(json!("drop_connection")),
            Self::Delay { calls, by } => calls.fault(json!({ "delay_ms": by })),
            Self::Truncate { calls, percent } => calls.fault(json!({ "truncate": percent })),
            Self::Garbage { calls, form } => calls.fault(json!({ "status": 200, "body": form.body() })),
            Self::HistoryGone { account } => Order::post("history/forget", json!({ "account": account })),
            Self::Lag { account, younger_than, ahead, gets } => {
                let lag = json!({ "younger_than_ms": younger_than, "ahead": ahead, "gets": gets });
                let which = Which { account: Some(account.clone()), nth: 1, times: 1, always: true };
                which.fault("gmail.users.*", false, json!({ "lag": lag }))
            }
            Self::Vanish { calls, count } => calls.fault(json!({ "vanish": count })),
            Self::Push(push) => push.order()?,
            Self::Token { kind, account, client, lasts } => Order::post(
                "tokens/end",
                json!({ "kind": name(*kind)?, "account": account, "client_id": client, "for_ms": lasts }),
            ),
            Self::Restore { account, client } => {
                Order::post("tokens/restore", json!({ "account": account, "client_id": client }))
            }
            Self::Consent { code, account, page } => consent(code, account.as_deref(), *page)?,
            Self::Subscription(wish) => wish.order(),
            Self::Clock { offset } => Order::post("clock", json!({ "offset_ms": offset })),
            Self::Keys => Order::bare(Method::POST, "keys/rotate"),
        })
    }
}

fn refusal(reason: Option<&str>, status: Option<u16>, retry_at: Option<i64>, after: Option<u64>) -> Result<Value> {
    let usual = |status| match status {
        400 => "failedPrecondition",
        401 => "authError",
        403 => "forbidden",
        404 => "notFound",
        409 => "aborted",
        429 => "rateLimitExceeded",
        _ => "backendError",
    };
    let of_reason = reason.and_then(|reason| REASONS.iter().find(|(known, _)| *known == reason));
    let status = status.or(of_reason.map(|(_, status)| *status)).unwrap_or(503);
    let reason = reason.unwrap_or_else(|| usual(status));
    if status < 400 {
        return Err(Error::new(format!("{status} is no refusal")).remedy("name a status from 400 on"));
    }
    Ok(match retry_at {
        Some(span) => json!({ "status": status, "reason": reason, "retry_in_ms": span }),
        None => json!({ "status": status, "reason": reason, "retry_after": after }),
    })
}

fn consent(code: &str, account: Option<&str>, page: bool) -> Result<Order> {
    let (code, status, shown) =
        CONSENT.iter().find(|(known, _, _)| *known == code).ok_or_else(|| Error::new(format!("no error {code}")))?;
    let mut effect = json!({ "status": status, "reason": code });
    if page || *shown {
        effect["message"] = json!("Access blocked: you can't sign in because of this error.");
    }
    let which = Which { account: account.map(str::to_owned), nth: 1, times: 1, always: false };
    Ok(which.fault("oauth2.consent", false, effect))
}

/// The value as it is written on the command line.
fn name(value: impl ValueEnum) -> Result<String> {
    let value = value.to_possible_value().ok_or_else(|| Error::new("a kind has no name"))?;
    Ok(value.get_name().to_owned())
}

impl Calls {
    fn fault(&self, effect: Value) -> Order {
        self.which.fault(&self.method, self.after, effect)
    }
}

impl Which {
    fn fault(&self, method: &str, after: bool, effect: Value) -> Order {
        let fault = json!({
            "method": method,
            "account": self.account,
            "nth": self.nth,
            "times": if self.always { ALWAYS } else { self.times },
            "when": if after { "after" } else { "before" },
            "effect": effect,
        });
        Order::post("faults", fault)
    }

    fn push(&self, effect: Value) -> Order {
        self.fault("pubsub.push", false, effect)
    }
}

impl Form {
    fn body(self) -> Value {
        match self {
            Self::Html => json!("<!doctype html><title>Error 502 (Server Error)</title><p>That's all we know.</p>"),
            Self::HalfJson => json!("{\"historyId\": \"17\", \"messages\": [{\"id\": \"18"),
            Self::WrongTypes => json!({ "id": 18, "threadId": [], "historyId": -1, "messages": "none", "payload": 7 }),
            Self::Empty => json!(""),
        }
    }
}

impl Push {
    fn order(&self) -> Result<Order> {
        Ok(match self {
            Self::Lost(which) => which.push(json!({ "push": "lost" })),
            Self::Twice(which) => which.push(json!({ "push": "twice" })),
            Self::Late { by, which } => which.push(json!({ "delay_ms": by })),
            Self::Reordered(which) => which.push(json!({ "push": "reordered" })),
            Self::Forged { kind, which } => which.push(json!({ "push": { "forged": name(*kind)?.replace('-', "_") } })),
            Self::Replayed(which) => which.push(json!({ "push": "replayed" })),
        })
    }
}

impl Subscription {
    fn order(&self) -> Order {
        let to = |path: &str, named: &Named| Order::post(path, json!({ "subscription": named.subscription }));
        match self {
            Self::Set(policy) => Order::post(
                "pubsub/policy",
                json!({ "subscription": policy.named.subscription, "policy": policy.wire() }),
            ),
            Self::Idle(named) => to("pubsub/idle", named),
            Self::Detach(named) => to("pubsub/detach", named),
            Self::Delete(named) => to("pubsub/delete", named),
        }
    }
}

impl Policy {
    fn wire(&self) -> Value {
        let dead = self
            .dead_letter
            .as_ref()
            .map(|topic| json!({ "topic": topic, "max_delivery_attempts": self.max_attempts }));
        json!({
            "ack_deadline_ms": self.ack_deadline,
            "minimum_backoff_ms": self.min_backoff,
            "maximum_backoff_ms": self.max_backoff,
            "dead_letter": dead,
            "retention_ms": self.retention,
            "expiration_ms": (!self.no_expiration).then_some(self.expiration),
            "duplicates": self.duplicates,
            "disorder": self.disorder,
        })
    }
}
