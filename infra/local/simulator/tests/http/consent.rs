//! The consent page: who may choose, what is granted, and how it is refused.

use serde_json::Value;
use simulator::{Effect, EndTokens, Fault, TokenDeath, When};
use url::Url;

use crate::support::{CALLBACK, CLIENT, CUSTOMER, Fixture, MODIFY, SECRET, SUPPORT, start};

const READONLY: &str = "https://www.googleapis.com/auth/gmail.readonly";
const LABELS: &str = "https://www.googleapis.com/auth/gmail.labels";

type Pairs<'a> = Vec<(&'a str, &'a str)>;

fn request<'a>(scope: &'a str, more: &[(&'a str, &'a str)]) -> Pairs<'a> {
    let mut pairs = vec![
        ("client_id", CLIENT),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", scope),
        ("state", "s"),
        ("access_type", "offline"),
    ];
    pairs.extend(more);
    pairs
}

/// What came back: Google's own page, or a redirect to the application.
#[derive(Debug)]
enum Came {
    Page(u16, String),
    Back(Vec<(String, String)>),
}

impl Came {
    fn back(self, key: &str) -> Option<String> {
        match self {
            Self::Back(pairs) => pairs.into_iter().find(|(known, _)| known == key).map(|(_, value)| value),
            Self::Page(status, html) => panic!("a page came: {status} {html}"),
        }
    }

    fn page(self) -> (u16, String) {
        match self {
            Self::Page(status, html) => (status, html),
            Self::Back(pairs) => panic!("it was redirected: {pairs:?}"),
        }
    }
}

async fn came(response: reqwest::Response) -> Came {
    let status = response.status().as_u16();
    if status == 302 {
        let location = Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
        return Came::Back(location.query_pairs().into_owned().collect());
    }
    Came::Page(status, response.text().await.unwrap())
}

impl Fixture {
    async fn ask(&self, pairs: &[(&str, &str)]) -> Came {
        let url = Url::parse_with_params(&self.url("/o/oauth2/v2/auth"), pairs).unwrap();
        came(self.http.get(url).send().await.unwrap()).await
    }

    async fn allow(&self, mut form: Pairs<'_>, account: &str) -> Came {
        form.extend([("account", account), ("decision", "allow")]);
        came(self.http.post(self.url("/o/oauth2/v2/auth")).form(&form).send().await.unwrap()).await
    }

    async fn exchanged(&self, code: &str) -> Value {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("client_id", CLIENT),
            ("client_secret", SECRET),
        ];
        self.http.post(self.url("/token")).form(&form).send().await.unwrap().json().await.unwrap()
    }

    async fn granted(&self, pairs: Pairs<'_>) -> Vec<String> {
        let code = self.allow(pairs, SUPPORT).await.back("code").unwrap();
        let tokens = self.exchanged(&code).await;
        let mut scopes: Vec<String> = tokens["scope"].as_str().unwrap().split(' ').map(str::to_owned).collect();
        scopes.sort();
        scopes
    }
}

#[tokio::test]
async fn unticked_scopes_are_missing_and_former_ones_come_along_when_asked_for() {
    let at = start().await;
    at.sim.revoke_grants(SUPPORT);
    let both = format!("{READONLY} {LABELS}");
    let ticked = [("granular", "1"), ("grant", READONLY)];
    assert_eq!(at.granted(request(&both, &ticked)).await, [READONLY]);
    assert_eq!(at.granted(request(LABELS, &[])).await, [LABELS]);
    let incremental = [("include_granted_scopes", "true")];
    assert_eq!(at.granted(request(MODIFY, &incremental)).await, [LABELS, MODIFY, READONLY]);
    at.sim.revoke_grants(SUPPORT);
    assert_eq!(at.granted(request(MODIFY, &incremental)).await, [MODIFY], "what was revoked does not come along");
}

#[tokio::test]
async fn the_page_offers_whom_the_request_means() {
    let at = start().await;
    let page = async |more: &[(&str, &str)]| at.ask(&request(MODIFY, more)).await.page().1;
    let of = |html: &str, address: &str| html.contains(&format!("value=\"{address}\""));
    let all = page(&[]).await;
    assert!(of(&all, SUPPORT) && of(&all, CUSTOMER));
    let own = page(&[("hd", "postroom.test")]).await;
    assert!(of(&own, SUPPORT) && !of(&own, CUSTOMER));
    let any = page(&[("hd", "*")]).await;
    assert!(of(&any, SUPPORT) && !of(&any, CUSTOMER));
    let hinted = page(&[("login_hint", CUSTOMER), ("prompt", "select_account consent")]).await;
    assert!(hinted.contains(&format!("value=\"{CUSTOMER}\" required checked")));

    let disabled =
        EndTokens { kind: TokenDeath::AccountDisabled, account: Some(CUSTOMER.into()), client_id: None, for_ms: None };
    at.sim.end_tokens(&disabled).unwrap();
    assert!(!of(&page(&[]).await, CUSTOMER));
    assert_eq!(at.allow(request(MODIFY, &[]), CUSTOMER).await.page().0, 400);
}

#[tokio::test]
async fn hd_comes_back_for_accounts_of_an_organisation() {
    let at = start().await;
    assert_eq!(at.allow(request(MODIFY, &[]), SUPPORT).await.back("hd").as_deref(), Some("postroom.test"));
    assert_eq!(at.allow(request(MODIFY, &[]), CUSTOMER).await.back("hd"), None);
}

#[tokio::test]
async fn prompt_none_answers_without_a_page() {
    let at = start().await;
    let silent = [("prompt", "none"), ("login_hint", SUPPORT)];
    assert!(at.ask(&request(MODIFY, &silent)).await.back("code").is_some(), "granted before");
    let error = async |scope: &str, more: &[(&str, &str)]| at.ask(&request(scope, more)).await.back("error").unwrap();
    assert_eq!(error(LABELS, &silent).await, "interaction_required");
    assert_eq!(error(MODIFY, &[("prompt", "none")]).await, "interaction_required");
    for (key, value) in
        [("prompt", "none consent"), ("prompt", "please"), ("access_type", "always"), ("include_granted_scopes", "yes")]
    {
        let mut pairs = request(MODIFY, &[]);
        pairs.retain(|(known, _)| *known != key);
        pairs.push((key, value));
        let (status, html) = at.ask(&pairs).await.page();
        assert_eq!(status, 400, "{key}={value}");
        assert!(html.contains("invalid_request"));
    }
}

#[tokio::test]
async fn rules_of_organisation_and_client_refuse_on_googles_page() {
    let at = start().await;
    at.sim.internal_to(CLIENT, Some("postroom.test"));
    assert!(at.allow(request(MODIFY, &[]), SUPPORT).await.back("code").is_some());
    let (status, html) = at.allow(request(MODIFY, &[]), CUSTOMER).await.page();
    assert!(status == 403 && html.contains("org_internal"), "{status} {html}");
    at.sim.internal_to(CLIENT, None);
    assert!(at.allow(request(MODIFY, &[]), CUSTOMER).await.back("code").is_some());

    let lies = |kind: TokenDeath| EndTokens {
        kind,
        account: (!kind.of_client()).then(|| SUPPORT.to_owned()),
        client_id: None,
        for_ms: None,
    };
    at.sim.end_tokens(&lies(TokenDeath::Admin)).unwrap();
    let (status, html) = at.allow(request(MODIFY, &[]), SUPPORT).await.page();
    assert!(status == 400 && html.contains("admin_policy_enforced"), "{status} {html}");
    assert!(at.allow(request("openid", &[]), SUPPORT).await.back("code").is_some(), "sign-in is no Gmail scope");
    at.sim.end_tokens(&lies(TokenDeath::ClientDeleted)).unwrap();
    let (status, html) = at.ask(&request(MODIFY, &[])).await.page();
    assert!(status == 401 && html.contains("deleted_client"), "{status} {html}");
}

#[tokio::test]
async fn a_browser_inside_an_application_is_refused() {
    let at = start().await;
    let url = Url::parse_with_params(&at.url("/o/oauth2/v2/auth"), request(MODIFY, &[])).unwrap();
    let phone = "Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 Version/4.0 Chrome/130.0 Mobile";
    let (status, html) = came(at.http.get(url).header("user-agent", phone).send().await.unwrap()).await.page();
    assert!(status == 403 && html.contains("disallowed_useragent"), "{status} {html}");
}

#[tokio::test]
async fn the_moment_of_consent_goes_wrong_on_request() {
    let at = start().await;
    let fault = |effect| Fault {
        method: "oauth2.consent".into(),
        account: Some(SUPPORT.into()),
        nth: 1,
        times: 1,
        when: When::Before,
        effect,
    };
    for code in ["access_denied", "admin_policy_enforced", "org_internal"] {
        let id = at.sim.fault(fault(Effect::refuse(403, code)));
        assert_eq!(at.allow(request(MODIFY, &[]), SUPPORT).await.back("error").as_deref(), Some(code));
        let call = at.sim.calls().into_iter().find(|call| call.faults == [id]).unwrap();
        assert_eq!((call.method.as_str(), call.reason.as_deref()), ("oauth2.consent", Some(code)));
    }
    let shown = Effect::Refuse {
        status: 403,
        reason: "disallowed_useragent".into(),
        message: Some("Use another browser.".into()),
        retry_after: None,
    };
    at.sim.fault(fault(shown));
    let (status, html) = at.allow(request(MODIFY, &[]), SUPPORT).await.page();
    assert!(status == 403 && html.contains("disallowed_useragent") && html.contains("Use another browser."));
    assert!(at.allow(request(MODIFY, &[]), SUPPORT).await.back("code").is_some());
}
