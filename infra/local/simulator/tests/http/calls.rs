//! The log of calls: what it can be asked for, and what it never holds.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use simulator::{Call, CallQuery, Effect, Fault, When};
use url::Url;

use crate::support::{CALLBACK, CLIENT, CUSTOMER, MODIFY, SECRET, SUPPORT, http, mail, start};

#[tokio::test]
async fn the_log_is_asked_by_account_method_outcome_and_number() {
    let at = start().await;
    let other = at.sim.grant(CLIENT, CUSTOMER, &[MODIFY]).unwrap().access_token;
    let url = at.url("/gmail/v1/users/me/profile");
    at.http.get(&url).bearer_auth(&other).send().await.unwrap();
    at.http.get(&url).bearer_auth("invented").send().await.unwrap();
    at.get("labels").await;
    at.get("messages/ffff").await;
    let refuse = |reason: &str, when| Fault {
        method: "gmail.users.labels.*".into(),
        account: None,
        nth: 1,
        times: 1,
        when,
        effect: Effect::refuse(403, reason),
    };
    let id = at.sim.fault(refuse("domainPolicy", When::Before));
    at.get("labels").await;
    at.sim.fault(Fault { effect: Effect::drop_connection(), ..refuse("", When::After) });
    assert!(at.http.get(at.url("/gmail/v1/users/me/labels")).bearer_auth(&at.token).send().await.is_err());

    let ask = |query: CallQuery| {
        let statuses = at.sim.calls_where(&query).iter().map(|call| call.status).collect::<Vec<_>>();
        (query, statuses)
    };
    let outcome = |text: &str| CallQuery { outcome: Some(text.into()), ..CallQuery::default() };
    for (query, wanted) in [
        (CallQuery::default(), vec![200, 401, 200, 404, 403, 0]),
        (CallQuery { account: Some(SUPPORT.to_uppercase()), ..CallQuery::default() }, vec![200, 404, 403, 0]),
        (CallQuery { account: Some(CUSTOMER.into()), ..CallQuery::default() }, vec![200]),
        (CallQuery { method: Some("gmail.users.labels".into()), ..CallQuery::default() }, vec![200, 403, 0]),
        (CallQuery { since: Some(4), ..CallQuery::default() }, vec![403, 0]),
        (CallQuery { limit: Some(2), ..CallQuery::default() }, vec![403, 0]),
        (CallQuery { limit: Some(1), ..outcome("ok") }, vec![200]),
        (outcome("ok"), vec![200, 200]),
        (outcome("refused"), vec![401, 404, 403]),
        (outcome("dropped"), vec![0]),
        (outcome("faulted"), vec![403, 0]),
        (outcome("404"), vec![404]),
        (outcome("4xx"), vec![401, 404, 403]),
        (outcome("domainPolicy"), vec![403]),
        (outcome("nothing"), vec![]),
    ] {
        let (query, statuses) = ask(query);
        assert_eq!(statuses, wanted, "{query:?}");
        let url = Url::parse_with_params(
            &at.url("/_sim/calls"),
            json!(query)
                .as_object()
                .unwrap()
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))),
        )
        .unwrap();
        let over_http: Vec<Call> = at.http.get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!(over_http, at.sim.calls_where(&query));
    }
    let refused = at.sim.calls_where(&outcome("domainPolicy")).remove(0);
    assert_eq!((refused.faults, refused.fault, refused.units), (vec![id], true, 1));
    let unknown = at.http.get(at.url("/_sim/calls?outcom=ok")).send().await.unwrap();
    assert_eq!(unknown.status(), 400, "a misspelt question is no empty answer");
}

/// Everything that must not show: planted in requests of every kind, good and bad.
#[tokio::test]
async fn neither_log_nor_output_holds_a_token_a_code_or_content() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_simulator"))
        .args(["--port", "0", "--client", &format!("{CLIENT},{SECRET},{CALLBACK}")])
        .env("RUST_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut printed = String::new();
    out.read_line(&mut printed).unwrap();
    let base = printed.trim().to_owned();
    let http = http();

    let form = [
        ("client_id", CLIENT),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", MODIFY),
        ("state", "planted-state"),
        ("access_type", "offline"),
        ("account", SUPPORT),
        ("decision", "allow"),
    ];
    let consent = http.post(format!("{base}/o/oauth2/v2/auth")).form(&form).send().await.unwrap();
    let location = Url::parse(consent.headers()["location"].to_str().unwrap()).unwrap();
    let code = location.query_pairs().find(|(key, _)| key == "code").unwrap().1.into_owned();
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
    ];
    let tokens: Value = http.post(format!("{base}/token")).form(&redeem).send().await.unwrap().json().await.unwrap();
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let token = async |refresh: &str, secret: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh),
            ("client_id", CLIENT),
            ("client_secret", secret),
        ];
        http.post(format!("{base}/token")).form(&form).send().await.unwrap().status().as_u16()
    };
    assert_eq!(token(refresh, SECRET).await, 200);
    assert_eq!(token("planted-refresh-token", SECRET).await, 400);
    assert_eq!(token(refresh, "planted-secret").await, 401);

    let mail = mail("planted-id@customer.test", "Planted subject", "");
    let put = format!("{base}/_sim/accounts/{SUPPORT}/messages");
    http.post(put).body(mail.replace("Where is", "Planted text: where is")).send().await.unwrap();
    let gmail = format!("{base}/gmail/v1/users/me");
    for path in ["messages", "messages?q=subject:planted-query", "planted-path/x", "messages/planted-message-id"] {
        http.get(format!("{gmail}/{path}")).bearer_auth(access).send().await.unwrap();
        http.get(format!("{gmail}/{path}")).bearer_auth("planted-access-token").send().await.unwrap();
    }
    http.post(format!("{gmail}/drafts")).bearer_auth(access).body("{planted-body").send().await.unwrap();
    http.get(format!("{base}/oauth2/callback?code=planted-code")).send().await.unwrap();

    let log = http.get(format!("{base}/_sim/calls")).send().await.unwrap().text().await.unwrap();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    out.read_to_string(&mut printed).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut printed).unwrap();
    let calls: Vec<Call> = serde_json::from_str(&log).unwrap();
    assert!(calls.len() >= 14, "{}", calls.len());
    assert!(printed.contains("not simulated"), "the process says something: {printed}");
    for (name, text) in [("the log", log.to_lowercase()), ("the output", printed.to_lowercase())] {
        for secret in [&code, access, refresh, SECRET, "planted", "where is my parcel"] {
            assert!(!text.contains(&secret.to_lowercase()), "{name} holds {secret:?}");
        }
    }
}
