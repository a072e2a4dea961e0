//! The deployed functions run under their own roles. A permission that is taken away is missed at the very call
//! that needs it, and once it is back nothing was lost.
//!
//! On a cloud of its own: roles are shared by all tests of a cloud.

use crate::aws::Aws;
use crate::browser::Browser;
use crate::main_job::QUESTION;
use crate::office::{Office, eventually, labels};
use serde_json::Value;
use std::collections::BTreeMap;
use xtask::cloud::{Cloud, Options, Place, TestCloud};
use xtask::workspace::Workspace;

/// One permission of `template.yaml`.
struct Permission {
    /// Logical id of the role, and the name of its policy, which is the function's too.
    role: &'static str,
    function: &'static str,
    action: &'static str,
    /// What its resource ends with, where the action is allowed on several.
    resource: &'static str,
}

const QUEUE: Permission =
    Permission { role: "GmailWebhookRole", function: "gmail-webhook", action: "sqs:SendMessage*", resource: "" };
const PUT: Permission =
    Permission { role: "MailSyncRole", function: "mail-sync", action: "dynamodb:PutItem", resource: "" };
const GRANT: Permission = Permission {
    role: "AiWorkerRole",
    function: "ai-worker",
    action: "secretsmanager:GetSecretValue",
    resource: "/mailbox/*",
};
const LIST: Permission =
    Permission { role: "ConsoleRole", function: "console", action: "dynamodb:Query", resource: "/index/list" };
const DUE: Permission = Permission {
    role: "TokenRefresherRole",
    function: "token-refresher",
    action: "dynamodb:Query",
    resource: "/index/due",
};

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

impl Permission {
    /// The policy without this permission.
    fn taken_from(&self, policy: &Value) -> Value {
        let mut without = policy.clone();
        let mut left = vec![];
        let mut taken = 0;
        for mut statement in list(&policy["Statement"]) {
            let here = |resource: &Value| resource.as_str().is_some_and(|text| text.ends_with(self.resource));
            let (mut actions, mut resources) = (list(&statement["Action"]), list(&statement["Resource"]));
            if actions.iter().any(|action| action == self.action) && resources.iter().any(here) {
                taken += 1;
                if resources.len() > 1 && !self.resource.is_empty() {
                    resources.retain(|resource| !here(resource));
                } else {
                    actions.retain(|action| action != self.action);
                }
                statement["Action"] = actions.clone().into();
                statement["Resource"] = resources.into();
            }
            if !actions.is_empty() {
                left.push(statement);
            }
        }
        assert_eq!(taken, 1, "{} has {} once", self.role, self.action);
        without["Statement"] = left.into();
        without
    }

    async fn policy(&self, aws: &Aws<'_>, role: &str) -> Value {
        let form =
            [("Action", "GetRolePolicy"), ("RoleName", role), ("PolicyName", self.function), ("Version", "2010-05-08")];
        let xml = aws.iam(&form).await;
        let (_, rest) = xml.split_once("<PolicyDocument>").unwrap_or_else(|| panic!("no document: {xml}"));
        let (text, _) = rest.split_once("</PolicyDocument>").expect("an end");
        let text = text.replace("&quot;", "\"").replace("&amp;", "&");
        // IAM gives the document percent-encoded (GetRolePolicy, "URL-encoded").
        let query = reqwest::Url::parse(&format!("http://localhost/?d={}", text.replace('+', "%2B"))).expect("a query");
        let text = query.query_pairs().next().expect("the document").1.into_owned();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    async fn put(&self, aws: &Aws<'_>, role: &str, policy: &Value) {
        let policy = policy.to_string();
        let form = [
            ("Action", "PutRolePolicy"),
            ("RoleName", role),
            ("PolicyName", self.function),
            ("PolicyDocument", &policy),
            ("Version", "2010-05-08"),
        ];
        aws.iam(&form).await;
    }

    /// Takes it away, and gives what puts it back.
    async fn take(&'static self, office: &Office) -> Taken {
        let aws = Aws::of(&office.cloud);
        let role = aws.resource(self.role).await;
        let policy = self.policy(&aws, &role).await;
        let denied_before = self.denials(office).await;
        self.put(&aws, &role, &self.taken_from(&policy)).await;
        Taken { permission: self, role, policy, denied_before }
    }

    async fn denials(&self, office: &Office) -> usize {
        let lines = office.cloud.logs(self.function).await.unwrap_or_else(|error| panic!("{error}"));
        lines.iter().filter(|line| line.contains("AccessDenied")).count()
    }
}

struct Taken {
    permission: &'static Permission,
    role: String,
    policy: Value,
    denied_before: usize,
}

impl Taken {
    async fn is_missed(&self, office: &Office) {
        let what = format!("{} is missed by {}", self.permission.action, self.permission.function);
        eventually(&what, async || (self.permission.denials(office).await > self.denied_before).then_some(())).await;
        println!("{what}");
    }

    async fn put_back(self, office: &Office) {
        self.permission.put(&Aws::of(&office.cloud), &self.role, &self.policy).await;
    }
}

struct Desk {
    office: Office,
    address: String,
    id: String,
}

impl Desk {
    async fn mail(&self, number: u32) -> String {
        let text = QUESTION.replace("MAILBOX", &self.address).replace("<first@", &format!("<{number}@"));
        self.office.deliver(&self.address, &text).await.1
    }

    async fn conversation_is_there(&self, thread: &str) -> bool {
        !Aws::of(&self.office.cloud).keys(&format!("CV#{}#{thread}", self.id)).await.is_empty()
    }

    async fn drafts(&self, thread: &str) -> usize {
        let dump = self.office.dump(&self.address).await;
        let messages = dump["messages"].as_array().expect("messages");
        messages.iter().filter(|m| m["thread_id"] == thread && labels(m).contains(&"DRAFT")).count()
    }

    /// The whole way: one draft, shown for review.
    async fn arrives(&mut self, thread: &str) {
        self.office.wait_for_page(&self.id, thread, "Draft waiting for your review").await;
        assert_eq!(self.drafts(thread).await, 1);
    }
}

#[tokio::test]
async fn a_permission_taken_away_is_missed_and_nothing_is_lost() {
    let home = Workspace::find().unwrap_or_else(|error| panic!("{error}")).home().join("tests/permissions");
    // What an interrupted run left.
    Place::end(&home).await.unwrap_or_else(|error| panic!("{error}"));
    if home.exists() {
        std::fs::remove_dir_all(&home).expect("an old home");
    }
    // No fallback sync in the meantime: what arrives came by the call that was refused before.
    let parameters = BTreeMap::from([("FallbackSyncSeconds".to_owned(), "86400".to_owned())]);
    let options = Options { stack: "permissions".into(), parameters, ..Options::isolated(home) };
    let cloud = Cloud::start(options).await.unwrap_or_else(|error| panic!("{error}"));
    let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    let mut office = Office { cloud: TestCloud::own(cloud), http, operator: Browser::new() };
    let address = office.fresh_mailbox("desk").await;
    office.sign_in().await;
    office.connect(&address).await;
    let id = office.mailbox_id(&address).await;
    let mut desk = Desk { office, address, id };

    // The first, since a warm worker keeps the token that it once read.
    let taken = GRANT.take(&desk.office).await;
    let thread = desk.mail(1).await;
    taken.is_missed(&desk.office).await;
    assert_eq!(desk.drafts(&thread).await, 0);
    taken.put_back(&desk.office).await;
    desk.arrives(&thread).await;

    let taken = QUEUE.take(&desk.office).await;
    let thread = desk.mail(2).await;
    taken.is_missed(&desk.office).await;
    assert!(!desk.conversation_is_there(&thread).await);
    taken.put_back(&desk.office).await;
    desk.arrives(&thread).await;

    let taken = PUT.take(&desk.office).await;
    let thread = desk.mail(3).await;
    taken.is_missed(&desk.office).await;
    assert!(!desk.conversation_is_there(&thread).await);
    taken.put_back(&desk.office).await;
    // The sync that failed is in the dead-letter queue with its reason; the next one begins where it would have.
    let next = desk.mail(4).await;
    desk.arrives(&thread).await;
    desk.arrives(&next).await;

    let taken = LIST.take(&desk.office).await;
    let chat = format!("{}/chat", desk.office.cloud.front_door);
    assert_eq!(desk.office.operator.open(&chat).await.status, 500);
    taken.is_missed(&desk.office).await;
    taken.put_back(&desk.office).await;
    assert_eq!(desk.office.operator.open(&chat).await.status, 200);

    let taken = DUE.take(&desk.office).await;
    let (failed, answer) = Aws::of(&desk.office.cloud).invoke(DUE.function, "{}").await;
    assert!(failed, "{answer}");
    taken.is_missed(&desk.office).await;
    taken.put_back(&desk.office).await;
    let (failed, answer) = Aws::of(&desk.office.cloud).invoke(DUE.function, "{}").await;
    assert!(!failed, "{answer}");
    desk.office.cloud.stop().await.unwrap_or_else(|error| panic!("{error}"));
}
