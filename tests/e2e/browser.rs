//! As much of a browser as the pages need: cookies, redirects, forms. It sends `Origin` with a form, as browsers do.

use reqwest::{Client, Url, header};
use scraper::{Html, Selector};
use std::collections::BTreeMap;

const MAX_REDIRECTS: usize = 12;

pub struct Browser {
    client: Client,
    /// By host and port: `localhost:8400` and `127.0.0.1:8402` keep theirs apart.
    pub cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// Every address that was asked for, redirects included.
    pub visited: Vec<Url>,
}

/// What stands in the window.
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub html: String,
}

/// One form of a page, as it would be sent untouched.
#[derive(Debug, Clone)]
pub struct Form {
    pub action: Url,
    pub post: bool,
    pub fields: Vec<(String, String)>,
}

impl Form {
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }
}

fn selector(css: &str) -> Selector {
    Selector::parse(css).expect("a selector of the tests' own")
}

impl Page {
    pub fn text(&self) -> String {
        let document = Html::parse_document(&self.html);
        let body = document.select(&selector("body")).next();
        let text: String = body.map(|body| body.text().collect::<Vec<_>>().join(" ")).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub fn has(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    pub fn forms(&self) -> Vec<Form> {
        let document = Html::parse_document(&self.html);
        let (forms, controls) = (selector("form"), selector("input, textarea, select, button"));
        let read = |form: scraper::ElementRef<'_>| Form {
            action: self.url.join(form.value().attr("action").unwrap_or("")).expect("a form's action"),
            post: form.value().attr("method").is_some_and(|method| method.eq_ignore_ascii_case("post")),
            fields: form.select(&controls).filter_map(field).collect(),
        };
        document.select(&forms).map(read).collect()
    }

    /// The form that goes to a path ending like this.
    pub fn form(&self, path: &str) -> Form {
        let found = self.forms().into_iter().find(|form| form.action.path().ends_with(path));
        found.unwrap_or_else(|| panic!("no form to {path} on {} ({}): {}", self.url.path(), self.status, self.text()))
    }

    pub fn texts(&self, css: &str) -> Vec<String> {
        let document = Html::parse_document(&self.html);
        document.select(&selector(css)).map(|element| element.text().collect()).collect()
    }

    /// The ids and texts of elements that have an id.
    pub fn texts_with_id(&self, css: &str) -> Vec<(String, String)> {
        let document = Html::parse_document(&self.html);
        let read = |element: scraper::ElementRef<'_>| {
            let id = element.value().attr("id")?.to_owned();
            Some((id, element.text().collect::<String>().trim().to_owned()))
        };
        document.select(&selector(css)).filter_map(read).collect()
    }

    pub fn links(&self) -> Vec<Url> {
        let document = Html::parse_document(&self.html);
        let hrefs = document
            .select(&selector("a[href]"))
            .filter_map(|link| link.value().attr("href").map(str::to_owned))
            .collect::<Vec<_>>();
        hrefs.iter().filter_map(|href| self.url.join(href).ok()).collect()
    }
}

/// A successful control (HTML, "constructing the entry list"); the button is left to the test.
fn field(control: scraper::ElementRef<'_>) -> Option<(String, String)> {
    let element = control.value();
    let name = element.attr("name")?.to_owned();
    let kind = element.attr("type").unwrap_or("text");
    if element.attr("disabled").is_some() {
        return None;
    }
    match element.name() {
        "button" => None,
        "textarea" => Some((name, control.text().collect::<String>().trim_start_matches('\n').to_owned())),
        "select" => {
            let options = selector("option");
            let chosen = control.select(&options).find(|option| option.value().attr("selected").is_some());
            let chosen = chosen.or_else(|| control.select(&options).next())?;
            Some((name, chosen.value().attr("value").unwrap_or("").to_owned()))
        }
        _ if matches!(kind, "submit" | "button") => None,
        _ if matches!(kind, "checkbox" | "radio") && element.attr("checked").is_none() => None,
        _ if matches!(kind, "checkbox" | "radio") => Some((name, element.attr("value").unwrap_or("on").to_owned())),
        _ => Some((name, element.attr("value").unwrap_or("").to_owned())),
    }
}

fn host(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or(""), url.port_or_known_default().unwrap_or(0))
}

impl Browser {
    pub fn new() -> Self {
        let client =
            Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().expect("an HTTP client");
        Self { client, cookies: BTreeMap::new(), visited: vec![] }
    }

    pub async fn open(&mut self, url: &str) -> Page {
        self.go(Url::parse(url).expect("a test's own address"), None).await
    }

    pub async fn submit(&mut self, page: &Page, form: Form) -> Page {
        if form.post {
            let origin = page.url.origin().ascii_serialization();
            return self.go(form.action, Some((form.fields, origin))).await;
        }
        let mut url = form.action;
        url.query_pairs_mut().clear().extend_pairs(form.fields);
        self.go(url, None).await
    }

    async fn go(&mut self, mut url: Url, mut form: Option<(Vec<(String, String)>, String)>) -> Page {
        for _ in 0..MAX_REDIRECTS {
            self.visited.push(url.clone());
            let mut request = match form.take() {
                Some((fields, origin)) => self.client.post(url.clone()).header(header::ORIGIN, origin).form(&fields),
                None => self.client.get(url.clone()),
            };
            if let Some(jar) = self.cookies.get(&host(&url)).filter(|jar| !jar.is_empty()) {
                let cookies: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request = request.header(header::COOKIE, cookies.join("; "));
            }
            let answer = request.send().await.unwrap_or_else(|error| panic!("{}: {error}", url.path()));
            self.keep_cookies(&url, &answer);
            let status = answer.status();
            let next =
                answer.headers().get(header::LOCATION).map(|to| to.to_str().expect("a redirect's address").to_owned());
            match next.filter(|_| status.is_redirection()) {
                Some(next) => url = url.join(&next).expect("a redirect's address"),
                None => {
                    let html = answer.text().await.expect("a page");
                    return Page { url, status: status.as_u16(), html };
                }
            }
        }
        panic!("too many redirects, the last to {}", url.path());
    }

    fn keep_cookies(&mut self, url: &Url, answer: &reqwest::Response) {
        let jar = self.cookies.entry(host(url)).or_default();
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let text = cookie.to_str().expect("a cookie");
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').expect("a cookie's name");
            if attributes.to_lowercase().contains("max-age=0") || value.is_empty() {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
