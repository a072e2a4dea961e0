//! A person at a browser, as far as signing in and connecting a mailbox go: cookies, redirects, forms.
//!
//! It knows no route but the two pages that it opens; where a form goes and which fields it has is read from the page.

use crate::{Context, Error, Result};
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Method, StatusCode, Url};
use std::collections::BTreeMap;

const MOST_REDIRECTS: usize = 10;

#[derive(Debug)]
pub struct Browser {
    client: reqwest::Client,
    /// Host → name → value; cookies do not tell ports apart (RFC 6265, 8.5).
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

/// A page where a chain of redirects ended.
#[derive(Debug)]
pub struct Page {
    pub url: Url,
    pub status: StatusCode,
    pub html: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HtmlForm {
    pub action: String,
    /// Hidden fields, checked boxes, chosen radio buttons and texts, as they stand.
    pub fields: Vec<(String, String)>,
}

impl Browser {
    /// `client` must follow no redirect by itself.
    pub fn new(client: reqwest::Client) -> Self {
        Self { client, cookies: BTreeMap::new() }
    }

    pub async fn open(&mut self, url: &str) -> Result<Page> {
        let url = Url::parse(url).why(|| url.to_owned())?;
        self.request(Method::GET, url, None).await
    }

    /// Sends a form of `page` with `chosen` in place of, or beside, its own fields.
    pub async fn submit(&mut self, page: &Page, form: &HtmlForm, chosen: &[(&str, &str)]) -> Result<Page> {
        let url = page.url.join(&form.action).why(|| form.action.clone())?;
        let kept = form.fields.iter().filter(|(name, _)| !chosen.iter().any(|(other, _)| other == name));
        let mut fields: Vec<(String, String)> = kept.cloned().collect();
        fields.extend(chosen.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.request(Method::POST, url, Some((page.url.origin().ascii_serialization(), fields))).await
    }

    /// Signs in to the console as `operator`.
    pub async fn sign_in(&mut self, front_door: &str, operator: &str) -> Result<Page> {
        let page = self.open(&format!("{front_door}/signin")).await?;
        let Some(form) = page.form("/signin") else { return Ok(page) };
        let consent = self.submit(&page, &form, &[]).await?;
        let home = self.allow(&consent, operator).await?;
        home.must_be_at(front_door, "sign-in")
    }

    /// Connects the mailbox `address`; the operator must be signed in.
    pub async fn connect(&mut self, front_door: &str, address: &str) -> Result<Page> {
        let page = self.open(&format!("{front_door}/channels/gmail")).await?;
        let form = page
            .form("/oauth/connect")
            .ok_or_else(|| Error::new(format!("{} ({}) offers no Connect", page.url.path(), page.status)))?;
        let consent = self.submit(&page, &form, &[]).await?;
        let channel = self.allow(&consent, address).await?;
        channel.must_be_at(front_door, "connect")
    }

    /// Chooses an account on Google's consent page and allows what is asked for.
    async fn allow(&mut self, consent: &Page, account: &str) -> Result<Page> {
        let form = consent.forms().into_iter().find(|form| form.fields.iter().any(|(name, _)| name == "client_id"));
        let form = form
            .ok_or_else(|| Error::new(format!("no consent page, but {} ({})", consent.url.path(), consent.status)))?;
        self.submit(consent, &form, &[("account", account), ("decision", "allow")]).await
    }

    async fn request(
        &mut self,
        method: Method,
        url: Url,
        form: Option<(String, Vec<(String, String)>)>,
    ) -> Result<Page> {
        let (mut method, mut url, mut form) = (method, url, form);
        for _ in 0..MOST_REDIRECTS {
            let host = url.host_str().unwrap_or_default().to_owned();
            let mut request = self.client.request(method.clone(), url.clone());
            if let Some(jar) = self.cookies.get(&host).filter(|jar| !jar.is_empty()) {
                let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request = request.header(COOKIE, cookies.join("; "));
            }
            if let Some((origin, fields)) = &form {
                request = request.header(ORIGIN, origin).form(fields);
            }
            // Without its address: a query string may hold a code.
            let answer = request.send().await.map_err(reqwest::Error::without_url).why(|| url.path().to_owned())?;
            for cookie in answer.headers().get_all(SET_COOKIE) {
                self.take_cookie(&host, cookie.to_str().why(|| "a cookie".into())?);
            }
            let status = answer.status();
            let next = answer.headers().get(LOCATION).filter(|_| status.is_redirection()).cloned();
            let Some(next) = next else {
                let html = answer.text().await.map_err(reqwest::Error::without_url).why(|| url.path().to_owned())?;
                return Ok(Page { url, status, html });
            };
            url = url.join(next.to_str().why(|| "a redirect".into())?).why(|| "a redirect".into())?;
            (method, form) = (Method::GET, None);
        }
        Err(Error::new(format!("more than {MOST_REDIRECTS} redirects, the last to {}", url.path())))
    }

    fn take_cookie(&mut self, host: &str, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let ended = parts.any(|part| part.eq_ignore_ascii_case("max-age=0"));
        let jar = self.cookies.entry(host.to_owned()).or_default();
        if ended {
            jar.remove(name);
        } else {
            jar.insert(name.to_owned(), value.to_owned());
        }
    }
}

impl Page {
    pub fn forms(&self) -> Vec<HtmlForm> {
        forms(&self.html)
    }

    pub fn form(&self, action: &str) -> Option<HtmlForm> {
        self.forms().into_iter().find(|form| form.action == action)
    }

    fn must_be_at(self, origin: &str, what: &str) -> Result<Self> {
        let message = self.url.query_pairs().find(|(name, _)| name == "message").map(|(_, value)| value.into_owned());
        if self.status == StatusCode::OK && self.url.as_str().starts_with(origin) && self.url.path() != "/signin" {
            return Ok(self);
        }
        let said = message.map(|message| format!(", message {message}")).unwrap_or_default();
        Err(Error::new(format!("{what} ended at {} ({}{said})", self.url.path(), self.status)))
    }
}

/// The POST forms of a page that a program wrote: attributes in double quotes, no markup in values.
fn forms(html: &str) -> Vec<HtmlForm> {
    let mut forms = Vec::new();
    for part in html.split("<form").skip(1) {
        let (head, rest) = part.split_once('>').unwrap_or((part, ""));
        if !attribute(head, "method").is_some_and(|method| method.eq_ignore_ascii_case("post")) {
            continue;
        }
        let body = rest.split_once("</form>").map_or(rest, |(body, _)| body);
        let field = |tag: &str| {
            let tag = tag.split_once('>').map_or(tag, |(tag, _)| tag);
            let name = attribute(tag, "name")?;
            let kind = attribute(tag, "type").unwrap_or_default();
            let chosen = match kind.as_str() {
                "checkbox" | "radio" => tag.split_whitespace().any(|word| word.trim_end_matches('/') == "checked"),
                "submit" | "button" => false,
                _ => true,
            };
            chosen.then(|| (name, attribute(tag, "value").unwrap_or_default()))
        };
        let fields = body.split("<input").skip(1).filter_map(field).collect();
        forms.push(HtmlForm { action: attribute(head, "action").unwrap_or_default(), fields });
    }
    forms
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| unescape(value))
}

/// The entities that template engines write.
fn unescape(text: &str) -> String {
    const ENTITIES: [(&str, &str); 9] = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
        ("&#38;", "&amp;"),
    ];
    let text = ENTITIES.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain));
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_a_browser_would_send_them() {
        let html = r#"<form method="get" action="/search"><input name="q"></form>
            <form class="x" method="post" action="/oauth/connect?a=1&#38;b=2">
            <input type="hidden" name="csrf" value="a&#34;b&amp;lt;">
            <input type="checkbox" name="grant" value="one" checked> <input type="checkbox" name="grant" value="two">
            <input type="radio" name="account" value="x@y.test" required>
            <button name="decision" value="allow">Allow</button></form>"#;
        let expected = HtmlForm {
            action: "/oauth/connect?a=1&b=2".into(),
            fields: vec![("csrf".into(), "a\"b&lt;".into()), ("grant".into(), "one".into())],
        };
        assert_eq!(forms(html), vec![expected]);
    }

    #[test]
    fn cookies_are_kept_by_host_and_end_with_max_age_zero() {
        let mut browser = Browser::new(crate::cloud::client().unwrap());
        browser.take_cookie("localhost", "session=abc=; Path=/; HttpOnly");
        browser.take_cookie("localhost", "other=1");
        browser.take_cookie("localhost", "other=; Max-Age=0");
        assert_eq!(browser.cookies["localhost"], BTreeMap::from([("session".into(), "abc=".into())]));
    }
}
